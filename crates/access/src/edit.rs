//! Permission-relevant edits beside those of the directory: sources, documents, lists, policies. Each takes an epoch.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{AccessList, Attributes, BreakGlass, BreakGlassId, DocumentId, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::change::Change;
use crate::policy::Policies;
use crate::source::{AgeLimits, SourceStanding};

/// What list a write gives a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// This one.
    Given(AccessList),
    /// Its source's default, and what that becomes.
    SourceDefault,
    /// The one it has; for a new document, its source's default.
    Unchanged,
}

/// What stays of a document that was removed at its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tombstone {
    /// Its last list goes on for what was made from it.
    KeepLastList,
    /// Nobody reads what was made from it.
    Close,
}

/// One permission-relevant edit.
#[derive(Debug, Clone)]
pub enum Edit {
    /// People, groups, services, roles, keys, sessions.
    Directory(Change),
    /// A source appears or is changed. Documents with its default list follow a change of that.
    PutSource(SourceId, SourceStanding),
    /// The lists of a live source were reconciled.
    Reconciled(SourceId, Timestamp),
    /// How long live sources may go unheard of.
    SetAgeLimits(AgeLimits),
    /// A document appears, gets a new version, or what is said of its current version is replaced. An older version than
    /// the current one changes nothing.
    PutDocument {
        /// Which.
        document: DocumentId,
        /// Where it comes from; a document that is here already stays with its source.
        source: SourceId,
        /// Counted from 1.
        version: u32,
        /// Its list.
        listing: Listing,
        /// How sensitive it is said to be.
        sensitivity: Option<String>,
        /// What policies may name.
        attributes: Attributes,
    },
    /// A document gets another list (rule 8).
    SetList(DocumentId, Listing),
    /// A document was removed at its source.
    Retire(DocumentId, Tombstone),
    /// A document is erased, for good.
    Erase(DocumentId),
    /// A break-glass over these documents was approved.
    BreakGlass(BreakGlass, BTreeSet<DocumentId>),
    /// A break-glass ends before it expires.
    EndBreakGlass(BreakGlassId),
    /// Other policies.
    SetPolicies(Arc<Policies>),
}
