//! Asking policies: one asker, one action, one set of circumstances, and as many kinds of documents as there are.

use std::collections::{BTreeSet, HashMap, HashSet};

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Entities, Entity, EntityUid, Request, RestrictedExpression,
};
use domain::{Action, AttributeValue, Attributes, GroupId, Principal, Timestamp, Token};

use super::schema::{self, SENSITIVITY, SOURCE, entity};
use super::{Policies, PolicyError, PolicyFault, Uploaded};
use crate::classes::Projection;
use crate::directory::Directory;

/// What policies may know of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asker {
    principal: Principal,
    groups: BTreeSet<GroupId>,
    attributes: Attributes,
}

/// What policies may know of the request besides; only what they name is there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Circumstances {
    purpose: Option<String>,
    second: Option<i64>,
}

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opinion {
    /// Nothing against it.
    Allowed,
    /// These policies forbid it.
    Forbidden(Vec<String>),
    /// Evaluation failed, which denies.
    Failed(Vec<PolicyFault>),
}

impl Policies {
    /// Who asks, as far as the policies name it.
    pub(crate) fn asker(&self, directory: &Directory, principal: Principal, closure: &BTreeSet<Token>) -> Asker {
        let named = |group: &&GroupId| closure.contains(&Token::Group(**group)) && directory.group(**group).is_some();
        let person = match principal {
            Principal::Person(id) => directory.person(id),
            Principal::Service(_) => None,
        };
        Asker {
            principal,
            groups: self.names.groups.iter().filter(named).copied().collect(),
            attributes: person.map(|person| self.seen_of_person(&person.attributes)).unwrap_or_default(),
        }
    }

    /// The circumstances of a request, as far as the policies name them.
    pub(crate) fn circumstances(&self, purpose: Option<&str>, at: Timestamp) -> Circumstances {
        Circumstances {
            purpose: purpose.filter(|_| self.names.purpose).map(str::to_owned),
            second: self.names.time.then(|| at.seconds()),
        }
    }

    /// What the policies say of each of these kinds of documents, in their order.
    pub(crate) fn opinions(
        &self,
        asker: &Asker,
        action: Action,
        circumstances: &Circumstances,
        projections: &[&Projection],
    ) -> Vec<Opinion> {
        let Some(uploaded) = &self.uploaded else { return vec![Opinion::Allowed; projections.len()] };
        let hearing = Hearing::of(uploaded, asker, action, circumstances, projections);
        match hearing {
            Ok(hearing) => hearing.resources.iter().map(|resource| hearing.opinion(uploaded, resource)).collect(),
            Err(error) => {
                let fault = PolicyFault { policy: super::BUILT_IN.to_owned(), message: error.to_string() };
                vec![Opinion::Failed(vec![fault]); projections.len()]
            }
        }
    }
}

/// Everything that Cedar wants to know.
struct Hearing {
    principal: EntityUid,
    action: EntityUid,
    resources: Vec<EntityUid>,
    entities: Entities,
    context: Context,
}

impl Hearing {
    fn of(
        uploaded: &Uploaded,
        asker: &Asker,
        action: Action,
        circumstances: &Circumstances,
        projections: &[&Projection],
    ) -> Result<Self, PolicyError> {
        let words = &uploaded.words;
        let who = asker_entity(words, asker)?;
        let principal = who.uid();
        let mut entities = vec![who];
        for (number, projection) in projections.iter().enumerate() {
            entities.push(document_entity(words, number, projection)?);
        }
        let resources = entities.iter().skip(1).map(Entity::uid).collect();
        Ok(Self {
            principal,
            action: entity(&words.action, action.as_str()),
            resources,
            entities: Entities::from_entities(entities, None).map_err(PolicyError::internal)?,
            context: context(circumstances)?,
        })
    }

    fn opinion(&self, uploaded: &Uploaded, resource: &EntityUid) -> Opinion {
        let (principal, action) = (self.principal.clone(), self.action.clone());
        let request = match Request::new(principal, action, resource.clone(), self.context.clone(), None) {
            Ok(request) => request,
            Err(error) => {
                let fault = PolicyFault { policy: super::BUILT_IN.to_owned(), message: error.to_string() };
                return Opinion::Failed(vec![fault]);
            }
        };
        let response = Authorizer::new().is_authorized(&request, &uploaded.policies, &self.entities);
        let mut faults: Vec<_> = response.diagnostics().errors().map(|error| fault(error, resource)).collect();
        // Cedar skips a policy that fails; here a failure denies, whatever the others say.
        if !faults.is_empty() {
            faults.sort();
            return Opinion::Failed(faults);
        }
        match response.decision() {
            Decision::Allow => Opinion::Allowed,
            Decision::Deny => {
                let mut policies: Vec<_> = response.diagnostics().reason().map(ToString::to_string).collect();
                policies.sort();
                Opinion::Forbidden(policies)
            }
        }
    }
}

/// The document is only a number here, which says nothing to anybody.
fn fault(error: &AuthorizationError, resource: &EntityUid) -> PolicyFault {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    let message = error.inner().to_string().replace(&format!("`{resource}`"), "a document");
    PolicyFault { policy: error.policy_id().to_string(), message }
}

fn asker_entity(words: &schema::Words, asker: &Asker) -> Result<Entity, PolicyError> {
    let kind = match asker.principal {
        Principal::Person(_) => &words.person,
        Principal::Service(_) => &words.service,
    };
    let groups: HashSet<_> = asker.groups.iter().map(|group| entity(&words.group, &group.to_string())).collect();
    Entity::new(entity(kind, &asker.principal.to_string()), expressions(&asker.attributes), groups)
        .map_err(PolicyError::internal)
}

fn document_entity(words: &schema::Words, number: usize, projection: &Projection) -> Result<Entity, PolicyError> {
    let mut attributes = expressions(&projection.attributes);
    if let Some(source) = projection.source {
        attributes.insert(SOURCE.to_owned(), RestrictedExpression::new_string(source.to_string()));
    }
    if let Some(sensitivity) = &projection.sensitivity {
        attributes.insert(SENSITIVITY.to_owned(), RestrictedExpression::new_string(sensitivity.clone()));
    }
    // No policy names a document, so that a number will do.
    Entity::new(entity(&words.document, &number.to_string()), attributes, HashSet::new()).map_err(PolicyError::internal)
}

fn expressions(attributes: &Attributes) -> HashMap<String, RestrictedExpression> {
    attributes.iter().map(|(name, value)| (name.clone(), expression(value))).collect()
}

fn expression(value: &AttributeValue) -> RestrictedExpression {
    match value {
        AttributeValue::Bool(value) => RestrictedExpression::new_bool(*value),
        AttributeValue::Long(value) => RestrictedExpression::new_long(*value),
        AttributeValue::String(value) => RestrictedExpression::new_string(value.clone()),
        AttributeValue::SetOfString(values) => {
            RestrictedExpression::new_set(values.iter().cloned().map(RestrictedExpression::new_string))
        }
    }
}

fn context(circumstances: &Circumstances) -> Result<Context, PolicyError> {
    let purpose = circumstances.purpose.clone().map(|purpose| {
        let text = RestrictedExpression::new_string(purpose);
        ("purpose".to_owned(), text)
    });
    let time = circumstances.second.map(|second| {
        let moment = Timestamp::from_micros(second.saturating_mul(1_000_000)).to_string();
        // Cedar reads whole milliseconds: 2026-01-31T09:00:00.000000Z becomes ...00Z.
        let text = moment.split('.').next().unwrap_or_default().to_owned() + "Z";
        ("time".to_owned(), RestrictedExpression::new_datetime(text))
    });
    Context::from_pairs(purpose.into_iter().chain(time)).map_err(PolicyError::internal)
}
