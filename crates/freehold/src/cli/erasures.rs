//! `freehold erasures`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::Globals;
use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/erasures";
const COLUMNS: &[&str] = &["id", "person", "document", "state", "removed", "created_at", "finished_at"];

#[derive(Debug, Args)]
pub(super) struct Erasures {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Erase a person, an outside customer of a service, or a document, for good
    Create(Whom),
    /// List erasures, newest first
    List(Paging),
    /// Show one erasure
    Show {
        /// Its id
        erasure: String,
    },
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// Id or name of the person: deactivated, and all they said and all that names them goes
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// The outside customer, as requests name them
    #[arg(long, value_name = "SUBJECT")]
    subject: Option<String>,
    /// Id of the document: all its versions go, and what was made from it is closed to everybody
    #[arg(long, value_name = "DOCUMENT")]
    document: Option<String>,
}

impl Erasures {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::Create(Whom { person, subject, document }) => {
                let body = Body::default().maybe("person", person.clone()).maybe("subject", subject.clone());
                let body = body.maybe("document", document.clone()).finish();
                listing::show(at, Need::SetUp, Method::POST, PATH, Some(&body)).await
            }
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
            Verb::Show { erasure } => {
                let path = format!("{PATH}/{}", segment(erasure));
                listing::show(at, Need::SetUp, Method::GET, &path, None).await
            }
        }
    }
}
