//! The lines of an import, read strictly: a line that is wrong is named by its number, and nothing is imported.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::Role;
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::schema::{OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::error::AppError;

/// One line: a person or a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Line {
    /// A person.
    Person(PersonLine),
    /// A group.
    Group(GroupLine),
}

/// A person of an import. For somebody known already, what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct PersonLine {
    /// Always `person`.
    #[serde(rename = "type")]
    pub kind: PersonKind,
    /// The id in the source.
    pub external_id: String,
    /// The source, the same in all lines that name one.
    pub source: Option<String>,
    /// The name to sign in with: the external id unless given.
    pub user_name: Option<String>,
    /// The name to show: the user name unless given.
    pub display_name: Option<String>,
    /// An address; empty for none.
    pub email: Option<String>,
    /// A guest: not part of `everyone`.
    pub external: Option<bool>,
    /// Active unless given, for somebody new. Whoever was deactivated comes back only by `true`.
    pub active: Option<bool>,
    /// `["user"]` unless given, for somebody new. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
    /// What policies may name.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub attributes: Option<BTreeMap<String, Value>>,
}

/// A group of an import. For one known already, what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct GroupLine {
    /// Always `group`.
    #[serde(rename = "type")]
    pub kind: GroupKind,
    /// The id in the source.
    pub external_id: String,
    /// The source, the same in all lines that name one.
    pub source: Option<String>,
    /// The name to show: the external id unless given.
    pub name: Option<String>,
    /// Roles of all members. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
    /// All members, by external ids of the same source, of lines before or after this one or known already.
    pub members: Option<Vec<String>>,
}

/// The mark of a person's line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonKind {
    /// A person.
    #[default]
    Person,
}

/// The mark of a group's line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GroupKind {
    /// A group.
    #[default]
    Group,
}

/// What a line is, before it is read whole: read in two steps, so that what is wrong is named by its place.
#[derive(Deserialize)]
struct Marked {
    #[serde(rename = "type", default)]
    kind: Value,
}

impl PartialSchema for Line {
    fn schema() -> RefOr<Schema> {
        let one = |name| Ref::from_schema_name(name);
        OneOfBuilder::new().item(one(PersonLine::name())).item(one(GroupLine::name())).into()
    }
}

impl ToSchema for Line {}

impl Line {
    fn read(bytes: &[u8]) -> Result<Self, wire::InvalidParameter> {
        match serde_json::from_slice::<Marked>(bytes).map(|marked| marked.kind) {
            Ok(Value::String(kind)) if kind == "group" => wire::strict::parse(bytes).map(Self::Group),
            Ok(Value::String(kind)) if kind != "person" => {
                Err(wire::InvalidParameter::value("type", format!("'{kind}' is not known; use `person` or `group`")))
            }
            _ => wire::strict::parse(bytes).map(Self::Person),
        }
    }

    fn source(&self) -> Option<&str> {
        match self {
            Self::Person(line) => line.source.as_deref(),
            Self::Group(line) => line.source.as_deref(),
        }
    }

    fn key(&self) -> (bool, &str) {
        match self {
            Self::Person(line) => (true, &line.external_id),
            Self::Group(line) => (false, &line.external_id),
        }
    }
}

/// A line with its number, counted from 1.
pub(super) type Numbered = (usize, Line);

/// Reads the body; empty lines are skipped.
pub(super) fn read(body: &[u8]) -> Result<Vec<Numbered>, AppError> {
    let mut lines = Vec::new();
    let mut seen = HashMap::new();
    for (number, bytes) in (1..).zip(body.split(|byte| *byte == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let line = Line::read(bytes).map_err(|invalid| at(number, invalid.param, &invalid.message))?;
        let (is_person, external_id) = line.key();
        if let Some(first) = seen.insert((is_person, external_id.to_owned()), number) {
            let message = format!("'{external_id}' stands in line {first} already: name everybody once");
            return Err(at(number, Some("external_id".to_owned()), &message));
        }
        lines.push((number, line));
    }
    Ok(lines)
}

/// The one source that the request and the lines name, if any does.
pub(super) fn source_of<'a>(lines: &'a [Numbered], given: Option<&'a str>) -> Result<Option<&'a str>, AppError> {
    let mut source = given;
    for (number, line) in lines {
        match (source, line.source()) {
            (Some(one), Some(other)) if one != other => {
                let message = format!("the source is '{other}', not '{one}': import each source by itself");
                return Err(at(*number, Some("source".to_owned()), &message));
            }
            (None, named) => source = named,
            _ => {}
        }
    }
    Ok(source)
}

/// An error at a line.
pub(super) fn at(number: usize, param: Option<String>, message: &str) -> AppError {
    let message = format!("line {number}: {message}");
    AppError::Invalid { param, message, code: "invalid_line" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wrong(body: &str) -> String {
        let lines = read(body.as_bytes());
        lines.and_then(|lines| source_of(&lines, None).map(|_| ())).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let good = r#"{"type":"person","external_id":"a","source":"hr"}"#;
        for (bad, word) in [
            ("{", "line 2"),
            (r#"{"type":"robot","external_id":"b"}"#, "robot"),
            (r#"{"type":"person"}"#, "external_id"),
            (r#"{"type":"person","external_id":"b","shoe_size":9}"#, "shoe_size"),
            (r#"{"type":"group","external_id":"b","members":"x"}"#, "members"),
            (good, "line 1 already"),
            (r#"{"type":"group","external_id":"b","source":"it"}"#, "import each source by itself"),
        ] {
            let message = wrong(&format!("{good}\n{bad}\n"));
            assert!(message.starts_with("line 2") && message.contains(word), "{bad}: {message}");
        }
    }

    #[test]
    fn a_person_and_a_group_may_share_an_external_id_and_blank_lines_are_skipped() {
        let body = "\n{\"type\":\"person\",\"external_id\":\"x\"}\r\n\n{\"type\":\"group\",\"external_id\":\"x\"}";
        assert_eq!(read(body.as_bytes()).unwrap().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 4]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_lines_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
