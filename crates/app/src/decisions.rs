//! Decisions: recorded where the door lets somebody use a model, and where it turns somebody away; listed and given
//! again for whoever looks after security.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use access::{Directory, decide};
use domain::{Action, Decision, DecisionId, PersonId, Principal, Question, Resource, Role, TraceId, Verdict};
use serde::Serialize;
use store::DecisionQuery;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::listing::{Listing, Slice};

/// Which decisions are asked for.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Which part of the list.
    pub listing: Listing,
    /// Only those of this person or service, by id.
    pub caller: Option<Principal>,
    /// Only those about this exchange.
    pub trace: Option<TraceId>,
    /// Only those that said so.
    pub allowed: Option<bool>,
}

/// A past decision, given again from what was known at its epoch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Replay {
    /// As it is recorded.
    #[schema(value_type = serde_json::Value)]
    pub decision: Decision,
    /// The answer to the same question at the same epoch, now.
    #[schema(value_type = serde_json::Value)]
    pub replayed: Verdict,
    /// Whether both are the same, bit for bit.
    pub identical: bool,
}

/// What an asker asks.
pub(crate) fn question(asker: &Asker, action: Action, resource: Resource) -> Question {
    Question { caller: asker.caller.record(asker.purpose.clone(), None), action, resource }
}

/// A decision to record.
pub(crate) fn decision(app: &App, epoch: u64, question: Question, verdict: Verdict) -> Decision {
    let now = app.now();
    Decision {
        id: DecisionId::from_uuid(app.ids.uuid(now)),
        created_at: now,
        trace: None,
        task: String::new(),
        epoch,
        // No policies can be uploaded yet.
        policy_hash: None,
        question,
        verdict,
    }
}

/// Records that somebody was turned away from a route for lack of a role.
pub async fn turned_from_route(app: &App, asker: &Asker, name: String, roles: &[Role]) {
    refused(app, question(asker, Action::Use, Resource::Route { name, roles: roles.to_vec() })).await;
}

/// Records that a service may not ask in a person's place; none where what it sent names nobody here.
pub async fn turned_from_person(app: &App, holder: &Asker, person: Option<PersonId>) {
    let known = person.filter(|person| app.directory().person(*person).is_some());
    refused(app, question(holder, Action::ActFor, Resource::Person { person: known })).await;
}

/// Records a no. Where rights came in the very moment between the refusal and this, there is none to record.
pub(crate) async fn refused(app: &App, question: Question) {
    let directory = app.directory();
    let verdict = decide(&directory, &question);
    if verdict.allowed {
        return;
    }
    let decision = decision(app, directory.epoch(), question, verdict);
    if let Err(error) = app.store.record_decision(&decision).await {
        tracing::error!(%error, "a decision could not be recorded");
    }
}

/// Decisions, newest first.
///
/// # Errors
/// The listing is wrong, or the records cannot be read.
pub async fn decisions(app: &App, filter: DecisionFilter) -> Result<Slice<Decision>, AppError> {
    let DecisionFilter { listing, caller: owner, trace, allowed } = filter;
    let unknown = |_| AppError::invalid("after", "`after`: use the last id of the page before (dec_...)");
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let query = DecisionQuery { id: None, after, limit: listing.limit()?, owner, trace, allowed };
    let page = app.store.decisions(query).await?;
    Ok(Slice { data: page.data, has_more: page.has_more })
}

/// One decision.
///
/// # Errors
/// There is none of this id.
pub async fn one(app: &App, id: &str) -> Result<Decision, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    app.store.decision(id).await?.ok_or_else(AppError::not_found)
}

/// Gives one past decision again.
///
/// # Errors
/// There is none of this id.
pub async fn replay(app: &App, id: &str) -> Result<Replay, AppError> {
    let decision = one(app, id).await?;
    let directory = app.store.directory_at(decision.epoch).await?;
    Ok(again(&directory, decision))
}

/// Gives the newest decisions again, as [`decisions`] lists them.
///
/// # Errors
/// As there.
pub async fn replay_newest(app: &App, filter: DecisionFilter) -> Result<Slice<Replay>, AppError> {
    let slice = decisions(app, filter).await?;
    // Few epochs, each with many decisions.
    let mut directories: HashMap<u64, Directory> = HashMap::new();
    let mut replays = Vec::with_capacity(slice.data.len());
    for decision in slice.data {
        let directory = match directories.entry(decision.epoch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(app.store.directory_at(decision.epoch).await?),
        };
        replays.push(again(directory, decision));
    }
    Ok(Slice { data: replays, has_more: slice.has_more })
}

fn again(directory: &Directory, decision: Decision) -> Replay {
    let replayed = decide(directory, &decision.question);
    let identical = replayed == decision.verdict;
    Replay { decision, replayed, identical }
}
