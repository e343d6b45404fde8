//! The official `openai` Python client against the door: `tests/openai/client.py`, with the interpreter that
//! `scripts/tools.sh` set up for it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{EMBEDDING, MODEL, Start};

fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).unwrap();
    let python = cache.join("freehold/tools/bin/python");
    assert!(python.exists(), "the Python of the client test is not at {}: run `make test`", python.display());
    python
}

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
