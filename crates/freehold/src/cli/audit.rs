//! `freehold audit`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::{Value, json};

use super::door::{Need, Remote};
use super::listing::{self, Paging, call, segment};
use super::{Globals, output};
use crate::error::FreeholdError;

const DECISIONS: &str = "/api/v1/decisions";
const COLUMNS: &[&str] = &["id", "at", "caller", "answer", "action", "on", "because", "epoch"];

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List decisions, newest first: who asked for what, the answer, and the rules that gave it
    Decisions {
        #[command(flatten)]
        paging: Paging,
        #[command(flatten)]
        which: Which,
    },
    /// Show one decision whole
    Show {
        /// Its id
        decision: String,
    },
    /// Give past decisions again, from what was known at their epochs, and name those that differ
    Replay {
        /// The ids; none for the newest
        decisions: Vec<String>,
        #[command(flatten)]
        paging: Paging,
        #[command(flatten)]
        which: Which,
    },
    /// List what administrators did, newest first
    Acts(Paging),
    /// List every change of rights, oldest first
    Epochs(Paging),
}

#[derive(Debug, Args)]
struct Which {
    /// Only those of this person or service, by id
    #[arg(long, value_name = "ID")]
    caller: Option<String>,
    /// Only those about this exchange
    #[arg(long, value_name = "TRACE")]
    trace: Option<String>,
    /// Only those that said yes, or no
    #[arg(long, value_name = "true|false")]
    allowed: Option<String>,
}

impl Which {
    fn filters(&self) -> [(&'static str, Option<&String>); 3] {
        [("caller", self.caller.as_ref()), ("trace", self.trace.as_ref()), ("allowed", self.allowed.as_ref())]
    }
}

impl Audit {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::Decisions { paging, which } => {
                let path = listing::query(DECISIONS, paging, &which.filters());
                let page = call(at, Need::SetUp, Method::GET, &path, None).await?;
                list(globals, page);
                Ok(())
            }
            Verb::Show { decision } => {
                let path = format!("{DECISIONS}/{}", segment(decision));
                listing::show(at, Need::SetUp, Method::GET, &path, None).await
            }
            Verb::Replay { decisions, paging, which } if decisions.is_empty() => {
                let path = listing::query("/api/v1/replays", paging, &which.filters());
                let replays = call(at, Need::SetUp, Method::GET, &path, None).await?;
                report(globals, replays["data"].as_array().cloned().unwrap_or_default())
            }
            Verb::Replay { decisions, .. } => {
                let mut replays = Vec::with_capacity(decisions.len());
                for decision in decisions {
                    let path = format!("{DECISIONS}/{}/replay", segment(decision));
                    replays.push(call(at, Need::SetUp, Method::GET, &path, None).await?);
                }
                report(globals, replays)
            }
            Verb::Acts(paging) => {
                let columns = ["number", "at", "actor", "verb", "ids"];
                listing::list(at, "/api/v1/audit", paging, &[], &columns).await
            }
            Verb::Epochs(paging) => {
                let columns = ["epoch", "at", "actor", "kind", "ids"];
                listing::list(at, "/api/v1/epochs", paging, &[], &columns).await
            }
        }
    }
}

fn list(globals: &Globals, mut page: Value) {
    if globals.json {
        return output::document(&page);
    }
    for row in page["data"].as_array_mut().into_iter().flatten() {
        *row = short(row);
    }
    listing::table(&page, COLUMNS);
}

/// A decision on one line.
fn short(decision: &Value) -> Value {
    let Value::Object(mut on) = decision["resource"].clone() else { return Value::Null };
    on.remove("provenance");
    let on: Vec<String> = on.values().filter(|value| !value.is_null()).map(output::cell).collect();
    json!({
        "id": decision["id"],
        "at": decision["created_at"],
        "caller": decision["caller"]["principal"],
        "answer": answer(decision),
        "action": decision["action"],
        "on": on.join(" "),
        "because": because(decision),
        "epoch": decision["epoch"],
    })
}

pub(super) fn answer(verdict: &Value) -> &'static str {
    if verdict["allowed"] == true { "yes" } else { "no" }
}

/// The rules, each with the way to it.
pub(super) fn because(verdict: &Value) -> String {
    let reasons = verdict["reasons"].as_array().map(Vec::as_slice).unwrap_or_default();
    let texts = |via: &Value| via.as_array().into_iter().flatten().map(output::cell).collect::<Vec<_>>().join(" > ");
    let reasons = reasons.iter().map(|one| format!("{}: {}", output::cell(&one["rule"]), texts(&one["via"])));
    reasons.collect::<Vec<_>>().join("; ")
}

/// Names those that differ, and fails if there are any.
fn report(globals: &Globals, replays: Vec<Value>) -> Result<(), FreeholdError> {
    let differing: Vec<&Value> = replays.iter().filter(|replay| replay["identical"] != true).collect();
    let (count, differ) = (replays.len(), differing.len());
    for replay in differing {
        let decision = &replay["decision"];
        let said = |verdict: &Value| format!("{} ({})", answer(verdict), because(verdict));
        let (then, now) = (said(decision), said(&replay["replayed"]));
        output::remark(&format!("{}: was {then}, is {now}", output::cell(&decision["id"])));
    }
    if globals.json {
        output::document(&Value::Array(replays));
    }
    if differ == 0 {
        output::remark(&format!("{count} decisions given again, each as it was, bit for bit"));
        return Ok(());
    }
    Err(FreeholdError::Failed {
        problem: format!("{differ} of {count} decisions differ from what is recorded"),
        mend: "rows of the state were altered outside Freehold: restore a backup, and look at `freehold audit epochs`"
            .to_owned(),
    })
}
