//! What policies name, read from their JSON form. Where in doubt, more is named than is used: that makes more audience
//! classes, never a wrong decision.

use std::collections::BTreeSet;

use cedar_policy::{EntityTypeName, EntityUid};
use domain::GroupId;
use serde_json::{Map, Value};

use super::schema::{SENSITIVITY, SOURCE};

/// What policies name of documents, people and circumstances.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Declared attributes of documents.
    pub attributes: BTreeSet<String>,
    /// Whether they name the source of a document.
    pub source: bool,
    /// Whether they name the sensitivity of a document.
    pub sensitivity: bool,
    /// Declared attributes of people.
    pub person_attributes: BTreeSet<String>,
    /// Groups that people may be in.
    pub groups: BTreeSet<GroupId>,
    /// Whether they name the purpose of a request.
    pub purpose: bool,
    /// Whether they name the time of a request.
    pub time: bool,
}

impl Names {
    /// Whether two sets of policies tell documents apart by the same things.
    #[must_use]
    pub fn same_of_documents(&self, other: &Self) -> bool {
        (&self.attributes, self.source, self.sensitivity) == (&other.attributes, other.source, other.sensitivity)
    }

    /// Adds what a policy names. `declared` is what a name on its own (`resource`, not `resource.region`) stands for.
    pub(super) fn add<'d>(&mut self, policy: &Value, declared: impl Iterator<Item = &'d String> + Clone) {
        match policy {
            Value::Object(object) => self.add_object(object, declared),
            Value::Array(values) => values.iter().for_each(|value| self.add(value, declared.clone())),
            _ => {}
        }
    }

    fn add_object<'d>(&mut self, object: &Map<String, Value>, declared: impl Iterator<Item = &'d String> + Clone) {
        for (key, value) in object {
            let variable = value.get("left").and_then(|left| left.get("Var")).and_then(Value::as_str);
            match (key.as_str(), variable, attribute(value)) {
                ("." | "has", Some(variable), Some(attribute)) => self.add_attribute(variable, attribute),
                // The type of a thing is no attribute of it.
                ("is", Some(_), _) if value.get("in").is_none() => {}
                ("Var", ..) if value.is_string() => {
                    self.add_variable(value.as_str().unwrap_or_default(), declared.clone())
                }
                _ => self.add(value, declared.clone()),
            }
        }
    }

    fn add_attribute(&mut self, variable: &str, attribute: &str) {
        match (variable, attribute) {
            ("resource", SOURCE) => self.source = true,
            ("resource", SENSITIVITY) => self.sensitivity = true,
            ("resource", _) => drop(self.attributes.insert(attribute.to_owned())),
            ("principal", _) => drop(self.person_attributes.insert(attribute.to_owned())),
            ("context", "purpose") => self.purpose = true,
            ("context", "time") => self.time = true,
            _ => {}
        }
    }

    fn add_variable<'d>(&mut self, variable: &str, declared: impl Iterator<Item = &'d String>) {
        match variable {
            "resource" => {
                self.attributes.extend(declared.cloned());
                (self.source, self.sensitivity) = (true, true);
            }
            "principal" => self.person_attributes.extend(declared.cloned()),
            "context" => (self.purpose, self.time) = (true, true),
            _ => {}
        }
    }

    pub(super) fn add_literals(&mut self, literals: Vec<EntityUid>, group: &EntityTypeName) {
        let groups = literals.iter().filter(|literal| literal.type_name() == group);
        self.groups.extend(groups.filter_map(|literal| literal.id().unescaped().parse::<GroupId>().ok()));
    }
}

/// `attr` is a name, or (in `has a.b`) a path of names.
fn attribute(value: &Value) -> Option<&str> {
    match value.get("attr")? {
        Value::String(name) => Some(name),
        Value::Array(path) => path.first()?.as_str(),
        _ => None,
    }
}
