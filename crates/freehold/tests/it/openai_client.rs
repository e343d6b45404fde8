//! The official `openai` Python client against the door: `tests/openai/client.py`.

use std::path::Path;
use std::process::Command;

use super::python::python;
use super::server::{EMBEDDING, MODEL, Start};

#[test]
fn the_official_client_does_all_it_can() {
    let server = Start::with_model().on_new_folder();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/openai/client.py");
    let output = Command::new(python())
        .arg(script)
        .env("FREEHOLD_URL", &server.url)
        .env("FREEHOLD_KEY", server.key())
        .env("FREEHOLD_CHAT_MODEL", MODEL)
        .env("FREEHOLD_EMBEDDING_MODEL", EMBEDDING)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
