//! The Python that `scripts/tools.sh` set up, with the programs of other makers that tests use.

use std::path::PathBuf;

/// The interpreter.
pub(crate) fn python() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache"))).unwrap();
    let python = cache.join("freehold/tools/bin/python");
    assert!(python.exists(), "the Python of the tests is not at {}: run `make test`", python.display());
    python
}
