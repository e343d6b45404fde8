//! A folder that this server reads: its files come in with the lists that stand beside them, and a bad one costs itself.

use std::fs;

use serde_json::{Value, json};

use super::server::{Server, Start};

/// A new folder of files beside a list for them.
fn wiki() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write(".access.json", br#"{"allow": ["everyone"]}"#);
    write("welcome.md", b"# Welcome\n\nThe canteen opens at noon.");
    write("page.html", b"<h1>Heating</h1><p>The heating is serviced in October.</p>");
    write("pay.txt", b"The bonus is paid in June.");
    write("pay.txt.access.json", br#"{"allow": []}"#);
    write("broken.pdf", b"%PDF-1.7\n");
    write("tool.exe", b"MZ");
    folder
}

async fn get(server: &Server, client: &reqwest::Client, path: &str) -> Value {
    client.get(format!("{}/api/v1/{path}", server.url)).send().await.unwrap().json().await.unwrap()
}

async fn post(server: &Server, client: &reqwest::Client, path: &str, body: &Value) -> Value {
    client.post(format!("{}/api/v1/{path}", server.url)).json(body).send().await.unwrap().json().await.unwrap()
}

/// Waits until a document with these words is found, or none any more.
async fn until(server: &Server, client: &reqwest::Client, query: &str, is_there: bool) {
    loop {
        let found = post(server, client, "search", &json!({"query": query})).await;
        if found["passages"].as_array().unwrap().is_empty() != is_there {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_folder_is_read_with_its_lists_and_followed() {
    let folder = wiki();
    let server = Start::without_model().on_new_folder();
    let client = server.client();
    let config = json!({"path": folder.path(), "lists": "sidecar"});
    let made = post(&server, &client, "sources", &json!({"name": "files", "kind": "folder", "config": config})).await;
    assert_eq!(made["kind"], "folder", "{made}");
    until(&server, &client, "canteen noon", true).await;
    until(&server, &client, "heating October", true).await;
    // What a sidecar closes is closed, to the source's owner as well.
    until(&server, &client, "bonus June", false).await;
    let source = loop {
        let source = get(&server, &client, "sources/files").await;
        if source["sync"]["stage"] == "done" {
            break source;
        }
    };
    let flaws = source["sync"]["flaws"].as_array().unwrap();
    for name in ["broken.pdf", "tool.exe"] {
        assert!(flaws.iter().any(|flaw| flaw["name"] == name), "{source}");
    }
    // The folder is followed: a list opens, a file changes, another goes.
    fs::write(folder.path().join("pay.txt.access.json"), br#"{"allow": ["everyone"]}"#).unwrap();
    until(&server, &client, "bonus June", true).await;
    fs::write(folder.path().join("welcome.md"), b"# Welcome\n\nThe canteen opens at eleven.").unwrap();
    until(&server, &client, "eleven", true).await;
    fs::remove_file(folder.path().join("page.html")).unwrap();
    until(&server, &client, "heating October", false).await;
    // Nobody else writes into it, and nothing of the server itself is read.
    let put = client
        .put(format!("{}/api/v1/sources/files/documents/x", server.url))
        .json(&json!({"title": "x", "text": "x"}));
    assert_eq!(put.send().await.unwrap().status(), 409);
    let own = json!({"name": "own", "kind": "folder", "config": {"path": server.data}});
    assert_eq!(post(&server, &client, "sources", &own).await["error"]["param"], "config.path");
}
