//! PyIceberg against the door: `tests/iceberg/reader.py`.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use super::python::python;
use super::server::{Server, Start, json};

/// Exchanges in one turn of the writer.
const TURN: usize = 15;

fn reader(server: &Server, verb: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/iceberg/reader.py");
    let mut command = Command::new(python());
    command.arg(script).arg(verb).env("FREEHOLD_URL", &server.url).env("FREEHOLD_KEY", server.key());
    command.env("FREEHOLD_DATA", &server.data).stdin(Stdio::piped());
    command
}

fn check(server: &Server, owner: &str, rows: usize) {
    let mut command = reader(server, "check");
    let output = command.env("FREEHOLD_OWNER", owner).env("FREEHOLD_ROWS", rows.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A question to a model that is not there: refused, and recorded.
async fn ask(server: &Server, key: &str) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"model": "never-was", "messages": [{"role": "user", "content": "a ledger of mine"}]});
    let url = format!("{}/v1/chat/completions", server.url);
    let reply = client.post(url).header("authorization", format!("Bearer {key}")).json(&body).send().await.unwrap();
    assert_eq!(reply.status(), 404);
}

#[tokio::test]
async fn pyiceberg_reads_the_tables_until_a_person_is_erased() {
    let server = Start::without_model().on_new_folder();
    let ada = json(&server.data, &["people", "add", "ada", "--display-name", "Ada Byron"]);
    let ada = ada["id"].as_str().unwrap();
    let made = json(&server.data, &["keys", "create", "--person", "ada"]);
    let (key, admin) = (made["key"].as_str().unwrap(), server.key());
    for _ in 0..5 {
        ask(&server, key).await;
        ask(&server, &admin).await;
    }
    let tidied = json(&server.data, &["lake", "compact"]);
    assert_eq!(tidied["traces"], 10);
    check(&server, ada, 5);
    assert_eq!(json(&server.data, &["lake", "verify"])["flaws"], json!([]));
    let file = server.data.join("export.parquet").to_string_lossy().into_owned();
    assert!(server.run(&["traces", "export", "--output", &file]).status.success());
    assert_eq!(server.run(&["traces", "export", "--output", &file]).status.code(), Some(2));
    let lines = server.data.join("export.jsonl").to_string_lossy().into_owned();
    assert!(server.run(&["traces", "export", "--output", &lines]).status.success());
    let lines = std::fs::read_to_string(lines).unwrap();
    assert_eq!(lines.lines().filter(|line| line.contains("a ledger of mine")).count(), 5);
    let read = "import pyarrow.parquet as p, sys; t = p.read_table(sys.argv[1]); \
        print(t.num_rows, sum('a ledger of mine' in text for text in t['input'].to_pylist()), len(t.column_names))";
    let output = Command::new(python()).args(["-c", read, &file]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "5 5 33");
    let erased = json(&server.data, &["erasures", "create", "--person", "ada"]);
    assert_eq!((&erased["state"], &erased["removed"]["traces"]), (&json!("succeeded"), &json!(5)));
    check(&server, ada, 0);
    assert_eq!(json(&server.data, &["traces", "list"])["data"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn pyiceberg_reads_whole_snapshots_while_rows_roll_in() {
    let server = Start::without_model().on_new_folder();
    let key = server.key();
    let mut watching = reader(&server, "watch").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(watching.stdout.take().unwrap()).lines();
    assert_eq!(output.next().unwrap().unwrap(), "watching");
    for _ in 0..8 {
        for _ in 0..TURN {
            ask(&server, &key).await;
        }
        assert_eq!(json(&server.data, &["lake", "compact"])["traces"], TURN);
    }
    drop(watching.stdin.take());
    let said = output.next().map(Result::unwrap).unwrap_or_default();
    let mut complaint = String::new();
    watching.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
    assert!(watching.wait().unwrap().success(), "{complaint}");
    assert!(said.ends_with(" rows") && !said.starts_with("0 looks"), "{said}");
}
