//! The schema that policies are checked against, generated from the declared attributes.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Schema};
use domain::Action;
use serde_json::{Map, Value, json};

use super::{AttributeKind, PolicyError};

/// The attributes that every document has, whatever is declared.
pub(super) const RESERVED: [&str; 2] = [SOURCE, SENSITIVITY];
/// The id of the source of a document.
pub(super) const SOURCE: &str = "source";
/// How sensitive a document is said to be.
pub(super) const SENSITIVITY: &str = "sensitivity";

/// The types of entities, by name.
#[derive(Debug, Clone)]
pub(super) struct Words {
    pub(super) person: EntityTypeName,
    pub(super) service: EntityTypeName,
    pub(super) group: EntityTypeName,
    pub(super) document: EntityTypeName,
    pub(super) action: EntityTypeName,
}

impl Words {
    pub(super) fn new() -> Result<Self, PolicyError> {
        let name = |name: &str| EntityTypeName::from_str(&format!("Freehold::{name}")).map_err(PolicyError::internal);
        Ok(Self {
            person: name("Person")?,
            service: name("Service")?,
            group: name("Group")?,
            document: name("Document")?,
            action: name("Action")?,
        })
    }
}

/// An entity of a type.
pub(super) fn entity(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// Every attribute is required, so that policies may name it plainly; where one is missing in fact, evaluation fails,
/// and that denies.
pub(super) fn of(attributes: &BTreeMap<String, AttributeKind>) -> Result<Schema, PolicyError> {
    let declared: Map<String, Value> = attributes.iter().map(|(name, kind)| (name.clone(), of_kind(*kind))).collect();
    let mut of_documents = declared.clone();
    for name in RESERVED {
        of_documents.insert(name.to_owned(), of_kind(AttributeKind::String));
    }
    let applies_to = json!({
        "principalTypes": ["Person", "Service"],
        "resourceTypes": ["Document"],
        "context": record(&json!({ "purpose": of_kind(AttributeKind::String), "time": { "type": "Extension", "name": "datetime" } })),
    });
    let actions: Map<String, Value> =
        Action::ALL.iter().map(|action| (action.to_string(), json!({ "appliesTo": applies_to }))).collect();
    let schema = json!({ "Freehold": {
        "entityTypes": {
            "Person": { "memberOfTypes": ["Group"], "shape": record(&declared.clone().into()) },
            "Group": { "memberOfTypes": ["Group"] },
            "Service": { "shape": record(&declared.into()) },
            "Document": { "shape": record(&of_documents.into()) },
        },
        "actions": actions,
    }});
    Schema::from_json_value(schema).map_err(PolicyError::internal)
}

fn record(attributes: &Value) -> Value {
    json!({ "type": "Record", "attributes": attributes })
}

fn of_kind(kind: AttributeKind) -> Value {
    match kind {
        AttributeKind::String => json!({ "type": "String" }),
        AttributeKind::Long => json!({ "type": "Long" }),
        AttributeKind::Bool => json!({ "type": "Boolean" }),
        AttributeKind::SetOfString => json!({ "type": "Set", "element": { "type": "String" } }),
    }
}
