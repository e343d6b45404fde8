//! Documents by stable ordinals, and which class each of their versions answers to (docs/access.md, rules 7 and 8).
//!
//! - **Invariant:** an ordinal is never reused, and an id keeps its ordinal.
//! - **Invariant:** what holds for a version is every list that was ever set while it was there, but those that a later
//!   list of its own time replaced: a narrowing reaches all versions at once, a widening the current version on.

use std::sync::Arc;

use domain::{Attributes, DocumentId, DocumentState};

use crate::classes::ClassId;
use crate::persistent::{Chunks, Shards};

/// In the side table: not to be found.
const HIDDEN: u32 = u32::MAX;

/// A class that holds for all versions up to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) upto: u32,
    pub(crate) class: ClassId,
    pub(crate) attributes: u32,
}

/// One document. Most have one list, which holds for all their versions.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: DocumentId,
    pub(crate) state: DocumentState,
    /// Whether the list of the current version is its source's default.
    pub(crate) default_list: bool,
    /// The one that holds for the current version.
    pub(crate) current: Held,
    /// Those that hold for older versions only.
    pub(crate) older: Option<Arc<[Held]>>,
}

/// All documents of one generation of classes. A copy shares what it can.
#[derive(Debug, Clone)]
pub(crate) struct Documents {
    ordinal_of: Shards<DocumentId, u32>,
    records: Chunks<Record>,
    class_of: Chunks<u32>,
    attributes: Chunks<Arc<Attributes>>,
}

impl Default for Documents {
    fn default() -> Self {
        Self {
            ordinal_of: Shards::new(4096),
            records: Chunks::default(),
            class_of: Chunks::default(),
            attributes: Chunks::default(),
        }
    }
}

impl Record {
    pub(crate) const fn new(id: DocumentId, current: Held) -> Self {
        Self { id, state: DocumentState::Live, default_list: false, current, older: None }
    }

    pub(crate) const fn version(&self) -> u32 {
        self.current.upto
    }

    fn older(&self) -> &[Held] {
        self.older.as_deref().unwrap_or_default()
    }

    /// Everything that holds for a version; nothing where there is no such version.
    pub(crate) fn holding(&self, version: u32) -> impl Iterator<Item = &Held> {
        let there = (1..=self.version()).contains(&version);
        let all = std::iter::once(&self.current).chain(self.older());
        all.filter(move |held| there && held.upto >= version)
    }

    /// Another class from this version on: the current one, or the next. What held so far goes on for the older ones.
    pub(crate) fn hold(&mut self, next: Held) {
        let mut before = self.current;
        if before.upto == next.upto {
            before.upto -= 1;
        }
        let all = self.older().iter().copied().chain([before]);
        let older: Vec<Held> = all.filter(|held| held.upto > 0 && !next.covers(held)).collect();
        self.older = (!older.is_empty()).then(|| merged(older).into());
        self.current = next;
    }
}

impl Held {
    /// Whether the other says nothing that this does not.
    fn covers(&self, other: &Self) -> bool {
        (self.class, self.attributes) == (other.class, other.attributes) && self.upto >= other.upto
    }
}

/// Each class once, up to the latest version it holds for.
fn merged(held: Vec<Held>) -> Vec<Held> {
    let mut kept: Vec<Held> = Vec::with_capacity(held.len());
    for held in held.into_iter().rev() {
        if !kept.iter().any(|other| other.covers(&held)) {
            kept.retain(|other| !held.covers(other));
            kept.push(held);
        }
    }
    kept
}

impl Documents {
    /// How many ordinals were given.
    pub(crate) const fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn ordinal(&self, document: DocumentId) -> Option<u32> {
        self.ordinal_of.get(&document).copied()
    }

    pub(crate) fn at(&self, ordinal: u32) -> Option<&Record> {
        self.records.get(ordinal as usize)
    }

    pub(crate) fn get(&self, document: DocumentId) -> Option<&Record> {
        self.at(self.ordinal(document)?)
    }

    /// The side table, by ordinal.
    pub(crate) const fn class_of(&self) -> &Chunks<u32> {
        &self.class_of
    }

    pub(crate) fn attributes(&self, number: u32) -> Option<&Arc<Attributes>> {
        self.attributes.get(number as usize)
    }

    pub(crate) fn add_attributes(&mut self, attributes: Arc<Attributes>) -> u32 {
        u32::try_from(self.attributes.push(attributes)).unwrap_or(HIDDEN)
    }

    pub(crate) fn push(&mut self, record: Record) {
        let ordinal = u32::try_from(self.records.len()).unwrap_or(HIDDEN);
        self.ordinal_of.insert(record.id, ordinal);
        self.class_of.push(in_search(&record));
        self.records.push(record);
    }

    /// Changes a document, and its place in the side table with it.
    pub(crate) fn change(&mut self, ordinal: u32, change: impl FnOnce(&mut Record)) {
        let index = ordinal as usize;
        if let Some(record) = self.records.get_mut(index) {
            change(record);
            let class = in_search(record);
            self.class_of.set(index, class);
        }
    }

    /// Gives every class that any version holds another number.
    pub(crate) fn renumber(&mut self, mut number: impl FnMut(ClassId, &Attributes) -> ClassId) {
        let attributes = self.attributes.clone();
        let none = Attributes::new();
        let mut again = |held: &Held| {
            let of = attributes.get(held.attributes as usize).map_or(&none, |attributes| &**attributes);
            Held { class: number(held.class, of), ..*held }
        };
        for ordinal in 0..self.len() {
            self.change(u32::try_from(ordinal).unwrap_or(HIDDEN), |record| {
                record.current = again(&record.current);
                record.older = record.older.as_ref().map(|older| older.iter().map(&mut again).collect());
            });
        }
    }
}

/// What the side table says: only what is there is found.
const fn in_search(record: &Record) -> u32 {
    match record.state {
        DocumentState::Live => record.current.class.0,
        DocumentState::Kept | DocumentState::Closed | DocumentState::Erased => HIDDEN,
    }
}
