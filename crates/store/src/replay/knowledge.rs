//! What the log of narrowings says of documents, sources and policies, and how a restored state gets as narrow.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Listing, Policies, Snapshot, Tombstone};
use domain::{AccessList, BreakGlassId, DocumentId, Quality, SourceId, Timestamp};

use crate::break_glass::ended_again;
use crate::error::StoreError;
use crate::knowledge::{Amendment, DocumentRights, PUT_POLICIES, PolicyRecord, SourceRecord};

/// What the log says last of each thing.
#[derive(Debug, Default)]
pub(super) struct LastKnown {
    documents: BTreeMap<DocumentId, LastDocument>,
    sources: BTreeMap<SourceId, Option<AccessList>>,
    /// Where others were put since: none inside where nothing says which.
    policies: Option<Option<PolicyRecord>>,
    /// Every break-glass that was ended.
    ended: BTreeSet<BreakGlassId>,
}

#[derive(Debug, Default)]
struct LastDocument {
    retired: bool,
    erased: bool,
    /// The newest list, where there was another since; none inside where ids alone do not say it.
    list: Option<Option<AccessList>>,
}

impl LastKnown {
    pub(super) fn note(
        &mut self,
        kind: &str,
        ids: &[String],
        list: Option<&AccessList>,
        policies: Option<&PolicyRecord>,
    ) {
        let id = ids.first().map_or("", String::as_str);
        match kind {
            PUT_POLICIES => self.policies = Some(policies.cloned()),
            "end_break_glass" => self.ended.extend(id.parse::<BreakGlassId>().ok()),
            "put_source" => {
                if let Ok(source) = id.parse() {
                    self.sources.insert(source, list.cloned());
                }
            }
            "put_document" | "set_list" | "retire_document" | "erase_document" => {
                let Ok(document) = id.parse() else { return };
                let last = self.documents.entry(document).or_default();
                last.erased |= kind == "erase_document";
                last.retired = kind == "retire_document";
                if kind != "retire_document" {
                    last.list = Some(list.cloned());
                }
            }
            _ => {}
        }
    }

    /// Whether others were put since, and nothing says which.
    pub(super) fn lost_policies(&self) -> bool {
        self.policies == Some(None)
    }

    /// What narrows the restored state. Nothing is given: what the backup lacks stays lost.
    pub(super) fn amendments(
        &self,
        snapshot: &Snapshot,
        sources: &[SourceRecord],
        now: Timestamp,
    ) -> Result<Vec<Amendment>, StoreError> {
        let (mut amendments, closed) = (Vec::new(), closed());
        if let Some(record) = &self.policies {
            let record = record.as_ref().unwrap_or(&closed);
            let damaged = |error: &dyn std::fmt::Display| StoreError::Corrupt {
                place: crate::narrowings::FILE.to_owned(),
                detail: format!("its policies cannot be read: {error}"),
            };
            let read = Policies::parse(&record.cedar, record.attributes.clone()).map_err(|error| damaged(&error))?;
            amendments.push(Amendment::Policies(Box::new(record.clone()), Arc::new(read)));
        }
        for source in sources {
            if let Some(list) = self.sources.get(&source.id) {
                let mut narrower = source.clone();
                narrower.standing.default_list = Some(common(&source.standing.list(), list.as_ref()));
                amendments.push(Amendment::Source(Box::new(narrower)));
            }
        }
        for (document, last) in &self.documents {
            amendments.extend(narrowing(snapshot, *document, last));
        }
        amendments.extend(self.ended.iter().filter_map(|id| ended_again(snapshot, *id, now)));
        Ok(amendments)
    }
}

/// Policies by which nobody may do anything with any document.
fn closed() -> PolicyRecord {
    let cedar = "// Which policies held before the restore is not known: put them again.\n\
        forbid(principal, action, resource);\n";
    PolicyRecord { cedar: cedar.to_owned(), attributes: BTreeMap::new() }
}

fn narrowing(snapshot: &Snapshot, document: DocumentId, last: &LastDocument) -> Vec<Amendment> {
    let facts = snapshot.version(document).and_then(|version| snapshot.facts(document, version));
    let Some(facts) = facts else { return Vec::new() };
    let amend = |rights| Amendment::Rights { document, source: facts.source, rights: Box::new(rights), version: None };
    let current = facts.lists.first().map(|held| held.list.clone()).unwrap_or_default();
    let list = last.list.as_ref().map(|list| Listing::Given(common(&current, list.as_ref())));
    let listed = list.map(|listing| amend(DocumentRights::List { listing }));
    // The log does not say which tombstone: the narrower one.
    let retired = last.retired.then(|| amend(DocumentRights::Retire { tombstone: Tombstone::Close }));
    let erased = last.erased.then(|| amend(DocumentRights::Erase));
    listed.into_iter().chain(retired).chain(erased).collect()
}

/// Whom both let in, as far as their tokens say; nobody where the other is not known.
fn common(one: &AccessList, other: Option<&AccessList>) -> AccessList {
    let Some(other) = other else { return AccessList { quality: Quality::Unknown, ..one.clone() } };
    AccessList {
        allow: one.allow.intersection(&other.allow).cloned().collect(),
        deny: one.deny.union(&other.deny).cloned().collect(),
        quality: match (one.quality, other.quality) {
            (Quality::Unknown, _) | (_, Quality::Unknown) => Quality::Unknown,
            (Quality::Approximated, _) | (_, Quality::Approximated) => Quality::Approximated,
            (Quality::Exact, Quality::Exact) => Quality::Exact,
        },
    }
}
