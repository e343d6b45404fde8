//! A door is up before it is ready: it says what it waits for, and can be stopped meanwhile.

use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::Value;

use super::server::{MODEL, Start, in_folder};

#[tokio::test(flavor = "multi_thread")]
async fn a_door_that_waits_for_weights_is_up_and_not_ready_and_can_be_stopped() {
    // An index that takes the connection and never answers.
    let index = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let origin = format!("http://{}", index.local_addr().unwrap());
    let mut server = Start::without_model()
        .model(MODEL)
        .environment("FREEHOLD__MODELS__DIR", &in_folder(folder.path(), "models"))
        .environment("FREEHOLD__MODELS__INDEX_URL", &format!("{origin}/simple"))
        .environment("FREEHOLD__MODELS__HUB_URL", &origin)
        .environment("NO_PROXY", "127.0.0.1")
        .on(&folder.path().join("data"));
    server.wait_for("fetching weights");
    let client = server.client();
    let ready = client.get(format!("{}/readyz", server.url)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let parts = ready.json::<Value>().await.unwrap();
    assert_eq!(parts["parts"]["embeddings"], "ready");
    assert!(parts["parts"]["chat"].as_str().unwrap().starts_with(&format!("{MODEL}: ")), "{parts}");
    assert_eq!(client.get(format!("{}/healthz", server.url)).send().await.unwrap().status(), 200);
    server.signal(Signal::TERM);
    assert!(server.ended().success());
}
