//! A directory's export becomes people and groups here: NDJSON lines of one source, all or nothing, in one
//! transaction. The source is the master: what a line gives replaces what was there, and what it leaves out stays.

mod lines;
mod plan;

use access::Caller;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::identity::change;
use crate::people::LOCAL;

pub use lines::{GroupLine, Line, PersonLine};

/// What an import is to do beside its lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportOptions {
    /// The source of all lines; `local` unless given here or in the lines.
    pub source: Option<String>,
    /// The lines are everybody: people of the source who are absent are deactivated, absent groups are emptied.
    pub complete: bool,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct ImportCounts {
    /// People, by what happened to them.
    pub people: PeopleCounts,
    /// Groups, by what happened to them.
    pub groups: GroupCounts,
    /// Memberships, by what happened to them.
    pub members: MemberCounts,
    /// The epoch after the import.
    pub epoch: u64,
}

/// People of an import, by what happened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct PeopleCounts {
    /// New ones.
    pub created: u64,
    /// Those with a field that changed.
    pub updated: u64,
    /// Those as they were.
    pub unchanged: u64,
    /// Those whom a complete import no longer names.
    pub deactivated: u64,
}

/// Groups of an import, by what happened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct GroupCounts {
    /// New ones.
    pub created: u64,
    /// Those with another name or other roles.
    pub updated: u64,
    /// Those as they were.
    pub unchanged: u64,
    /// Those whom a complete import no longer names: they keep their id, in case they come back, and have no members.
    pub emptied: u64,
}

/// Memberships of an import, by what happened to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct MemberCounts {
    /// New ones.
    pub added: u64,
    /// Those that the lines no longer name.
    pub removed: u64,
}

/// Imports a directory's export.
///
/// # Errors
/// A line is wrong (named by its number), a member is unknown, the caller lacks a role that a line grants, or nobody
/// would be left to administer. Nothing has changed then.
pub async fn import(
    app: &App,
    caller: &Caller,
    body: &[u8],
    options: &ImportOptions,
) -> Result<ImportCounts, AppError> {
    let lines = lines::read(body)?;
    let source = lines::source_of(&lines, options.source.as_deref())?.unwrap_or(LOCAL).to_owned();
    let mut counts = ImportCounts::default();
    let directory = change(app, caller, |directory| {
        let mut plan = plan::Plan::new(app, directory, &source);
        plan.add(&lines)?;
        if options.complete {
            plan.complete(&lines);
        }
        let changes;
        (changes, counts) = plan.finish();
        Ok(changes)
    })
    .await?;
    Ok(ImportCounts { epoch: directory.epoch(), ..counts })
}
