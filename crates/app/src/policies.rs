//! Policies that narrow what lists allow, and the explanation of any decision about a document or a model.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{AttributeKind, Caller, Policies, PolicyError, Snapshot};
use domain::{Action, CallerRecord, Decision, DocumentId, PersonId, Principal, Question, Reason, Resource, Role};
use models::ModelsError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Amendment, NewAct, PolicyRecord};
use utoipa::ToSchema;

use crate::app::App;
use crate::decisions;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::index;
use crate::lookup;

/// Policies as they are sent and shown.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct PolicyRequest {
    /// Cedar: `forbid` and `permit` over `Freehold::Person`, `Freehold::Service` and `Freehold::Document`. A permit for
    /// everything always exists, so that they only narrow.
    pub cedar: String,
    /// The attributes that they may name: `string`, `long`, `bool` or `set_of_string`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub attributes: BTreeMap<String, AttributeKind>,
}

/// Policies in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PolicyView {
    /// As they were sent.
    pub cedar: String,
    /// The attributes that they may name.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    pub attributes: BTreeMap<String, AttributeKind>,
    /// SHA-256 of both, hex; none where nothing was sent.
    pub hash: Option<String>,
    /// What looks wrong with them and is no error.
    pub warnings: Vec<String>,
}

/// Why something is allowed or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// The answer.
    pub allowed: bool,
    /// The rules that gave it.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub reasons: Vec<Reason>,
    /// At which epoch.
    pub epoch: u64,
    /// The policies in force then.
    pub policy_hash: Option<String>,
}

/// What is to be explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    /// Who: an id or a user name.
    pub person: String,
    /// What for.
    pub action: Action,
    /// On what: the id of a document, or the name of a model.
    pub resource: String,
    /// At which epoch; the newest unless given.
    pub epoch: Option<u64>,
}

/// Replaces the policies; wrong ones change nothing. Where they forbid or allow to index other documents than before, the
/// index is made again while the present one serves.
///
/// # Errors
/// They cannot be read, with the place.
pub async fn put(app: &App, caller: &Caller, request: PolicyRequest) -> Result<PolicyView, AppError> {
    let PolicyRequest { cedar, attributes } = request;
    let read = Policies::parse(&cedar, attributes.clone()).map_err(|error| refused(&error))?;
    let record = PolicyRecord { cedar, attributes };
    let amendment = Amendment::Policies(Box::new(record), Arc::new(read));
    let amend = app.store.amend::<AppError>(Some(caller.actor()), |_| Ok(vec![amendment]));
    index::through_policies(app, amend).await?;
    get(app).await
}

/// The policies in force.
///
/// # Errors
/// The state cannot be read.
pub async fn get(app: &App) -> Result<PolicyView, AppError> {
    let PolicyRecord { cedar, attributes } = app.store.policies().await?;
    let snapshot = app.snapshot();
    let (hash, warnings) = (snapshot.policies().hash(), snapshot.policies().warnings());
    Ok(PolicyView { cedar, attributes, hash: hash.map(str::to_owned), warnings: warnings.to_vec() })
}

pub(crate) fn refused(error: &PolicyError) -> AppError {
    AppError::Invalid { param: Some("cedar".to_owned()), message: error.to_string(), code: "invalid_policies" }
}

/// Explains: to whoever looks after security anything; to others what they themselves may do, and nothing else. Who asked
/// is kept: an act where somebody looks after security, a decision of one's own where not.
///
/// # Errors
/// Not found, also where it is not for the asker.
pub async fn explain(app: &App, asker: &Asker, wanted: Explain) -> Result<Explanation, AppError> {
    let person = lookup::person(&app.directory(), &asker.caller, &wanted.person)?.id;
    if asker.caller.has(Role::Security) {
        return explain_to_security(app, asker, person, wanted).await;
    }
    if wanted.epoch.is_some() {
        return Err(AppError::not_found());
    }
    let snapshot = app.snapshot();
    let (resource, absent) = resource(app, &snapshot, &wanted.resource);
    let Some(resource) = resource else { return Err(absent) };
    let decision = decisions::decide_at(app, &snapshot, decisions::question(asker, wanted.action, resource));
    app.store.record_decision(&decision).await?;
    if decision.verdict.allowed { Ok(decision.into()) } else { Err(absent) }
}

async fn explain_to_security(
    app: &App,
    asker: &Asker,
    person: PersonId,
    wanted: Explain,
) -> Result<Explanation, AppError> {
    let Explain { action, resource: name, epoch, .. } = wanted;
    let document: Option<DocumentId> = name.parse().ok();
    let snapshot = match epoch {
        Some(epoch) => app.store.snapshot_at(epoch, document.as_slice()).await?,
        None => app.snapshot(),
    };
    let resource = match resource(app, &snapshot, &name) {
        (Some(Resource::Document { version: 0, .. }) | None, absent) => return Err(absent),
        (Some(resource), _) => resource,
    };
    let principal = Principal::Person(person);
    let caller = CallerRecord { principal, via: Vec::new(), key: None, purpose: None, subject: None };
    let decision = decisions::decide_at(app, &snapshot, Question { caller, action, resource });
    let (verb, ids) = ("explain_access".to_owned(), vec![person.to_string(), name]);
    let detail = json!({"action": action, "epoch": decision.epoch, "allowed": decision.verdict.allowed});
    app.store.add_act(NewAct { actor: Some(asker.caller.actor()), verb, ids, detail }).await?;
    Ok(decision.into())
}

/// What is meant, and the answer for whoever must not know of it: the same as for what never was. A document that never
/// was is version 0 of itself, so that a decision about it is made and kept like any other; of a name that leads to no
/// model there is nothing to decide.
fn resource(app: &App, snapshot: &Snapshot, name: &str) -> (Option<Resource>, AppError) {
    if let Ok(document) = name.parse() {
        let version = snapshot.version(document).unwrap_or(0);
        return (Some(Resource::Document { document, version, facts: None }), AppError::not_found());
    }
    let model = app.models.resolve(name).ok().map(|route| Resource::Model { name: route.model().to_owned() });
    (model, ModelsError::UnknownModel { name: name.to_owned() }.into())
}

impl From<Decision> for Explanation {
    fn from(Decision { epoch, policy_hash, verdict, .. }: Decision) -> Self {
        Self { allowed: verdict.allowed, reasons: verdict.reasons, epoch, policy_hash }
    }
}
