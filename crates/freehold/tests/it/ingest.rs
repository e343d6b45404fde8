//! Kills at any moment of taking documents in: afterwards every acknowledged one is found, once.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::server::{Server, Start};

const DOCUMENTS: usize = 5_000;
const AT_ONCE: usize = 125;

/// A word that stands in one document and nowhere else.
fn word(number: usize) -> String {
    format!("w{:010x}", (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24)
}

fn lines(numbers: std::ops::Range<usize>) -> String {
    let line = |number: usize| {
        let text = format!("Page {number} of the handbook says {} and nothing else.", word(number));
        let access = json!({"allow": ["everyone"]});
        json!({"external_id": format!("page/{number}"), "title": "Handbook", "text": text, "access": access})
            .to_string()
    };
    numbers.map(|number| line(number) + "\n").collect()
}

async fn push(server: &Server, client: &reqwest::Client, numbers: std::ops::Range<usize>) -> bool {
    let url = format!("{}/api/v1/sources/handbook/documents", server.url);
    let sent = client.post(url).body(lines(numbers)).send().await;
    match sent {
        Ok(answer) if answer.status() == 200 => answer.text().await.is_ok(),
        _ => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_document_is_found_once_after_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Start::without_model().on(folder.path());
    let mut client = server.client();
    let made = client.post(format!("{}/api/v1/sources", server.url)).json(&json!({"name": "handbook", "kind": "push"}));
    assert_eq!(made.send().await.unwrap().status(), 201);
    let mut acknowledged = BTreeSet::new();
    let mut next = 0;
    let mut turn = 0;
    while next < DOCUMENTS {
        // Each server takes some in whole and dies in the middle of the next, while its index is written.
        for _ in 0..=turn % 4 {
            let numbers = next..(next + AT_ONCE).min(DOCUMENTS);
            if push(&server, &client, numbers.clone()).await {
                next = numbers.end;
                acknowledged.extend(numbers);
            }
        }
        let dying = {
            let (client, url) = (client.clone(), format!("{}/api/v1/sources/handbook/documents", server.url));
            let body = lines(next..(next + AT_ONCE).min(DOCUMENTS));
            tokio::spawn(async move { client.post(url).body(body).send().await.map(|answer| answer.status()) })
        };
        for _ in 0..turn * 97 % 400 {
            tokio::task::yield_now().await;
        }
        server.signal(rustix::process::Signal::KILL);
        server.ended();
        drop(dying.await);
        server = Start::without_model().on(folder.path());
        client = server.client();
        turn += 1;
    }
    found_once(&server, &client, &acknowledged).await;
}

/// Looks for all of them, fifty words in one question. The index follows behind: what is not there yet is asked for again.
async fn found_once(server: &Server, client: &reqwest::Client, acknowledged: &BTreeSet<usize>) {
    assert_eq!(acknowledged.len(), DOCUMENTS);
    let numbers: Vec<usize> = acknowledged.iter().copied().collect();
    for part in numbers.chunks(50) {
        let words: Vec<String> = part.iter().map(|number| word(*number)).collect();
        let mut expected: Vec<String> = part.iter().map(|number| format!("page/{number}")).collect();
        expected.sort_unstable();
        let body = json!({"query": words.join(" "), "limit": 100});
        let mut found: Vec<String> = Vec::new();
        while found != expected {
            let sent = client.post(format!("{}/api/v1/search", server.url)).json(&body).send().await.unwrap();
            let answer: Value = sent.json().await.unwrap();
            let passages = answer["passages"].as_array().unwrap().iter();
            found = passages.map(|passage| passage["external_id"].as_str().unwrap().to_owned()).collect();
            found.sort_unstable();
            assert!(found.len() <= expected.len(), "{found:?}");
        }
    }
}
