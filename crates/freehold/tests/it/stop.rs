//! How a server stops: a running reply finishes, then it is gone; a second signal does not wait.

use std::io::{BufRead, BufReader};

use futures::StreamExt;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::server::{MODEL, Server, Start};

/// Begins a long streamed reply and returns once its first piece is here.
async fn begin(
    server: &Server,
    max_tokens: u32,
) -> (String, impl futures::Stream<Item = reqwest::Result<bytes::Bytes>> + use<>) {
    let body = json!({
        "model": MODEL, "stream": true, "max_tokens": max_tokens, "temperature": 0,
        "messages": [{"role": "user", "content": "Count from one to three hundred in words."}],
    });
    let reply = server.client().post(format!("{}/v1/chat/completions", server.url)).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 200);
    let mut pieces = reply.bytes_stream();
    let first = pieces.next().await.unwrap().unwrap();
    (String::from_utf8_lossy(&first).into_owned(), pieces)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_reply_finishes_before_the_server_ends() {
    // However busy this machine is: the reply ends by itself, and not by the end of the grace.
    let mut server =
        Start::with_model().environment("FREEHOLD__SERVER__SHUTDOWN_GRACE_SECONDS", "3600").on_new_folder();
    let (mut text, mut pieces) = begin(&server, 200).await;
    server.signal(Signal::TERM);
    server.wait_for("stopping");
    while let Some(piece) = pieces.next().await {
        text.push_str(&String::from_utf8_lossy(&piece.unwrap()));
    }
    assert!(text.trim_end().ends_with("data: [DONE]"), "{text}");
    assert!(server.ended().success());
    assert!(!server.data.join("control.sock").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_server_at_once() {
    let mut server =
        Start::with_model().environment("FREEHOLD__SERVER__SHUTDOWN_GRACE_SECONDS", "3600").on_new_folder();
    let (_, pieces) = begin(&server, 4_000).await;
    server.signal(Signal::TERM);
    server.wait_for("stopping");
    server.signal(Signal::TERM);
    server.ended();
    drop(pieces);
}

#[test]
fn a_server_whose_log_nobody_reads_any_more_stops_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Start::without_model().command(folder.path()).spawn().unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(log.any(|line| line.unwrap().contains("ready: questions are answered")));
    drop(log);
    kill_process(Pid::from_child(&server), Signal::TERM).unwrap();
    assert!(server.wait().unwrap().success());
}
