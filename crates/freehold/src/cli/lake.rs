//! `freehold lake`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::door::{Need, Remote};
use super::listing::{self, call};
use super::{Globals, output};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/lake";
const COLUMNS: &[&str] = &["table", "rows", "files", "bytes", "partitions", "snapshots", "shown"];

#[derive(Debug, Args)]
pub(super) struct Lake {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say what is in the open tables
    Status,
    /// Roll what was recorded so far into the tables, and join small files
    Compact,
    /// Read every file of the tables and name what is not as it was written
    Verify,
}

impl Lake {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match self.verb {
            Verb::Status => status(at).await,
            Verb::Compact => listing::show(at, Need::SetUp, Method::POST, &format!("{PATH}/compact"), None).await,
            Verb::Verify => verify(at).await,
        }
    }
}

async fn status(at: (&Globals, &Remote)) -> Result<(), FreeholdError> {
    let tables = call(at, Need::SetUp, Method::GET, PATH, None).await?;
    if at.0.json {
        output::document(&tables);
        return Ok(());
    }
    let rows = tables["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cells = |row: &Value| COLUMNS.iter().map(|column| output::cell(&row[*column])).collect();
    output::table(COLUMNS, rows.iter().map(cells).collect());
    Ok(())
}

async fn verify(at: (&Globals, &Remote)) -> Result<(), FreeholdError> {
    let verified = call(at, Need::SetUp, Method::POST, &format!("{PATH}/verify"), None).await?;
    let flaws = verified["flaws"].as_array().map(Vec::as_slice).unwrap_or_default();
    if at.0.json {
        output::document(&verified);
    } else {
        for flaw in flaws {
            output::line(&format!("{}: {}", output::cell(&flaw["file"]), output::cell(&flaw["problem"])));
        }
    }
    if flaws.is_empty() {
        output::remark("every file of the open tables is as it was written");
        return Ok(());
    }
    Err(FreeholdError::Failed {
        problem: format!("{} files of the open tables are not as they were written", flaws.len()),
        mend: "restore them from a backup, and look after the disk".to_owned(),
    })
}
