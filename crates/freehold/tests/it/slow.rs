//! Clients that are slow on purpose are sent away; nobody else waits for them.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::server::{PATIENCE, Server, Start};

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What the server says before it hangs up.
fn last_words(mut stream: TcpStream) -> String {
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn a_client_that_never_ends_its_request_is_sent_away() {
    let server = Start::without_model()
        .environment("FREEHOLD__SERVER__HEADER_TIMEOUT_SECONDS", "1")
        .environment("FREEHOLD__SERVER__BODY_IDLE_TIMEOUT_SECONDS", "1")
        .on_new_folder();
    let silent = connect(&server);
    let mut head = connect(&server);
    head.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ").unwrap();
    let mut body = connect(&server);
    let request = "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    write!(body, "{request}Authorization: Bearer {}\r\nContent-Length: 100\r\n\r\n{{", server.key()).unwrap();
    assert_eq!(last_words(silent), "");
    assert!(!last_words(head).contains("200 OK"));
    let refused = last_words(body);
    assert!(refused.starts_with("HTTP/1.1 408") && refused.contains("body_timeout"), "{refused}");
}
