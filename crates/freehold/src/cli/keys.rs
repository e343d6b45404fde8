//! `freehold keys`.

use clap::{Args, Subcommand};
use reqwest::Method;
use serde_json::Value;

use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use super::{Globals, output};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/keys";
const COLUMNS: &[&str] = &["id", "name", "person", "service", "scopes", "created_at", "expires_at", "revoked_at"];

#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a key for a person or a service; it is shown once
    Create(Create),
    /// List keys, without their secrets
    List {
        #[command(flatten)]
        paging: Paging,
        /// Only those of this person
        #[arg(long, conflicts_with = "service")]
        person: Option<String>,
        /// Only those of this service
        #[arg(long)]
        service: Option<String>,
    },
    /// Take a key back, in force on the next request
    Revoke {
        /// Its id
        key: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    #[command(flatten)]
    holder: Holder,
    /// What to call it
    #[arg(long, default_value = "command line")]
    name: String,
    /// Narrow it to a scope: user, builder, operator, security, act_for, action:read, source:src_...; repeat for more
    /// [default: all its holder's rights]
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The most that is kept of its exchanges: none, usage, redacted, full
    #[arg(long, value_name = "MODE")]
    capture: Option<String>,
    /// When it stops working by itself, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Requests in any minute
    #[arg(long, value_name = "N")]
    requests_per_minute: Option<u64>,
    /// Tokens in any minute
    #[arg(long, value_name = "N")]
    tokens_per_minute: Option<u64>,
    /// Millionths of a US dollar in a calendar month
    #[arg(long, value_name = "N")]
    budget_micro_usd_per_month: Option<u64>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Holder {
    /// Id or user name of the person who holds it
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Id or name of the service that holds it
    #[arg(long, value_name = "SERVICE")]
    service: Option<String>,
}

impl Create {
    fn body(&self) -> Value {
        let limits = Body::default()
            .maybe("requests_per_minute", self.requests_per_minute)
            .maybe("tokens_per_minute", self.tokens_per_minute)
            .maybe("budget_micro_usd_per_month", self.budget_micro_usd_per_month)
            .finish();
        let limits = limits.as_object().is_some_and(|limits| !limits.is_empty()).then_some(limits);
        Body::default()
            .maybe("person", self.holder.person.clone())
            .maybe("service", self.holder.service.clone())
            .with("name", self.name.clone())
            .list("scopes", &self.scopes)
            .maybe("capture", self.capture.clone())
            .maybe("expires_at", self.expires_at.clone())
            .maybe("limits", limits)
            .finish()
    }
}

impl Keys {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::Create(create) => {
                let made = listing::call(at, Need::Any, Method::POST, PATH, Some(&create.body())).await?;
                show_once(&made, globals.json);
                Ok(())
            }
            Verb::List { paging, person, service } => {
                let filters = [("person", person.as_ref()), ("service", service.as_ref())];
                listing::list(at, PATH, paging, &filters, COLUMNS).await
            }
            Verb::Revoke { key } => {
                let path = format!("{PATH}/{}", segment(key));
                listing::done(at, Method::DELETE, &path, &format!("{key} no longer works.")).await
            }
        }
    }
}

fn show_once(made: &Value, as_json: bool) {
    if as_json {
        output::document(made);
    } else {
        output::fields(made);
        output::remark("The key is shown only now: keep it where secrets are kept.");
    }
}
