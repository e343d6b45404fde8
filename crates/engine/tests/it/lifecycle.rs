//! Beginning and end: loading, broken files, threads, and a stop that lets answers finish.

use std::os::unix::fs::PermissionsExt;

use engine::EngineError;
use http_body_util::BodyExt;
use serde_json::json;

use crate::harness::{Running, greedy, student, words};

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_lets_running_answers_finish() {
    let engine = Running::start(|_| ()).await;
    let mode = std::fs::metadata(engine.folder.path().join("engine.sock")).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut body = greedy("Go on.", 40);
    body["engine"] = json!({"ignore_eos": true});
    body["stream"] = json!(true);
    let response = engine.send("POST", "/v1/chat/completions", body.to_string().into_bytes()).await;
    engine.until("running", |running| running == 1).await;
    let socket = engine.folder.path().join("engine.sock");
    let (result, text) = tokio::join!(engine.stop(), response.into_body().collect());
    result.expect("a clean end");
    let text = String::from_utf8(text.expect("a whole body").to_bytes().to_vec()).expect("UTF-8");
    assert!(text.ends_with("data: [DONE]\n\n") && text.contains("\"finish_reason\":\"length\""), "{text}");
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_model_ends_the_engine_with_a_reason() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let whole = std::fs::read(student()).expect("the test model");
    let cut = folder.path().join("cut.gguf");
    std::fs::write(&cut, &whole[..whole.len() / 2]).expect("room");
    let mut altered = whole;
    altered[8..16].copy_from_slice(&u64::MAX.to_le_bytes());
    let wrong = folder.path().join("wrong.gguf");
    std::fs::write(&wrong, &altered).expect("room");
    for path in [cut, wrong, folder.path().join("missing.gguf")] {
        let error = Running::launch(path.clone(), |_| ()).end().await.expect_err("it cannot be loaded");
        assert!(matches!(error, EngineError::Model { .. }), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(path.to_str().expect("text")) && message.contains("fetch the file again"),
            "{message}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_not_asked_for_what_it_cannot_do() {
    let error = Running::launch(student(), |options| options.socket = "/proc/none/engine.sock".into()).end().await;
    assert!(error.expect_err("no socket there").to_string().contains("cannot listen on /proc/none/engine.sock"));
    let running = Running::start(|_| ()).await;
    let socket = running.folder.path().join("engine.sock");
    let second = Running::launch(student(), |options| options.socket = socket).end().await;
    assert!(second.expect_err("the socket is taken").to_string().contains("another engine listens there"));
    assert_eq!(running.get("/health").await.body["state"], "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_change_while_it_runs() {
    let engine = Running::start(|options| options.threads = Some(2)).await;
    let before = engine.chat(greedy("Say something.", 12)).await;
    assert_eq!(engine.post("/threads", json!({"threads": 1})).await.status, 200);
    let after = engine.chat(greedy("Say something.", 12)).await;
    assert_eq!(words(&after), words(&before));
    assert_eq!(engine.post("/threads", json!({"threads": 0})).await.status, 400);
    let props = engine.get("/props").await.body;
    assert_eq!(
        (&props["architecture"], &props["context_length"], &props["slots"]),
        (&json!("llama"), &json!(8192), &json!(4))
    );
    assert!(props["build"]["cpu_flags"].as_str().is_some_and(|flags| flags.contains("CPU")));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_loads_it_says_so() {
    let engine = Running::launch(student(), |_| ());
    let mut states = Vec::new();
    // From the first moment the socket is there, every answer is one of the two.
    while !states.contains(&"ready".to_owned()) {
        if tokio::net::UnixStream::connect(engine.folder.path().join("engine.sock")).await.is_err() {
            tokio::task::yield_now().await;
            continue;
        }
        let health = engine.get("/health").await;
        let state = health.body["state"].as_str().expect("a state").to_owned();
        assert_eq!(health.status, if state == "ready" { 200 } else { 503 });
        if state == "loading" {
            let refused = engine.get("/props").await;
            assert!(refused.status == 200 || refused.retry_after.is_some(), "{}", refused.body);
        }
        states.push(state);
    }
    assert_eq!(states[0], "loading");
    engine.stop().await.expect("a clean end");
}
