//! Decisions: recorded where the door lets somebody use a model, and where it turns somebody away; listed and given
//! again for whoever looks after security.

use std::collections::BTreeMap;

use access::{Grounds, Snapshot, decide};
use domain::{
    Action, Decision, DecisionId, DocumentId, PersonId, Principal, Question, Resource, Role, Source, Timestamp,
    TraceId, Verdict,
};
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

/// A decision to record, with the epoch and the hash of the policies by which it was made.
pub(crate) fn decision(
    app: &App,
    (epoch, policy_hash): (u64, Option<String>),
    question: Question,
    verdict: Verdict,
) -> Decision {
    let now = app.now();
    let id = DecisionId::from_uuid(app.ids.uuid(now));
    Decision { id, created_at: now, trace: None, task: String::new(), epoch, policy_hash, question, verdict }
}

/// Decides by a snapshot, now.
pub(crate) fn decide_at(app: &App, snapshot: &Snapshot, question: Question) -> Decision {
    let policy_hash = snapshot.policies().hash().map(str::to_owned);
    let nothing = Verdict { allowed: false, reasons: Vec::new() };
    let mut decision = decision(app, (snapshot.epoch(), policy_hash), question, nothing);
    decision.verdict = answer(snapshot, decision.created_at, &decision.question);
    decision
}

/// The answer to a question by a snapshot. What it depends on of documents is in the history of epochs, and need not be
/// recorded with it.
fn answer(snapshot: &Snapshot, at: Timestamp, question: &Question) -> Verdict {
    let mut question = question.clone();
    match &mut question.resource {
        Resource::Trace { provenance, facts, .. } | Resource::Passages { provenance, facts } => {
            *facts = snapshot.facts_of(provenance)
        }
        Resource::Document { document, version, facts } => *facts = snapshot.facts(*document, *version).map(Box::new),
        Resource::Model { .. } | Resource::Person { .. } | Resource::Route { .. } => {}
    }
    decide(&Grounds { directory: snapshot.directory(), policies: snapshot.policies(), at }, &question)
}

/// The documents that an answer depends on.
fn documents_of(question: &Question) -> Vec<DocumentId> {
    let of_source = |source: &Source| match source {
        Source::Document { document, .. } => Some(*document),
        _ => None,
    };
    match &question.resource {
        Resource::Trace { provenance, .. } | Resource::Passages { provenance, .. } => {
            provenance.sources().iter().filter_map(of_source).collect()
        }
        Resource::Document { document, .. } => vec![*document],
        Resource::Model { .. } | Resource::Person { .. } | Resource::Route { .. } => Vec::new(),
    }
}

/// Records that somebody was turned away from a route for lack of a role.
pub async fn turned_from_route(app: &App, asker: &Asker, name: String, (roles, of_a_source): (&[Role], bool)) {
    let resource = Resource::Route { name, roles: roles.to_vec(), of_a_source };
    refused(app, question(asker, Action::Use, resource)).await;
}

/// Records that a service may not ask in a person's place; none where what it sent names nobody here.
pub async fn turned_from_person(app: &App, holder: &Asker, person: Option<PersonId>) {
    let known = person.filter(|person| app.directory().person(*person).is_some());
    refused(app, question(holder, Action::ActFor, Resource::Person { person: known })).await;
}

/// Records a no. Where rights came in the very moment between the refusal and this, there is none to record.
pub(crate) async fn refused(app: &App, question: Question) {
    let decision = decide_at(app, &app.snapshot(), question);
    if decision.verdict.allowed {
        return;
    }
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
    let snapshot = app.store.snapshot_at(decision.epoch, &documents_of(&decision.question)).await?;
    Ok(again(&snapshot, decision))
}

/// Gives the newest decisions again, as [`decisions`] lists them.
///
/// # Errors
/// As there.
pub async fn replay_newest(app: &App, filter: DecisionFilter) -> Result<Slice<Replay>, AppError> {
    let slice = decisions(app, filter).await?;
    // Few epochs, each with many decisions.
    let mut documents: BTreeMap<u64, Vec<DocumentId>> = BTreeMap::new();
    for decision in &slice.data {
        documents.entry(decision.epoch).or_default().extend(documents_of(&decision.question));
    }
    let mut snapshots = BTreeMap::new();
    for (epoch, documents) in documents {
        snapshots.insert(epoch, app.store.snapshot_at(epoch, &documents).await?);
    }
    let replays = slice.data.into_iter().filter_map(|decision| {
        let snapshot = snapshots.get(&decision.epoch)?;
        Some(again(snapshot, decision))
    });
    Ok(Slice { data: replays.collect(), has_more: slice.has_more })
}

fn again(snapshot: &Snapshot, decision: Decision) -> Replay {
    let replayed = answer(snapshot, decision.created_at, &decision.question);
    let identical = replayed == decision.verdict;
    Replay { decision, replayed, identical }
}
