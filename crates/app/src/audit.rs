//! What was done and by whom: the epoch log of identity, the acts of administrators, and the notices to people.

use access::{Actor, Caller};
use domain::{Principal, ServiceId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Act, EpochEntry, Notice, Page};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::listing::{Listing, Slice};

/// One permission-relevant change: opaque ids only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct EpochRecord {
    /// Counted from 1, without a gap.
    pub epoch: u64,
    /// What kind of change.
    pub kind: String,
    /// What it is about.
    pub ids: Vec<String>,
    /// Who did it; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Principal>,
    /// The services that did it on behalf of the actor, outermost first.
    #[schema(value_type = Vec<String>)]
    pub via: Vec<ServiceId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The hash of the entry before, hex.
    pub previous_hash: String,
    /// SHA-256 over all of the above, hex.
    pub hash: String,
}

/// One act of an administrator besides changes of identity.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ActRecord {
    /// Its number, rising with time.
    pub number: u64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Principal>,
    /// The services that did it on behalf of the actor, outermost first.
    #[schema(value_type = Vec<String>)]
    pub via: Vec<ServiceId>,
    /// What.
    pub verb: String,
    /// On what: ids and names.
    pub ids: Vec<String>,
    /// More, without content and secrets.
    pub detail: Value,
}

/// What somebody did in the caller's name: a key or a sign-in link was made for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeRecord {
    /// Its number, rising with time.
    pub number: u64,
    /// What happened.
    pub kind: String,
    /// The id of what it is about.
    pub subject: String,
    /// Who did it; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Principal>,
    /// The services that did it on behalf of the actor, outermost first.
    #[schema(value_type = Vec<String>)]
    pub via: Vec<ServiceId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// The epoch log, oldest first; `after` is an epoch.
///
/// # Errors
/// The listing is wrong, or the state cannot be read.
pub async fn epochs(app: &App, listing: &Listing) -> Result<Slice<EpochRecord>, AppError> {
    let after = listing.after_number()?.unwrap_or(0);
    let entries = app.store.epochs(after, listing.limit()?).await?;
    let has_more = entries.last().is_some_and(|last| last.epoch < app.directory().epoch());
    Ok(Slice { data: entries.into_iter().map(epoch).collect(), has_more })
}

/// The acts of administrators, newest first; `after` is the number of the last one of the page before.
///
/// # Errors
/// The listing is wrong, or the state cannot be read.
pub async fn acts(app: &App, listing: &Listing) -> Result<Slice<ActRecord>, AppError> {
    let page = app.store.acts(listing.after_number()?, listing.limit()?).await?;
    Ok(slice(page).map(|Act { number, at, actor, verb, ids, detail }| {
        let (actor, via) = parts(actor);
        ActRecord { number, at, actor, via, verb, ids, detail }
    }))
}

/// The caller's own notices, newest first; `after` is the number of the last one of the page before.
///
/// # Errors
/// The listing is wrong, or the state cannot be read.
pub async fn notices(app: &App, caller: &Caller, listing: &Listing) -> Result<Slice<NoticeRecord>, AppError> {
    let (limit, before) = (listing.limit()?, listing.after_number()?);
    let Some(person) = caller.person() else { return Ok(Slice { data: Vec::new(), has_more: false }) };
    let page = app.store.notices(person, before, limit).await?;
    Ok(slice(page).map(|Notice { number, kind, subject, actor, at, .. }| {
        let (actor, via) = parts(actor);
        NoticeRecord { number, kind, subject, actor, via, at }
    }))
}

fn epoch(entry: EpochEntry) -> EpochRecord {
    let EpochEntry { epoch, kind, ids, actor, at, previous_hash, hash } = entry;
    let (actor, via) = parts(actor);
    EpochRecord { epoch, kind, ids, actor, via, at, previous_hash, hash }
}

fn parts(actor: Option<Actor>) -> (Option<Principal>, Vec<ServiceId>) {
    actor.map(|Actor { principal, via }| (Some(principal), via)).unwrap_or_default()
}

fn slice<T>(page: Page<T>) -> Slice<T> {
    Slice { data: page.data, has_more: page.has_more }
}
