//! `cargo xtask check`: cheap stages first, so that a slip shows in seconds; the tests last, so that
//! their summary closes the output.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::{say, tidy, tool};

type Stage = (&'static str, fn(&Path) -> Result<()>);

const STAGES: &[Stage] = &[
    ("format", format),
    ("tidy", tidy::tidy),
    ("scripts", scripts),
    ("dependencies", dependencies),
    ("clippy", clippy),
    ("tests", |root| test(root, &[])),
];

/// Runs every stage in order and stops at the first that fails.
pub(crate) fn check(root: &Path) -> Result<()> {
    for (number, (name, stage)) in STAGES.iter().enumerate() {
        say(&format!("== check {}/{}: {name}", number + 1, STAGES.len()));
        let started = Instant::now();
        stage(root).with_context(|| format!("check stopped at `{name}`"))?;
        if number + 1 < STAGES.len() {
            say(&format!("== {name}: {:.1} s", started.elapsed().as_secs_f64()));
        }
    }
    Ok(())
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let mut command = tool::command(root, std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

fn format(root: &Path) -> Result<()> {
    tool::run(cargo(root, &["fmt", "--all", "--", "--check"])).context("run `cargo fmt --all`")
}

fn scripts(root: &Path) -> Result<()> {
    let mut command = tool::command(root, tool::require("shellcheck")?);
    command.arg("--external-sources").arg(".ci/run");
    for entry in std::fs::read_dir(root.join("scripts")).context("the folder `scripts` cannot be read")? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "sh") {
            command.arg(path.strip_prefix(root)?);
        }
    }
    tool::run(command)
}

/// Advisories need a database from a git host, which not every machine reaches: `cargo deny check advisories` by hand.
fn dependencies(root: &Path) -> Result<()> {
    let mut command = tool::command(root, tool::require("cargo-deny")?);
    command.args(["--all-features", "--locked", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"]);
    tool::run(command).context("deny.toml holds the rules")
}

fn clippy(root: &Path) -> Result<()> {
    tool::run(cargo(root, &["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"]))
}

/// Runs the tests: with nextest where it is installed, else with cargo's own runner.
pub(crate) fn test(root: &Path, arguments: &[&str]) -> Result<()> {
    let mut command = match tool::find("cargo-nextest") {
        Some(nextest) => {
            let mut command = tool::command(root, nextest);
            command.args(["nextest", "run", "--no-fail-fast"]);
            command
        }
        None => cargo(root, &["test"]),
    };
    command.args(["--workspace", "--locked"]).args(arguments);
    tool::run(command)
}
