//! Records of what is known, and the changes that they go through.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{AttributeKind, Change, Edit, Listing, Policies, SourceStanding, Tombstone};
use domain::{AccessList, Attributes, DocumentId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::break_glass::GlassChange;

/// How documents get here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// An application sends them.
    Push,
    /// This server reads the files below a folder.
    Folder,
    /// This server reads mailboxes.
    Mbox,
    /// This server reads an export of Slack.
    SlackExport,
}

impl SourceKind {
    /// Its name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Folder => "folder",
            Self::Mbox => "mbox",
            Self::SlackExport => "slack_export",
        }
    }
}

/// Where documents come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its id, never reused.
    pub id: SourceId,
    /// Its name, unique among sources.
    pub name: String,
    /// How documents get here.
    pub kind: SourceKind,
    /// Where this server reads them and how, by kind; none where an application sends them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<serde_json::Value>,
    /// Whose it is, and the list of documents that come without one.
    #[serde(flatten)]
    pub standing: SourceStanding,
    /// What stays of a document that is removed.
    pub on_delete: Tombstone,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was removed; its documents went with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

/// What a write says of a document's rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DocumentRights {
    /// A version, new or the current one again, with all that is said of it.
    Put {
        /// Counted from 1.
        version: u32,
        /// Its list.
        listing: Listing,
        /// How sensitive it is said to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sensitivity: Option<String>,
        /// What policies may name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        attributes: Attributes,
    },
    /// Another list.
    List {
        /// The list.
        listing: Listing,
    },
    /// Removed at its source.
    Retire {
        /// What stays of it.
        tombstone: Tombstone,
    },
    /// Erased, for good.
    Erase,
}

impl DocumentRights {
    /// The kind in the epoch log.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put_document",
            Self::List { .. } => "set_list",
            Self::Retire { .. } => "retire_document",
            Self::Erase => "erase_document",
        }
    }

    /// The list that it gives, if it gives one.
    pub(crate) const fn list(&self) -> Option<&AccessList> {
        match self {
            Self::Put { listing: Listing::Given(list), .. } | Self::List { listing: Listing::Given(list) } => {
                Some(list)
            }
            _ => None,
        }
    }

    pub(crate) fn edit(&self, document: DocumentId, source: SourceId) -> Edit {
        match self.clone() {
            Self::Put { version, listing, sensitivity, attributes } => {
                Edit::PutDocument { document, source, version, listing, sensitivity, attributes }
            }
            Self::List { listing } => Edit::SetList(document, listing),
            Self::Retire { tombstone } => Edit::Retire(document, tombstone),
            Self::Erase => Edit::Erase(document),
        }
    }
}

/// What a version is, besides its text and its rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentVersion {
    /// Its title.
    pub title: String,
    /// Where people find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// When it was last changed at its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
    /// What its source calls this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// The length of its text, code points.
    pub characters: u64,
    /// When it came.
    pub created_at: Timestamp,
}

/// What a version says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentContent {
    /// Its text.
    pub text: String,
    /// Where its headings, paragraphs and rows begin and end, as the parser says it; none for plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structure: Option<serde_json::Value>,
}

/// A version with its text, to be kept.
#[derive(Debug, Clone)]
pub(crate) struct VersionRow {
    pub(crate) external_id: String,
    pub(crate) is_new_document: bool,
    pub(crate) version: DocumentVersion,
    pub(crate) content: DocumentContent,
    pub(crate) text_hash: String,
}

/// Policies as they were uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// Their text.
    pub cedar: String,
    /// The attributes that they may name.
    pub attributes: BTreeMap<String, AttributeKind>,
}

/// The kind of an entry of the epoch log that puts policies.
pub(crate) const PUT_POLICIES: &str = "put_policies";

/// A change that rights depend on, with what is kept of it.
#[derive(Debug, Clone)]
pub enum Amendment {
    /// Of people, groups, services, roles, keys, sessions.
    Identity(Change),
    /// A source appears or is changed.
    Source(Box<SourceRecord>),
    /// What is said of a document's rights.
    Rights {
        /// Which.
        document: DocumentId,
        /// Where it comes from.
        source: SourceId,
        /// What is said.
        rights: Box<DocumentRights>,
        /// The version with its text, where it is a new one.
        version: Option<Box<VersionToKeep>>,
    },
    /// Other policies, which were read.
    Policies(Box<PolicyRecord>, Arc<Policies>),
    /// A break-glass is approved, or ends.
    Glass(GlassChange),
}

/// A version with its text on its way into the state; made by the verbs that put documents.
#[derive(Debug, Clone)]
pub struct VersionToKeep(pub(crate) VersionRow);

impl Amendment {
    /// The kind in the epoch log.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Identity(change) => change.kind(),
            Self::Source(_) => "put_source",
            Self::Rights { rights, .. } => rights.kind(),
            Self::Policies(..) => PUT_POLICIES,
            Self::Glass(change) => change.kind(),
        }
    }

    /// The opaque ids that the epoch log keeps of it.
    pub(crate) fn ids(&self) -> Vec<String> {
        match self {
            Self::Identity(change) => change.ids(),
            Self::Source(source) => vec![source.id.to_string()],
            Self::Rights { document, .. } => vec![document.to_string()],
            Self::Policies(_, policies) => policies.hash().map(str::to_owned).into_iter().collect(),
            Self::Glass(change) => change.ids(),
        }
    }

    /// What it means for decisions.
    pub(crate) fn edit(&self) -> Edit {
        match self {
            Self::Identity(change) => Edit::Directory(change.clone()),
            Self::Source(source) => Edit::PutSource(source.id, source.standing.clone()),
            Self::Rights { document, source, rights, .. } => rights.edit(*document, *source),
            Self::Policies(_, policies) => Edit::SetPolicies(policies.clone()),
            Self::Glass(change) => change.edit(),
        }
    }
}

impl From<Change> for Amendment {
    fn from(change: Change) -> Self {
        Self::Identity(change)
    }
}
