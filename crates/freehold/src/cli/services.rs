//! `freehold services`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::Globals;
use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/services";
const COLUMNS: &[&str] = &["id", "name", "active", "act_for", "roles"];

#[derive(Debug, Args)]
pub(super) struct Services {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List services
    List(Paging),
    /// Show one service
    Show {
        /// Id or name
        service: String,
    },
    /// Add a service
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a service; what is not named stays
    Update {
        /// Id or name
        service: String,
        #[command(flatten)]
        fields: Fields,
        /// Let it in, or shut it out
        #[arg(long, value_name = "true|false")]
        active: Option<bool>,
    },
    /// Deactivate a service: no key of its works any more
    Remove {
        /// Id or name
        service: String,
    },
}

#[derive(Debug, Args)]
struct Fields {
    /// A group for whose members it may act, with a key of scope act_for; repeat for more [default: anybody]
    #[arg(long = "act-for", value_name = "GROUP")]
    act_for: Vec<String>,
    /// A role: user, builder, operator, security; repeat for more [default for a new service: user]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

impl Fields {
    fn onto(&self, body: Body) -> Body {
        body.list("act_for", &self.act_for).list("roles", &self.roles)
    }
}

impl Services {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
            Verb::Show { service } => listing::show(at, Need::SetUp, Method::GET, &one(service), None).await,
            Verb::Add { name, fields } => {
                let body = fields.onto(Body::default().with("name", name.clone())).finish();
                listing::show(at, Need::Any, Method::POST, PATH, Some(&body)).await
            }
            Verb::Update { service, fields, active } => {
                let body = fields.onto(Body::default()).maybe("active", *active).finish();
                listing::show(at, Need::SetUp, Method::PATCH, &one(service), Some(&body)).await
            }
            Verb::Remove { service } => {
                listing::done(at, Method::DELETE, &one(service), &format!("{service} is deactivated.")).await
            }
        }
    }
}

fn one(service: &str) -> String {
    format!("{PATH}/{}", segment(service))
}
