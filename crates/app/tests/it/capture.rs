//! What a capture mode does not keep reaches no file.

use std::fs;
use std::path::Path;

use domain::Capture;
use serde_json::json;

use crate::office::{Office, question, streaming};

const MARKER: &str = "zinnober-7391";

fn found(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found(&path);
        }
        // A socket or a lock cannot be read as a file; what cannot be read holds nothing.
        let bytes = fs::read(&path).unwrap_or_default();
        bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes())
    })
}

async fn asked(office: &Office, capture: Capture) -> Option<String> {
    let asker = office.capturing("ada", capture);
    let reply = office.ask(&asker, question(&format!("say {MARKER}"))).await.unwrap();
    let mut stream = office.stream(&asker, streaming(&format!("say {MARKER} again"))).await;
    while stream.next().await.is_some() {}
    let mut left = office.stream(&asker, streaming(&format!("say {MARKER} and leave"))).await;
    left.next().await;
    drop(left);
    let mut wrong = question(MARKER);
    wrong["bogus"] = json!(MARKER);
    office.ask(&asker, wrong).await.unwrap_err();
    reply["freehold"]["trace"].as_str().map(ToOwned::to_owned)
}

#[tokio::test]
async fn under_none_there_is_no_row_and_no_byte() {
    let office = Office::open().await;
    assert_eq!(asked(&office, Capture::None).await, None);
    office.app.finish().await;
    assert!(app::traces(&office.app, &office.asker("ada"), app::TraceFilter::default()).await.unwrap().data.is_empty());
    assert!(!found(office.folder.path()));
    assert_eq!(office.app.counters.snapshot()["parrot"].requests["answered"], 2);
}

#[tokio::test]
async fn under_usage_there_are_counts_and_no_byte_of_content() {
    let office = Office::open().await;
    let id = asked(&office, Capture::Usage).await.unwrap();
    office.app.finish().await;
    let trace = serde_json::to_value(app::trace(&office.app, &office.asker("ada"), &id).await.unwrap()).unwrap();
    assert_eq!(trace["tokens"]["completion"], 2);
    assert!(trace["input"].is_null() && trace["output"].is_null());
    assert!(!found(office.folder.path()));
}

#[tokio::test]
async fn under_full_the_search_of_the_files_does_find_it() {
    let office = Office::open().await;
    asked(&office, Capture::Full).await.unwrap();
    office.app.finish().await;
    assert!(found(office.folder.path()));
}

#[tokio::test]
async fn under_redacted_addresses_go_and_other_words_stay() {
    let office = Office::open().await;
    let asker = office.capturing("ada", Capture::Redacted);
    office.ask(&asker, question("write to jo@example.org about the fence")).await.unwrap();
    let trace = office.newest_trace(&office.asker("ada")).await;
    assert_eq!(trace["output"], "write to [email] about the fence");
    assert_eq!(trace["input"]["messages"][0]["content"], "write to [email] about the fence");
}

#[tokio::test]
async fn store_false_keeps_counts_only() {
    let office = Office::open().await;
    let mut request = question(MARKER);
    request["store"] = json!(false);
    office.ask(&office.asker("ada"), request).await.unwrap();
    assert_eq!(office.newest_trace(&office.asker("ada")).await["capture"], "usage");
    assert!(!found(office.folder.path()));
}
