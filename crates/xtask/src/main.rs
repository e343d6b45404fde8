//! The project's own chores: `cargo xtask check`, `tidy`, `docs`, `test`.
//! The same commands run on a developer's machine and in continuous integration.

mod check;
mod docs;
mod tidy;
mod tool;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const HELP: &str = "\
The chores of this repository.

  cargo xtask check            everything below, cheapest first, tests last
  cargo xtask tidy             the house rules that neither rustc nor clippy holds
  cargo xtask docs             docs/api.md and docs/configuration.md, made anew
  cargo xtask test [ARGS...]   the tests (arguments go to the test runner)
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let root = repository_root()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["check"] => check::check(&root),
        ["docs"] => docs::docs(&root),
        ["tidy"] => tidy::tidy(&root),
        ["test", rest @ ..] => check::test(&root, rest),
        [] | ["help" | "--help" | "-h"] => {
            say(HELP);
            Ok(())
        }
        [unknown, ..] => bail!("`{unknown}` is not a chore with these arguments\n\n{HELP}"),
    }
}

fn repository_root() -> Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("xtask does not stand in crates/ of the repository: build it again from the checkout")
}

/// Chores speak on stderr, so that stdout stays with the tools they run.
#[expect(clippy::print_stderr, reason = "the chores' only voice")]
fn say(text: &str) {
    eprintln!("{text}");
}
