//! `freehold can`.

use clap::Args;
use reqwest::Method;

use super::door::{Need, Remote};
use super::listing::{call, segment};
use super::{Globals, audit, output};
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Can {
    #[command(flatten)]
    remote: Remote,
    /// Who: an id or a user name
    person: String,
    /// What for: read, discover, train, use, ...
    action: String,
    /// On what: the id of a document, or the name of a model
    resource: String,
    /// Say which rules gave the answer, and how they were reached
    #[arg(long)]
    why: bool,
    /// As of this epoch, not now
    #[arg(long, value_name = "EPOCH")]
    epoch: Option<u64>,
}

impl Can {
    /// Prints `yes` or `no`; both are answers, and exit with 0.
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let Self { person, action, resource, epoch, .. } = self;
        let (person, action, resource) = (segment(person), segment(action), segment(resource));
        let epoch = epoch.map(|epoch| format!("&epoch={epoch}")).unwrap_or_default();
        let path = format!("/api/v1/access/explain?person={person}&action={action}&resource={resource}{epoch}");
        let explanation = call((globals, &self.remote), Need::SetUp, Method::GET, &path, None).await?;
        if globals.json {
            output::document(&explanation);
        } else if self.why {
            let because = with_names((globals, &self.remote), audit::because(&explanation)).await;
            output::line(&format!("{}: {because}", audit::answer(&explanation)));
        } else {
            output::line(audit::answer(&explanation));
        }
        Ok(())
    }
}

/// The routes that tell what an id is called, and the field that does.
const NAMES: [(&str, &str, &str); 3] =
    [("per_", "people", "user_name"), ("grp_", "groups", "name"), ("svc_", "services", "name")];

/// The same with names beside the ids of people, groups and services, as far as who asks may know them.
async fn with_names(at: (&Globals, &Remote), reasons: String) -> String {
    let mut words: Vec<String> = reasons.split(' ').map(str::to_owned).collect();
    for word in &mut words {
        let id = word.trim_end_matches(';');
        let Some((_, route, field)) = NAMES.iter().find(|(prefix, ..)| id.starts_with(prefix)) else { continue };
        let found = call(at, Need::SetUp, Method::GET, &format!("/api/v1/{route}/{id}"), None).await;
        let name = found.ok().and_then(|found| found[*field].as_str().map(str::to_owned));
        if let Some(name) = name {
            *word = format!("{id} ({name}){}", &word[id.len()..]);
        }
    }
    words.join(" ")
}
