//! `freehold groups`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::Globals;
use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/groups";
const COLUMNS: &[&str] = &["id", "name", "source", "roles"];

#[derive(Debug, Args)]
pub(super) struct Groups {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List groups
    List(Paging),
    /// Show one group with its members
    Show {
        /// Id or name
        group: String,
    },
    /// Add a group
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a group; what is not named stays
    Update {
        /// Id or name
        group: String,
        /// A new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// A role that all its members have; repeat for more
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
    },
    /// Remove a group, with what was granted to it
    Remove {
        /// Id or name
        group: String,
    },
    /// Put a person or a group into a group
    AddMember {
        /// Id or name of the group
        group: String,
        /// Id or name of the person or group
        member: String,
    },
    /// Take a person or a group out of a group
    RemoveMember {
        /// Id or name of the group
        group: String,
        /// Id or name of the person or group
        member: String,
    },
}

#[derive(Debug, Args)]
struct Fields {
    /// A role that all its members have: user, builder, operator, security; repeat for more
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Id or name of a member; repeat for more
    #[arg(long = "member", value_name = "MEMBER")]
    members: Vec<String>,
}

impl Groups {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
            Verb::Show { group } => listing::show(at, Need::SetUp, Method::GET, &one(group), None).await,
            Verb::Add { name, fields } => {
                let body = Body::default().with("name", name.clone());
                let body = body.list("roles", &fields.roles).list("members", &fields.members).finish();
                listing::show(at, Need::Any, Method::POST, PATH, Some(&body)).await
            }
            Verb::Update { group, name, roles } => {
                let body = Body::default().maybe("name", name.clone()).list("roles", roles).finish();
                listing::show(at, Need::SetUp, Method::PATCH, &one(group), Some(&body)).await
            }
            Verb::Remove { group } => {
                listing::done(at, Method::DELETE, &one(group), &format!("The group {group} is gone.")).await
            }
            Verb::AddMember { group, member } => {
                listing::done(at, Method::PUT, &of(group, member), &format!("{member} is in {group}.")).await
            }
            Verb::RemoveMember { group, member } => {
                let said = format!("{member} is no longer in {group}.");
                listing::done(at, Method::DELETE, &of(group, member), &said).await
            }
        }
    }
}

fn one(group: &str) -> String {
    format!("{PATH}/{}", segment(group))
}

fn of(group: &str, member: &str) -> String {
    format!("{}/members/{}", one(group), segment(member))
}
