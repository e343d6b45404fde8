//! Decisions: who asked for what, the answer, and the rules that gave it. Ids only, no content: enough to give the same
//! answer again, bit for bit, from what was known at that epoch.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    Action, CallerRecord, DecisionId, DocumentFacts, DocumentId, PersonId, Principal, Provenance, Role, Source,
    Timestamp, TraceId,
};

/// One answer to who may do what, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Its id, which begins with the time.
    pub id: DecisionId,
    /// When.
    pub created_at: Timestamp,
    /// The exchange that it was about, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceId>,
    /// The task of that exchange; empty where there is none.
    pub task: String,
    /// The epoch of permissions at which it was given.
    pub epoch: u64,
    /// SHA-256 of the policies in force, hex; none where none were uploaded.
    pub policy_hash: Option<String>,
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// The answer.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Who asks for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Who, through whom, with which key and for what purpose. Never a subject, which has no rights.
    pub caller: CallerRecord,
    /// What for.
    pub action: Action,
    /// On what.
    pub resource: Resource,
}

/// What is asked for, with all that the answer depends on and that no epoch keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Resource {
    /// A base model.
    Model {
        /// Its name here.
        name: String,
    },
    /// A person in whose place somebody asks.
    Person {
        /// Who; none where what was sent named nobody here.
        person: Option<PersonId>,
    },
    /// A route that is for some roles only.
    Route {
        /// As `GET /api/v1/people`.
        name: String,
        /// Any of these will do.
        roles: Vec<Role>,
        /// Whether it is about one source, so that a key for some sources reaches it.
        #[serde(default)]
        of_a_source: bool,
    },
    /// An exchange.
    Trace {
        /// Which.
        trace: TraceId,
        /// Whose it is; none where there is none of the caller's.
        owner: Option<Principal>,
        /// What it was made from.
        provenance: Provenance,
        /// Of the documents among that, what the answer depends on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        facts: Vec<DocumentFacts>,
    },
    /// A version of a document.
    Document {
        /// Which.
        document: DocumentId,
        /// Its version, counted from 1.
        version: u32,
        /// What the answer depends on; none where there is no such version here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        facts: Option<Box<DocumentFacts>>,
    },
    /// Passages that a search found.
    Passages {
        /// The versions of documents that they are of.
        provenance: Provenance,
        /// Of those, what the answer depends on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        facts: Vec<DocumentFacts>,
    },
}

/// The answer, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Yes or no.
    pub allowed: bool,
    /// The rules that gave it: all that were needed for a yes, the first that stood in the way for a no.
    pub reasons: Vec<Reason>,
}

/// A rule, and how it was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// From the caller to what the rule names: ids, roles, `everyone`.
    pub via: Vec<String>,
}

/// The rules of docs/access.md that can give an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Yes: what is for `everyone` is for active people of this installation.
    Everyone,
    /// Yes: base models are for services that ask for themselves.
    ServiceItself,
    /// Yes: it is the caller's own.
    Owner,
    /// Yes: words are their author's.
    OwnWords,
    /// Yes: a role that the caller holds.
    Role,
    /// Yes: the list of a document names the caller, or a group that reaches them. The way there.
    ListAllows,
    /// Yes: a break-glass stands in for the list. Its id, who asked for it, and who agreed.
    BreakGlass,
    /// Yes: the key may act for others, and the service reaches this person.
    WithinReach,
    /// No: the caller is not active.
    Inactive,
    /// No: a guest is not part of `everyone`.
    Guest,
    /// No: nothing of the caller's has this id.
    NotFound,
    /// No: it was made from something that the caller may not read.
    SourceUnreadable,
    /// No: none of the roles is held.
    RoleMissing,
    /// No: it is held, and the key is narrowed to others: roles, actions or sources.
    Narrowed,
    /// No: only a service acts for others, with a key whose scopes say so.
    NoScope,
    /// No: the person is not within the groups of the service, not active, or not here.
    OutOfReach,
    /// No: the list denies the caller, or a group that reaches them. The way there.
    ListDenies,
    /// No: the list names nobody at all.
    NobodyAllowed,
    /// No: the list names others.
    NotOnList,
    /// No: the list is not known, or denies somebody who is not known here.
    ListUnknown,
    /// No: policies forbid it. Their ids.
    PolicyForbids,
    /// No: policies could not be evaluated, which denies. Their ids.
    PolicyError,
    /// No: the source has not been heard of for longer than such content may go without.
    Stale,
    /// No: it was removed, and its source closes what is removed.
    Closed,
    /// No: it was erased.
    Erased,
}

impl Verdict {
    /// Yes, by one rule.
    #[must_use]
    pub fn yes(rule: Rule, via: Vec<String>) -> Self {
        Self { allowed: true, reasons: vec![Reason { rule, via }] }
    }

    /// No, by one rule.
    #[must_use]
    pub fn no(rule: Rule, via: Vec<String>) -> Self {
        Self { allowed: false, reasons: vec![Reason { rule, via }] }
    }

    /// Yes where all of them are, with all their reasons; else the first no.
    #[must_use]
    pub fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut reasons = Vec::new();
        for verdict in verdicts {
            if !verdict.allowed {
                return verdict;
            }
            reasons.extend(verdict.reasons);
        }
        Self { allowed: true, reasons }
    }
}

impl fmt::Display for Source {
    /// As the reasons of a decision name it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words { author } => write!(f, "words of {author}"),
            Self::Document { document, version } => write!(f, "{document} version {version}"),
            Self::Trace { trace } => trace.fmt(f),
            Self::Adapter { adapter } => adapter.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_yes_with_every_reason_or_the_first_no() {
        let yes = Verdict::yes(Rule::Owner, vec!["per_a".to_owned()]);
        let no = Verdict::no(Rule::SourceUnreadable, Vec::new());
        assert_eq!(Verdict::all([yes.clone(), yes.clone()]).reasons.len(), 2);
        assert_eq!(Verdict::all([yes, no.clone(), Verdict::no(Rule::Guest, Vec::new())]), no);
        assert!(Verdict::all([]).allowed);
    }
}
