//! `freehold break-glass`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::Globals;
use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/break_glass";
const COLUMNS: &[&str] = &["id", "state", "person", "requested_by", "approved_by", "expires_at"];

#[derive(Debug, Args)]
pub(super) struct BreakGlass {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask that a person may read some documents for a while, whatever their lists say
    Request(Request),
    /// Agree to one, as neither who asked nor who is to read
    Approve {
        /// Its id
        break_glass: String,
    },
    /// End one at once, or take a request back
    End {
        /// Its id
        break_glass: String,
    },
    /// List what was asked for, newest first
    List(Paging),
}

#[derive(Debug, Args)]
struct Request {
    /// Id or name of who is to read
    #[arg(long, value_name = "PERSON")]
    person: String,
    /// Id of a document; may be repeated
    #[arg(long = "document", value_name = "DOCUMENT", required = true)]
    documents: Vec<String>,
    /// Why, for whoever agrees and for the owners
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// When it ends by itself: at most 24 hours ahead, as 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: String,
    /// Tell the owners then, and not as soon as it is approved
    #[arg(long, value_name = "TIME", requires = "delay_reason")]
    notice_at: Option<String>,
    /// Why the owners are told later
    #[arg(long, value_name = "TEXT", requires = "notice_at")]
    delay_reason: Option<String>,
}

impl Request {
    fn body(&self) -> Value {
        let Self { person, documents, reason, expires_at, notice_at, delay_reason } = self;
        let fields = Body::default().with("person", person.clone()).list("documents", documents);
        let fields = fields.with("reason", reason.clone()).with("expires_at", expires_at.clone());
        fields.maybe("notice_at", notice_at.clone()).maybe("delay_reason", delay_reason.clone()).finish()
    }
}

impl BreakGlass {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        let one = |id: &String| format!("{PATH}/{}", segment(id));
        match &self.verb {
            Verb::Request(request) => listing::show(at, Need::SetUp, Method::POST, PATH, Some(&request.body())).await,
            Verb::Approve { break_glass } => {
                let path = format!("{}/approve", one(break_glass));
                listing::show(at, Need::SetUp, Method::POST, &path, None).await
            }
            Verb::End { break_glass } => listing::show(at, Need::SetUp, Method::DELETE, &one(break_glass), None).await,
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
        }
    }
}
