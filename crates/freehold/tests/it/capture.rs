//! What a capture mode does not keep is found nowhere: not in the data folder, not in the log.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::json;

use super::server::{MODEL, Start, json};

/// A word that no model says by itself.
const MARKER: &str = "qwzx-7f3a-marker";

fn files_with(folder: &Path, words: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            found.extend(files_with(&path, words));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(words.len()).any(|part| part == words.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

#[tokio::test]
async fn words_that_a_capture_mode_does_not_keep_are_found_nowhere() {
    let mut server = Start::with_model().on_new_folder();
    let client = server.client();
    let url = format!("{}/v1/chat/completions", server.url);
    let ask = |capture: &'static str| {
        let body = json!({"model": MODEL, "max_tokens": 4, "metadata": {"note": MARKER}, "user": MARKER,
            "messages": [{"role": "user", "content": format!("Say {MARKER}")}]});
        client.post(&url).header("freehold-capture", capture).json(&body).send()
    };
    for capture in ["none", "usage"] {
        assert_eq!(ask(capture).await.unwrap().status(), 200);
    }
    assert_eq!(files_with(&server.data, MARKER), Vec::<PathBuf>::new());
    assert_eq!(json(&server.data, &["lake", "compact"])["traces"], 1);
    let tables = json(&server.data, &["lake", "status"]);
    let rows = |name: &str| {
        tables["data"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()["rows"].clone()
    };
    assert_eq!((rows("traces"), rows("trace_contents")), (json!(1), json!(0)));
    // The search finds what is kept.
    assert_eq!(ask("full").await.unwrap().status(), 200);
    assert_ne!(files_with(&server.data, MARKER), Vec::<PathBuf>::new());
    server.signal(Signal::TERM);
    server.wait_for("stopped");
    let log = server.logged("");
    assert!(log.len() > 5 && !log.iter().any(|line| line.to_string().contains(MARKER)));
}
