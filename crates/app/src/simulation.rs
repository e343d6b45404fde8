//! What a change of rights would change, told before it is made: who would gain and who would lose what.

use std::sync::Arc;

use access::{Change, Edit, Listing as DocumentListing, Person, Policies, Snapshot, SourceStanding, Turn, simulate};
use domain::{Action, DocumentId, Principal, SourceId};
use serde::{Deserialize, Serialize};
use store::SourceRecord;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::lookup;
use crate::policies::{self, PolicyRequest};
use crate::sources::ListOfAccess;

/// Changes in one simulation.
const MOST_CHANGES: usize = 1_000;
/// Differences on one page where nothing is said.
const DEFAULT_LIMIT: u32 = 100;
/// And at most.
const MAX_LIMIT: u32 = 1_000;

/// What is to be simulated.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct SimulationRequest {
    /// The changes, in their order.
    pub changes: Vec<SimulatedChange>,
    /// What for: `read` unless given.
    #[schema(value_type = Option<String>)]
    pub action: Option<Action>,
    /// For which purpose, where policies name one.
    pub purpose: Option<String>,
    /// How many differences on the page: 1 to 1,000, 100 unless given.
    pub limit: Option<u32>,
    /// How many differences come before the page; 0 unless given.
    pub offset: Option<u32>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum SimulatedChange {
    /// A document gets another list.
    SetList {
        /// The document's id.
        document: String,
        /// The list.
        access: ListOfAccess,
    },
    /// A document is retired.
    Retire {
        /// The document's id.
        document: String,
    },
    /// Documents without a list of their own get another.
    SetDefault {
        /// The source, by id or name.
        source: String,
        /// The list; none: its owner alone.
        default_access: Option<ListOfAccess>,
    },
    /// A person or group joins a group.
    AddMember {
        /// The group.
        group: String,
        /// Who joins.
        member: String,
    },
    /// A person or group leaves a group.
    RemoveMember {
        /// The group.
        group: String,
        /// Who leaves.
        member: String,
    },
    /// A group goes.
    RemoveGroup {
        /// The group.
        group: String,
    },
    /// A person becomes active or not.
    SetActive {
        /// Who.
        person: String,
        /// Which.
        active: bool,
    },
    /// Other policies.
    PutPolicies(PolicyRequest),
}

/// What the changes would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimulationView {
    /// The epoch from which this was told.
    pub epoch: u64,
    /// For which action.
    #[schema(value_type = String)]
    pub action: Action,
    /// What would be gained.
    pub gained: SimulatedCounts,
    /// What would be lost.
    pub lost: SimulatedCounts,
    /// A page of the differences, by person.
    pub data: Vec<DifferenceView>,
    /// Whether more follow.
    pub has_more: bool,
}

/// How much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SimulatedCounts {
    /// People and services.
    pub people: u64,
    /// Documents.
    pub documents: u64,
    /// Pairs of both.
    pub pairs: u64,
}

/// One person and one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DifferenceView {
    /// Who: a person, or a service for itself.
    #[schema(value_type = String)]
    pub who: Principal,
    /// Their user name, or the service's name.
    pub name: String,
    /// The document.
    #[schema(value_type = String)]
    pub document: DocumentId,
    /// Where it comes from.
    #[schema(value_type = Option<String>)]
    pub source: Option<SourceId>,
    /// `gains` or `loses`.
    pub turn: String,
}

/// Tells what changes would change. Nothing is changed.
///
/// # Errors
/// A change names what is not there, or policies that cannot be read.
pub async fn tell(app: &App, asker: &Asker, request: SimulationRequest) -> Result<SimulationView, AppError> {
    let SimulationRequest { changes, action, purpose, limit, offset } = request;
    let limit = limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(AppError::invalid("limit", format!("`limit`: use a number from 1 to {MAX_LIMIT}")));
    }
    if changes.is_empty() || changes.len() > MOST_CHANGES {
        return Err(AppError::invalid("changes", format!("`changes`: say 1 to {MOST_CHANGES} of them")));
    }
    let (snapshot, sources) = (app.snapshot(), app.store.sources().await?);
    let edits = changes
        .into_iter()
        .enumerate()
        .map(|(place, change)| edit(&snapshot, &sources, asker, change).map_err(|error| at(place, error)));
    let edits: Vec<Edit> = edits.collect::<Result<_, AppError>>()?;
    let action = action.unwrap_or(Action::Read);
    let (now, offset) = (app.now(), offset.unwrap_or(0));
    let told = tokio::task::spawn_blocking(move || {
        let page = (offset as usize, limit as usize);
        view(&snapshot, &edits, (action, purpose.as_deref()), now, page)
    });
    told.await.map_err(|_| AppError::ShuttingDown)
}

fn view(
    snapshot: &Snapshot,
    edits: &[Edit],
    (action, purpose): (Action, Option<&str>),
    at: domain::Timestamp,
    (offset, limit): (usize, usize),
) -> SimulationView {
    let simulation = simulate(snapshot, edits, &[action], purpose, at);
    let (people, documents, pairs) =
        (simulation.people_touched(action), simulation.documents_touched(action), simulation.pairs(action));
    let mut found = simulation.differences(None, offset.saturating_add(limit).saturating_add(1));
    let has_more = found.len() > offset + limit;
    found.truncate(offset + limit);
    let shown = found.iter().skip(offset).map(|difference| DifferenceView {
        who: difference.who,
        name: name(snapshot, difference.who),
        document: difference.document,
        source: snapshot.source_of(difference.ordinal),
        turn: if difference.turn == Turn::Gains { "gains" } else { "loses" }.to_owned(),
    });
    SimulationView {
        epoch: snapshot.epoch(),
        action,
        gained: SimulatedCounts { people: people.gained, documents: documents.gained, pairs: pairs.gained },
        lost: SimulatedCounts { people: people.lost, documents: documents.lost, pairs: pairs.lost },
        data: shown.collect(),
        has_more,
    }
}

fn name(snapshot: &Snapshot, who: Principal) -> String {
    let directory = snapshot.directory();
    let name = match who {
        Principal::Person(id) => directory.person(id).map(|person| person.user_name.clone()),
        Principal::Service(id) => directory.service(id).map(|service| service.name.clone()),
    };
    name.unwrap_or_default()
}

fn edit(
    snapshot: &Snapshot,
    sources: &[SourceRecord],
    asker: &Asker,
    change: SimulatedChange,
) -> Result<Edit, AppError> {
    let (directory, caller) = (snapshot.directory(), &asker.caller);
    let group = |text: &str| lookup::group(directory, caller, text).map_err(|error| of("group", error));
    let member = |text: &str| lookup::member(directory, caller, text).map_err(|error| of("member", error));
    Ok(match change {
        SimulatedChange::SetList { document, access } => {
            Edit::SetList(known(snapshot, &document)?, DocumentListing::Given(access.read("access")?))
        }
        SimulatedChange::Retire { document } => {
            Edit::Retire(known(snapshot, &document)?, access::Tombstone::KeepLastList)
        }
        SimulatedChange::SetDefault { source, default_access } => {
            let named = |known: &&SourceRecord| known.name == source || known.id.to_string() == source;
            let found = sources.iter().find(named).ok_or_else(|| of("source", AppError::not_found()))?;
            let default_list = default_access.map(|list| list.read("default_access")).transpose()?;
            Edit::PutSource(found.id, SourceStanding { default_list, ..found.standing.clone() })
        }
        SimulatedChange::AddMember { group: into, member: who } => {
            Edit::Directory(Change::AddMember(group(&into)?.id, member(&who)?))
        }
        SimulatedChange::RemoveMember { group: from, member: who } => {
            Edit::Directory(Change::RemoveMember(group(&from)?.id, member(&who)?))
        }
        SimulatedChange::RemoveGroup { group: gone } => Edit::Directory(Change::RemoveGroup(group(&gone)?.id)),
        SimulatedChange::SetActive { person, active } => {
            let found = lookup::person(directory, caller, &person).map_err(|error| of("person", error))?;
            Edit::Directory(Change::PutPerson(Person { active, ..Person::clone(&found) }))
        }
        SimulatedChange::PutPolicies(PolicyRequest { cedar, attributes }) => {
            let read = Policies::parse(&cedar, attributes).map_err(|error| policies::refused(&error))?;
            Edit::SetPolicies(Arc::new(read))
        }
    })
}

fn known(snapshot: &Snapshot, document: &str) -> Result<DocumentId, AppError> {
    let id = document.parse().ok().filter(|id| snapshot.ordinal(*id).is_some());
    id.ok_or_else(|| of("document", AppError::not_found()))
}

/// Which field of a change is wrong. What is not there is an error of the question, not of the route.
fn of(field: &str, error: AppError) -> AppError {
    match error {
        AppError::Invalid { param: None, message, code } => {
            AppError::Invalid { param: Some(field.to_owned()), message, code }
        }
        _ => AppError::invalid(field, format!("`{field}`: there is none of this id or name")),
    }
}

/// Which change it is in.
fn at(place: usize, error: AppError) -> AppError {
    match error {
        AppError::Invalid { param, message, code } => {
            let param = param.map_or_else(|| format!("changes[{place}]"), |param| format!("changes[{place}].{param}"));
            AppError::Invalid { param: Some(param), message, code }
        }
        other => other,
    }
}
