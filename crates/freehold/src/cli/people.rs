//! `freehold people`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::door::{Need, Remote};
use super::listing::{self, Body, Paging, segment};
use super::{Globals, output};
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/people";
const LINKS: &str = "/api/v1/sign_in_links";
const COLUMNS: &[&str] = &["id", "user_name", "display_name", "email", "active", "roles"];

#[derive(Debug, Args)]
pub(super) struct People {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List people
    List(Paging),
    /// Show one person
    Show {
        /// Id or user name
        person: String,
    },
    /// Add a person
    Add {
        /// The name to sign in with
        user_name: String,
        #[command(flatten)]
        fields: Fields,
    },
    /// Change a person; what is not named stays
    Update {
        /// Id or user name
        person: String,
        #[command(flatten)]
        fields: Fields,
        /// Let a deactivated person in again, or shut one out
        #[arg(long, value_name = "true|false")]
        active: Option<bool>,
    },
    /// Make a link that signs a person in to the console; it works once, for a short time
    Link {
        /// Id or user name
        person: String,
    },
    /// Deactivate a person: no key and no session of theirs works any more
    Remove {
        /// Id or user name
        person: String,
    },
}

#[derive(Debug, Args)]
struct Fields {
    /// The name to show
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// An address; never a key
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// A role: user, builder, operator, security; repeat for more [default for a new person: user]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
}

impl Fields {
    fn onto(&self, body: Body) -> Body {
        body.maybe("display_name", self.display_name.clone())
            .maybe("email", self.email.clone())
            .list("roles", &self.roles)
    }
}

impl People {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match &self.verb {
            Verb::List(paging) => listing::list(at, PATH, paging, &[], COLUMNS).await,
            Verb::Show { person } => listing::show(at, Need::SetUp, Method::GET, &one(person), None).await,
            Verb::Add { user_name, fields } => {
                let display_name = fields.display_name.clone().unwrap_or_else(|| user_name.clone());
                let body = fields
                    .onto(Body::default().with("user_name", user_name.clone()).with("display_name", display_name));
                listing::show(at, Need::Any, Method::POST, PATH, Some(&body.finish())).await
            }
            Verb::Update { person, fields, active } => {
                let body = fields.onto(Body::default()).maybe("active", *active).finish();
                listing::show(at, Need::SetUp, Method::PATCH, &one(person), Some(&body)).await
            }
            Verb::Link { person } => {
                let body = Body::default().with("person", person.clone()).finish();
                let mut made = listing::call(at, Need::SetUp, Method::POST, LINKS, Some(&body)).await?;
                made["url"] = format!("{}{}", self.remote.address(globals)?, output::cell(&made["url"])).into();
                listing::print(&made, globals.json);
                Ok(())
            }
            Verb::Remove { person } => {
                let said = format!("{person} is deactivated: what they made stays theirs.");
                listing::done(at, Method::DELETE, &one(person), &said).await
            }
        }
    }
}

fn one(person: &str) -> String {
    format!("{PATH}/{}", segment(person))
}
