//! `freehold audit`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::door::{Need, Remote};
use super::listing::{self, Paging, call, segment};
use super::{Globals, output};
use crate::error::FreeholdError;

const DECISIONS: &str = "/api/v1/decisions";
const COLUMNS: &[&str] = &["id", "created_at", "allowed", "action", "resource", "reasons", "epoch"];

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
            Verb::Decisions { paging, which } => listing::list(at, DECISIONS, paging, &which.filters(), COLUMNS).await,
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

/// Names those that differ, and fails if there are any.
fn report(globals: &Globals, replays: Vec<Value>) -> Result<(), FreeholdError> {
    let differing: Vec<&Value> = replays.iter().filter(|replay| replay["identical"] != true).collect();
    let (count, differ) = (replays.len(), differing.len());
    for replay in differing {
        let decision = &replay["decision"];
        output::remark(&format!(
            "{}: was {} {}, is {} {}",
            output::cell(&decision["id"]),
            output::cell(&decision["allowed"]),
            output::cell(&decision["reasons"]),
            output::cell(&replay["replayed"]["allowed"]),
            output::cell(&replay["replayed"]["reasons"]),
        ));
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
