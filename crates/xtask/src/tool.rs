//! Programs the chores run, and the environment they run in.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// What `cargo run` puts into our own environment and what a nested cargo should not inherit.
const LEFT_BY_CARGO: &[&str] =
    &["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The project's cache folder: `$XDG_CACHE_HOME/freehold`, or `~/.cache/freehold`. `scripts/lib.sh` says the same.
fn cache_folder() -> Option<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(std::env::var_os("HOME")?).join(".cache"),
    };
    Some(base.join("freehold"))
}

/// Finds a pinned tool where `make tools` put it, else on the `PATH`.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let pinned = cache_folder().map(|cache| cache.join("tools/bin"));
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    pinned
        .into_iter()
        .chain(std::env::split_paths(&on_path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Like [`find`], with a message that says how to get the tool.
pub(crate) fn require(name: &str) -> Result<PathBuf> {
    find(name).with_context(|| format!("`{name}` is not installed: run `make tools`"))
}

/// A command in the repository's root, with the folders that tests need filled in where nobody named others.
pub(crate) fn command(root: &Path, program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root);
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| LEFT_BY_CARGO.iter().any(|prefix| name.starts_with(prefix))) {
            command.env_remove(name);
        }
    }
    for (name, path) in test_folders(root) {
        if std::env::var_os(name).is_none() && path.exists() {
            command.env(name, path);
        }
    }
    command
}

fn test_folders(root: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut folders = vec![("FREEHOLD_DATA", root.join("../shared/data"))];
    if let Some(cache) = cache_folder() {
        folders.push(("FREEHOLD__MODELS__DIR", cache.join("models")));
    }
    folders
}

/// Runs a command to its end; a failure names the command line.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let line = describe(&command);
    let status = command.status().with_context(|| format!("`{line}` did not start"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs a command and returns what it wrote to stdout.
pub(crate) fn read(mut command: Command) -> Result<String> {
    let line = describe(&command);
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("`{line}` did not start: is it installed?"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{line}` wrote something that is not UTF-8"))
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = std::iter::once(program).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let here = std::env::temp_dir();
        let mut failing = command(&here, "sh");
        failing.args(["-c", "exit 3"]);
        let message = run(failing).unwrap_err().to_string();
        assert!(message.contains("sh -c exit 3"), "{message}");
        assert!(run(command(&here, "true")).is_ok());
    }

    #[test]
    fn a_nested_cargo_does_not_inherit_our_package() {
        let here = std::env::temp_dir();
        let seen = read(command(&here, "env")).unwrap();
        assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "the test runner sets it");
        assert!(!seen.contains("CARGO_MANIFEST_DIR="), "{seen}");
    }

    #[test]
    fn a_missing_tool_names_the_mend() {
        let message = require("freehold-no-such-tool").unwrap_err().to_string();
        assert!(message.contains("make tools"), "{message}");
    }
}
