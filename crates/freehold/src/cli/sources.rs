//! `freehold sources`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use serde_json::{Value, json};

use super::Globals;
use super::door::{Need, Remote};
use super::listing::{self, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/sources";
const COLUMNS: &[&str] = &["id", "name", "kind", "owner"];

#[derive(Debug, Args)]
pub(super) struct Sources {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List sources
    List(Paging),
    /// Show one source, and how far it is read
    Show {
        /// Id or name
        source: String,
    },
    /// Add a source
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Read a source now, and not only when it changes
    Sync {
        /// Id or name
        source: String,
    },
    /// Remove a source, and its documents with it
    Remove {
        /// Id or name
        source: String,
    },
    /// List the documents of a source: their ids
    Documents {
        /// Id or name
        source: String,
        #[command(flatten)]
        paging: Paging,
    },
}

#[derive(Debug, Args)]
struct Fields {
    /// How its documents get here
    #[arg(long, value_enum, default_value_t = Kind::Push)]
    kind: Kind,
    /// What this server reads: a folder, a mailbox or a folder of them, an export of Slack
    #[arg(long, value_name = "PATH", required_if_eq_any([("kind", "folder"), ("kind", "mbox"), ("kind", "slack_export")]))]
    path: Option<PathBuf>,
    /// Of a folder: where the lists are
    #[arg(long, value_enum)]
    lists: Option<Lists>,
    /// The directory whose names its lists use [default: local]
    #[arg(long, value_name = "DIRECTORY")]
    people_source: Option<String>,
    /// Who may read what comes without a list: everyone, or ids; repeat for more [default: who adds the source]
    #[arg(long = "allow", value_name = "WHO")]
    allow: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// An application sends them
    Push,
    /// Files below a folder
    Folder,
    /// Mails
    Mbox,
    /// An export of Slack
    SlackExport,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Lists {
    /// Files named `.access.json` and `NAME.access.json`
    Sidecar,
    /// Owner, group and mode of the files
    Posix,
    /// None: what comes has the source's own list
    None,
}

impl Sources {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
            Verb::Show { source } => listing::show(at, Need::SetUp, Method::GET, &one(source), None).await,
            Verb::Add { name, fields } => {
                let body = fields.body(name);
                listing::show(at, Need::Any, Method::POST, PATH, Some(&body)).await
            }
            Verb::Sync { source } => {
                listing::show(at, Need::SetUp, Method::POST, &format!("{}/sync", one(source)), None).await
            }
            Verb::Remove { source } => {
                let said = format!("The source {source} is gone, and its documents with it.");
                listing::done(at, Method::DELETE, &one(source), &said).await
            }
            Verb::Documents { source, paging } => {
                listing::list(at, &format!("{}/documents", one(source)), paging, &[], &["id", "external_id"]).await
            }
        }
    }
}

impl Fields {
    fn body(&self, name: &str) -> Value {
        let mut body = json!({"name": name, "kind": named(&self.kind)});
        if let Some(path) = &self.path {
            // A path that is given from here is meant from the root.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            body["config"] = json!({"path": path});
        }
        if let Some(lists) = self.lists {
            body["config"]["lists"] = json!(named(&lists));
        }
        if let Some(people) = &self.people_source {
            body["config"]["people_source"] = json!(people);
        }
        if !self.allow.is_empty() {
            body["default_access"] = json!({"allow": self.allow});
        }
        body
    }
}

fn named(value: &impl ValueEnum) -> Option<String> {
    value.to_possible_value().map(|value| value.get_name().to_owned())
}

fn one(source: &str) -> String {
    format!("{PATH}/{}", segment(source))
}
