//! `freehold doctor`: looks at this machine and the data folder, changes nothing, calls nobody, and says how to mend
//! what it finds.

mod folder;
mod machine;
mod weights;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::{Globals, output};
use crate::config::Config;
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Doctor {}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could, or not yet.
    Warn,
    /// It does not work.
    Fail,
}

/// One check.
#[derive(Debug, PartialEq, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    detail: String,
    /// What to do; none where all is well.
    mend: Option<String>,
}

impl Check {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, detail: detail.into(), mend: None }
    }

    fn warn(name: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Status::Warn, detail: detail.into(), mend: Some(mend.into()) }
    }

    fn fail(name: &'static str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Status::Fail, detail: detail.into(), mend: Some(mend.into()) }
    }

    /// An error as a failed check.
    fn error(name: &'static str, error: &FreeholdError) -> Self {
        Self::fail(name, error.to_string(), error.mend().unwrap_or_else(|| "see the message".to_owned()))
    }
}

impl Doctor {
    pub(super) fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let checks = match globals.load(Vec::new()) {
            Ok(loaded) => all(&loaded.config),
            Err(error) => vec![Check::error("settings", &error)],
        };
        show(&checks, globals.json);
        let failed = checks.iter().filter(|check| check.status == Status::Fail).count();
        if failed == 0 {
            return Ok(());
        }
        Err(FreeholdError::Failed {
            problem: format!("{failed} of {} checks failed", checks.len()),
            mend: "mend them from the top: what fails further down may only follow from it".to_owned(),
        })
    }
}

fn all(config: &Config) -> Vec<Check> {
    let mut checks = vec![Check::ok("settings", "read and right")];
    checks.extend(folder::checks(config));
    checks.extend(weights::checks(config));
    checks.extend(machine::checks());
    checks
}

fn show(checks: &[Check], as_json: bool) {
    if as_json {
        let ok = checks.iter().all(|check| check.status != Status::Fail);
        return output::document(&json!({"ok": ok, "checks": checks}));
    }
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for Check { name, status, detail, mend } in checks {
        let word = match status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
        };
        output::line(&format!("{word}  {name:width$}  {detail}"));
        if let Some(mend) = mend {
            output::line(&format!("      {:width$}  -> {mend}", ""));
        }
    }
}
