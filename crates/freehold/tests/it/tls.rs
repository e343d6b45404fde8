//! TLS at the door, with a client that trusts one certificate only. The pair in `tls/` is for 127.0.0.1 until 2126; made
//! with `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes`, as is the key that does not belong to it.

use std::path::Path;

use expect_test::{Expect, expect};
use futures::StreamExt;
use reqwest::Certificate;
use serde_json::json;

use super::server::{MODEL, Start, complaint, freehold, in_folder, run};

const CERT: &str = include_str!("tls/cert.pem");
const KEY: &str = include_str!("tls/key.pem");
const OTHER_KEY: &str = include_str!("tls/other_key.pem");

/// The arguments for a pair of files in a folder.
fn pair(folder: &Path) -> [String; 4] {
    let (cert, key) = (in_folder(folder, "cert.pem"), in_folder(folder, "key.pem"));
    ["--tls-cert".to_owned(), cert, "--tls-key".to_owned(), key]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_trusts_the_certificate_is_answered_and_streamed_to() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cert.pem"), CERT).unwrap();
    std::fs::write(folder.path().join("key.pem"), KEY).unwrap();
    let pair = pair(folder.path());
    let server = Start::with_model().arguments(&pair.each_ref().map(String::as_str)).on_new_folder();
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);

    let client = server.client_that(|client| client.tls_certs_only([Certificate::from_pem(CERT.as_bytes()).unwrap()]));
    let health = client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(health.status(), 200);
    let body = json!({
        "model": MODEL, "stream": true, "max_tokens": 8, "messages": [{"role": "user", "content": "Hello"}],
    });
    let reply = client.post(format!("{}/v1/chat/completions", server.url)).json(&body).send().await.unwrap();
    assert_eq!(reply.headers()["content-type"], "text/event-stream; charset=utf-8");
    let pieces: Vec<_> = reply.bytes_stream().map(|piece| piece.unwrap()).collect().await;
    let text = String::from_utf8(pieces.concat()).unwrap();
    assert!(text.matches("chat.completion.chunk").count() > 2 && text.trim_end().ends_with("data: [DONE]"), "{text}");

    let stranger = server.client().get(format!("{}/healthz", server.url)).send().await;
    assert!(stranger.unwrap_err().is_connect(), "a certificate that is not trusted");
    let plain = client.get(server.url.replace("https://", "http://")).send().await;
    assert!(plain.is_err(), "no plain HTTP at that port");
}

fn refused(cert: Option<&str>, key: Option<&str>, code: i32, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("cert.pem", cert), ("key.pem", key)] {
        if let Some(text) = text {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
    }
    let arguments = pair(folder.path());
    let output = freehold(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]).args(arguments).output().unwrap();
    expected.assert_eq(&complaint(&output, folder.path()));
    assert_eq!(output.status.code(), Some(code));
}

#[test]
fn a_pair_that_cannot_be_used_is_refused_with_what_to_do() {
    refused(
        None,
        Some(KEY),
        3,
        expect![[r#"
        × reading the certificate DIR/cert.pem failed: No such file or directory (os error 2)
        help: check that DIR/cert.pem exists
    "#]],
    );
    refused(
        Some(CERT),
        None,
        3,
        expect![[r#"
        × reading the private key DIR/key.pem failed: No such file or directory (os error 2)
        help: check that DIR/key.pem exists
    "#]],
    );
    refused(
        Some("no certificate"),
        Some(KEY),
        2,
        expect![[r#"
        × server.tls_cert: there is no certificate in DIR/cert.pem
        help: name a PEM file that begins with -----BEGIN CERTIFICATE-----: this server's own certificate first, then those of its issuers
    "#]],
    );
    refused(
        Some(KEY),
        Some(KEY),
        2,
        expect![[r#"
        × server.tls_cert: there is no certificate in DIR/cert.pem
        help: name a PEM file that begins with -----BEGIN CERTIFICATE-----: this server's own certificate first, then those of its issuers
    "#]],
    );
    refused(
        Some(CERT),
        Some("no key"),
        2,
        expect![[r#"
        × server.tls_key: there is no private key without a passphrase in DIR/key.pem
        help: name a PEM file that begins with -----BEGIN PRIVATE KEY-----; `openssl pkey -in KEY -out NEW` takes a passphrase off
    "#]],
    );
    refused(
        Some(CERT),
        Some(OTHER_KEY),
        2,
        expect![[r#"
        × server.tls_cert, server.tls_key: DIR/key.pem is not the key of the certificate DIR/cert.pem
        help: name the pair that was made together: `openssl pkey -pubout -in DIR/key.pem` and `openssl x509 -pubkey -noout -in DIR/cert.pem` print the same for it
    "#]],
    );
    let broken = CERT.replace("MII", "MIX");
    refused(
        Some(&broken),
        Some(KEY),
        2,
        expect![[r#"
        × server.tls_cert, server.tls_key: the certificate DIR/cert.pem cannot be used: invalid peer certificate: BadEncoding
        help: copy the file again, whole, or ask whoever issued it for a new one (ECDSA, Ed25519 or RSA)
    "#]],
    );
}

#[test]
fn one_half_of_a_pair_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["serve", "--tls-cert", "cert.pem"]);
    expect![[r#"
        error: the following required arguments were not provided:
        --tls-key <FILE>

        Usage: freehold serve --tls-cert <FILE> --tls-key <FILE>

        For more information, try '--help'.
    "#]]
    .assert_eq(&complaint(&output, folder.path()));
    assert_eq!(output.status.code(), Some(2));
    let output = freehold(folder.path()).arg("serve").env("FREEHOLD__SERVER__TLS_KEY", "key.pem").output().unwrap();
    expect![[r#"
        × environment FREEHOLD__SERVER__TLS_KEY: 'server.tls_key' is set without 'server.tls_cert'
        help: TLS needs both; without both the door speaks plain HTTP
    "#]]
    .assert_eq(&complaint(&output, folder.path()));
    assert_eq!(output.status.code(), Some(2));
}
