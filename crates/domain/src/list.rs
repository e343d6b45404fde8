//! Access lists as sources give them (docs/access.md, rule 2), and what a decision about a document depends on.
//!
//! A list is plain data: it keeps the tokens that were given, known here or not yet. Who a token stands for is asked
//! again at each decision, of the directory of that epoch.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{BreakGlass, DocumentId, SourceId, Timestamp, Token};

/// One entry of a list, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum ListToken {
    /// `everyone`, or an id of this installation: `per_...`, `grp_...`, `svc_...`.
    Id(Token),
    /// A person or a group by where they come from; it may appear here later, or never.
    External {
        /// A directory's name, or an issuer.
        source: String,
        /// The id there.
        external_id: String,
    },
}

impl From<Token> for ListToken {
    fn from(token: Token) -> Self {
        Self::Id(token)
    }
}

/// How well a connector could carry a list over from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// What the source itself would decide.
    #[default]
    Exact,
    /// A subset of the truth: nobody is let in whom the source would turn away.
    Approximated,
    /// Not known: it allows nobody.
    Unknown,
}

/// Who may, who may not, and how well that is known. An empty `allow` is a list, and means nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct AccessList {
    /// A token that nobody here answers to lets nobody in.
    pub allow: BTreeSet<ListToken>,
    /// A token that nobody here answers to makes the whole list unknown.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deny: BTreeSet<ListToken>,
    /// How well it is known.
    #[serde(default)]
    pub quality: Quality,
}

impl AccessList {
    /// A list that lets these in, and nobody else.
    #[must_use]
    pub fn allowing(tokens: impl IntoIterator<Item = impl Into<ListToken>>) -> Self {
        Self { allow: tokens.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// A typed value that policies may compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Long(i64),
    /// A text.
    String(String),
    /// Texts without order.
    SetOfString(BTreeSet<String>),
}

/// Attributes by name.
pub type Attributes = BTreeMap<String, AttributeValue>;

/// Where a document stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// There.
    Live,
    /// Removed at its source; its last list goes on for what was made from it.
    Kept,
    /// Removed at its source; closed to everybody.
    Closed,
    /// Erased: closed for good, with everything made from it.
    Erased,
}

/// What a decision about one version of a document depends on and no epoch of the directory keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentFacts {
    /// Which.
    pub document: DocumentId,
    /// Its version, counted from 1.
    pub version: u32,
    /// Where it comes from.
    pub source: SourceId,
    /// Where it stands in its life.
    pub state: DocumentState,
    /// Every list that holds for this version (rule 8): all of them have to allow.
    pub lists: Vec<HeldList>,
    /// Every break-glass over it that was not ended, in the order of their ids; those that expired included.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub break_glass: Vec<BreakGlass>,
}

/// A list that holds for a version, with what policies and freshness say beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldList {
    /// The list.
    #[serde(flatten)]
    pub list: AccessList,
    /// How sensitive the document was said to be with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<String>,
    /// The attributes of the document that policies name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: Attributes,
    /// From when on the source has not been heard of for too long (rule 5); none where it does not age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh_until: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupId;
    use uuid::Uuid;

    #[test]
    fn a_list_reads_as_the_api_spells_it() {
        let group = Token::Group(GroupId::from_uuid(Uuid::from_u128(7)));
        let text =
            r#"{"allow":["everyone","grp_00000000000000000000000000000007",{"source":"idp","external_id":"7"}]}"#;
        let list: AccessList = serde_json::from_str(text).unwrap();
        let outside = ListToken::External { source: "idp".to_owned(), external_id: "7".to_owned() };
        assert_eq!(list.allow, BTreeSet::from([Token::Everyone.into(), group.into(), outside]));
        assert_eq!((list.deny.len(), list.quality), (0, Quality::Exact));
        let again = serde_json::to_string(&list).unwrap();
        assert_eq!(serde_json::from_str::<AccessList>(&again).unwrap(), list);
        assert!(serde_json::from_str::<AccessList>(r#"{"allow":["somebody"]}"#).is_err());
        let more = r#"{"allow":[{"source":"idp","external_id":"7","name":"x"}]}"#;
        assert!(serde_json::from_str::<AccessList>(more).is_err());
        assert!(serde_json::from_str::<AccessList>("{}").is_err(), "no list is not an empty list");
    }
}
