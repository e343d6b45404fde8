//! Policies in Cedar, over attributes that were declared (docs/access.md, rule 4). A built-in permit always exists, so that
//! what is uploaded can only narrow.
//!
//! - **Invariant:** an evaluation error or a missing attribute denies, and is told as a [`PolicyFault`].
//! - **Invariant:** no policy names a single document: decisions are made per audience class.

mod ask;
mod error;
mod names;
mod schema;

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use cedar_policy::{Effect, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, ValidationMode, Validator};
use domain::{AttributeValue, Attributes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) use ask::{Asker, Circumstances, Opinion};
pub use error::{Place, PolicyError, PolicyFault};
pub use names::Names;

/// The most text that is taken, bytes.
const MOST_BYTES: usize = 1 << 20;
/// The id of the permit that is always there.
const BUILT_IN: &str = "freehold:built-in";

/// The type of a declared attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// A text.
    String,
    /// A whole number of 64 bits.
    Long,
    /// Yes or no.
    Bool,
    /// Texts without order.
    SetOfString,
}

impl AttributeKind {
    /// Whether a value is of this type.
    #[must_use]
    pub const fn admits(self, value: &AttributeValue) -> bool {
        matches!(
            (self, value),
            (Self::String, AttributeValue::String(_))
                | (Self::Long, AttributeValue::Long(_))
                | (Self::Bool, AttributeValue::Bool(_))
                | (Self::SetOfString, AttributeValue::SetOfString(_))
        )
    }
}

/// Policies that were read, checked against the declared attributes, and are ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Policies {
    /// None where nothing was uploaded: everything that lists allow is allowed.
    uploaded: Option<Uploaded>,
    names: Names,
}

#[derive(Debug, Clone)]
struct Uploaded {
    policies: PolicySet,
    attributes: BTreeMap<String, AttributeKind>,
    words: schema::Words,
    hash: String,
    warnings: Vec<String>,
}

impl Policies {
    /// Reads policies and checks them against the schema that the declared attributes give: a person, a service and a
    /// document have them all, each `String`, `Long`, `Bool` or `Set<String>`; a document has `source` and `sensitivity`
    /// besides; the context has `purpose` (a text) and `time` (a `datetime`, in whole seconds).
    ///
    /// # Errors
    /// [`PolicyError`], with the place where there is one.
    pub fn parse(cedar: &str, attributes: BTreeMap<String, AttributeKind>) -> Result<Self, PolicyError> {
        if cedar.len() > MOST_BYTES {
            return Err(PolicyError::TooLarge { bytes: cedar.len(), most: MOST_BYTES });
        }
        if let Some(name) = attributes.keys().find(|name| schema::RESERVED.contains(&name.as_str())) {
            return Err(PolicyError::Reserved { name: name.clone() });
        }
        let words = schema::Words::new()?;
        let read = PolicySet::from_str(cedar).map_err(|error| PolicyError::syntax(cedar, &error))?;
        if read.num_of_templates() > 0 {
            return Err(PolicyError::Template);
        }
        let read = in_order(&read);
        let mut names = Names::default();
        for policy in &read {
            refuse_document(policy, &words.document)?;
            names.add(&policy.to_json().map_err(PolicyError::internal)?, attributes.keys());
            names.add_literals(policy.entity_literals(), &words.group);
        }
        let validator = Validator::new(schema::of(&attributes)?);
        let hash = hash(&read, &attributes)?;
        let mut policies = PolicySet::from_policies(read).map_err(|error| PolicyError::duplicate(&error))?;
        let result = validator.validate(&policies, ValidationMode::Strict);
        if let Some(error) = result.validation_errors().next() {
            return Err(PolicyError::invalid(cedar, error.policy_id(), error));
        }
        let warnings = warnings(&policies, result.validation_warnings().map(ToString::to_string));
        policies.add(built_in()?).map_err(|error| PolicyError::duplicate(&error))?;
        let uploaded = Uploaded { policies, attributes, words, hash, warnings };
        Ok(Self { uploaded: Some(uploaded), names })
    }

    /// SHA-256 in hex of the policies (spaces and comments aside) and the declared attributes; none where nothing was
    /// uploaded.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        Some(&self.uploaded.as_ref()?.hash)
    }

    /// What the policies name: only that is part of an audience class.
    #[must_use]
    pub const fn names(&self) -> &Names {
        &self.names
    }

    /// What an administrator should know of policies that were taken all the same.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.uploaded.as_ref().map(|uploaded| &*uploaded.warnings).unwrap_or_default()
    }

    /// The declared attributes.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, AttributeKind)> {
        self.uploaded.iter().flat_map(|uploaded| &uploaded.attributes).map(|(name, kind)| (&**name, *kind))
    }

    /// The first attribute whose value is not of its declared type. Undeclared attributes are nobody's business here.
    #[must_use]
    pub fn mistyped<'a>(&self, attributes: &'a Attributes) -> Option<(&'a str, AttributeKind)> {
        let wrong = |(name, value): (&'a String, &AttributeValue)| {
            self.kind(name).filter(|kind| !kind.admits(value)).map(|kind| (&**name, kind))
        };
        attributes.iter().find_map(wrong)
    }

    fn kind(&self, name: &str) -> Option<AttributeKind> {
        self.uploaded.as_ref()?.attributes.get(name).copied()
    }

    /// The part of a document's attributes that policies see: named by them, declared, and of the declared type. What is
    /// of another type counts as missing, and so denies.
    pub(crate) fn seen(&self, attributes: &Attributes) -> Attributes {
        let named = self.names.attributes.iter().filter_map(|name| attributes.get_key_value(name));
        let typed = named.filter(|(name, value)| self.kind(name).is_some_and(|kind| kind.admits(value)));
        typed.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The same of a person's attributes, which come as JSON.
    pub(crate) fn seen_of_person(&self, attributes: &BTreeMap<String, Value>) -> Attributes {
        let named = self.names.person_attributes.iter().filter_map(|name| attributes.get_key_value(name));
        let typed = named.filter_map(|(name, value)| Some((name, typed(self.kind(name)?, value)?)));
        typed.map(|(name, value)| (name.clone(), value)).collect()
    }
}

/// A JSON value as a declared type, if it is of it.
fn typed(kind: AttributeKind, value: &Value) -> Option<AttributeValue> {
    match kind {
        AttributeKind::String => value.as_str().map(|text| AttributeValue::String(text.to_owned())),
        AttributeKind::Long => value.as_i64().map(AttributeValue::Long),
        AttributeKind::Bool => value.as_bool().map(AttributeValue::Bool),
        AttributeKind::SetOfString => {
            let texts = value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned));
            texts.collect::<Option<BTreeSet<_>>>().map(AttributeValue::SetOfString)
        }
    }
}

/// The policies in the order of the text, each under the id of its annotation where it has one.
fn in_order(read: &PolicySet) -> Vec<Policy> {
    let number = |policy: &Policy| policy.id().to_string().trim_start_matches("policy").parse().unwrap_or(u64::MAX);
    let mut policies: Vec<_> = read.policies().cloned().collect();
    policies.sort_by_key(number);
    let named = |policy: Policy| match policy.annotation("id").map(PolicyId::new) {
        Some(id) => policy.new_id(id),
        None => policy,
    };
    policies.into_iter().map(named).collect()
}

fn refuse_document(policy: &Policy, document: &EntityTypeName) -> Result<(), PolicyError> {
    let names_one = |literal: EntityUid| literal.type_name() == document;
    match policy.entity_literals().into_iter().any(names_one) {
        true => Err(PolicyError::NamesDocument { policy: policy.id().to_string() }),
        false => Ok(()),
    }
}

fn hash(policies: &[Policy], attributes: &BTreeMap<String, AttributeKind>) -> Result<String, PolicyError> {
    let texts: Result<Vec<_>, _> = policies.iter().map(Policy::to_json).collect();
    let canonical = serde_json::json!({ "policies": texts.map_err(PolicyError::internal)?, "attributes": attributes });
    let digest = Sha256::digest(canonical.to_string().as_bytes());
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn built_in() -> Result<Policy, PolicyError> {
    let text = "permit(principal, action, resource);";
    Policy::parse(Some(PolicyId::new(BUILT_IN)), text).map_err(PolicyError::internal)
}

fn warnings(policies: &PolicySet, found: impl Iterator<Item = String>) -> Vec<String> {
    let permits = policies.policies().filter(|policy| policy.effect() == Effect::Permit);
    let adds_nothing = |policy: &Policy| {
        format!(
            "policy '{}' permits, which adds nothing: lists allow, policies forbid; write forbid ... unless",
            policy.id()
        )
    };
    let mut all: Vec<_> = permits.map(adds_nothing).chain(found).collect();
    all.sort();
    all
}
