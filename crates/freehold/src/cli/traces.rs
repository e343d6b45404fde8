//! `freehold traces`: the record of every exchange, as one may see it.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::Globals;
use super::door::{Need, Remote};
use super::export::Export;
use super::listing::{self, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/traces";
const COLUMNS: &[&str] = &["id", "created_at", "task", "outcome", "model", "capture", "cost_micro_usd"];

#[derive(Debug, Args)]
pub(super) struct Traces {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List traces, newest first
    List {
        #[command(flatten)]
        paging: Paging,
        /// Only those of this task or model
        #[arg(long)]
        task: Option<String>,
        /// Only those that ended so: answered, refused, failed
        #[arg(long)]
        outcome: Option<String>,
    },
    /// Write traces to a file that other programs read
    Export(Export),
    /// Show one trace whole
    Show {
        /// Its id
        trace: String,
    },
}

impl Traces {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::List { paging, task, outcome } => {
                let filters = [("task", task.as_ref()), ("outcome", outcome.as_ref())];
                listing::list(at, PATH, paging, &filters, COLUMNS).await
            }
            Verb::Export(export) => export.run(globals, &self.remote).await,
            Verb::Show { trace } => {
                listing::show(at, Need::SetUp, Method::GET, &format!("{PATH}/{}", segment(trace)), None).await
            }
        }
    }
}
