//! [`Snapshot`]: everything that decisions depend on at one epoch. Cloning it costs one counter; it never changes.

use std::sync::Arc;

use domain::{Attributes, BreakGlassId, DocumentFacts, DocumentId, HeldList, Provenance, Source, SourceId};

use crate::break_glass::Glasses;
use crate::classes::{Class, ClassId, Classes, Place};
use crate::collection::Collection;
use crate::directory::Directory;
use crate::documents::{Documents, Held, Record};
use crate::judge::Grounding;
use crate::policy::Policies;
use crate::source::Sources;
use crate::visible::{Memo, MemoCounts};

/// What the writer changes and the snapshots hold; a clone shares everything.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) epoch: u64,
    pub(crate) directory: Arc<Directory>,
    pub(crate) policies: Arc<Policies>,
    /// Counts the changes of the policies.
    pub(crate) policy_version: u64,
    /// Counts how often all classes were numbered anew.
    pub(crate) generation: u64,
    pub(crate) sources: Arc<Sources>,
    pub(crate) classes: Arc<Classes>,
    pub(crate) documents: Arc<Documents>,
    pub(crate) break_glass: Arc<Glasses>,
    pub(crate) memo: Arc<Memo>,
}

/// Everything that decisions depend on at one epoch.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<State>);

impl From<Directory> for Snapshot {
    /// What is known of people, and no documents.
    fn from(directory: Directory) -> Self {
        Collection::new(directory).snapshot()
    }
}

impl State {
    pub(crate) fn place_of(&self, record: &Record) -> Option<&Place> {
        self.classes.place(self.classes.get(record.current.class)?)
    }

    pub(crate) fn source_of(&self, record: &Record) -> Option<SourceId> {
        self.place_of(record).map(|place| place.source)
    }
}

impl Snapshot {
    pub(crate) fn new(state: State) -> Self {
        Self(Arc::new(state))
    }

    pub(crate) fn state(&self) -> &State {
        &self.0
    }

    pub(crate) fn grounding(&self) -> Grounding<'_> {
        Grounding { directory: &self.0.directory, policies: &self.0.policies }
    }

    /// The epoch of this snapshot.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.0.epoch
    }

    /// People, groups, services, roles and keys.
    #[must_use]
    pub fn directory(&self) -> &Arc<Directory> {
        &self.0.directory
    }

    /// The policies in force.
    #[must_use]
    pub fn policies(&self) -> &Arc<Policies> {
        &self.0.policies
    }

    /// How many ordinals documents were given, those that are gone included.
    #[must_use]
    pub fn documents(&self) -> usize {
        self.0.documents.len()
    }

    /// How many audience classes there are, those that no document uses any more included.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.0.classes.len()
    }

    /// How many kinds of documents the policies tell apart: they are asked once for each. Design for 200; with many
    /// thousands, policies name something that every document has to itself.
    #[must_use]
    pub fn projections(&self) -> usize {
        self.0.classes.projections().len()
    }

    /// The ordinal of a document, which it keeps.
    #[must_use]
    pub fn ordinal(&self, document: DocumentId) -> Option<u32> {
        self.0.documents.ordinal(document)
    }

    /// The document of an ordinal.
    #[must_use]
    pub fn document(&self, ordinal: u32) -> Option<DocumentId> {
        self.0.documents.at(ordinal).map(|record| record.id)
    }

    /// The current version of a document that is there, or was removed.
    #[must_use]
    pub fn version(&self, document: DocumentId) -> Option<u32> {
        self.0.documents.get(document).map(Record::version)
    }

    /// The class of the current version of a document; none once it is removed or erased.
    #[must_use]
    pub fn class_of(&self, ordinal: u32) -> Option<ClassId> {
        self.0
            .documents
            .class_of()
            .get(ordinal as usize)
            .map(|class| ClassId(*class))
            .filter(|class| class.0 != u32::MAX)
    }

    /// Where a document comes from that can be found; by the list of its current version.
    #[must_use]
    pub fn source_of(&self, ordinal: u32) -> Option<SourceId> {
        let class = self.0.classes.get(self.class_of(ordinal)?)?;
        self.0.classes.place(class).map(|place| place.source)
    }

    /// What was said of the current version of a document, for narrowing a search.
    #[must_use]
    pub fn attributes_of(&self, ordinal: u32) -> Option<&Arc<Attributes>> {
        self.0.documents.attributes(self.0.documents.at(ordinal)?.current.attributes)
    }

    /// How the remembered visible sets fared.
    #[must_use]
    pub fn memo_counts(&self) -> MemoCounts {
        self.0.memo.counts()
    }

    /// What a decision about a version of a document depends on, for the record of it; none where there is none.
    #[must_use]
    pub fn facts(&self, document: DocumentId, version: u32) -> Option<DocumentFacts> {
        let record = self.0.documents.get(document)?;
        let lists: Vec<HeldList> = record.holding(version).filter_map(|held| self.held(held)).collect();
        let source = self.0.source_of(record)?;
        let break_glass = self.0.break_glass.over(document).to_vec();
        (!lists.is_empty()).then_some(DocumentFacts {
            document,
            version,
            source,
            state: record.state,
            lists,
            break_glass,
        })
    }

    /// The same of every document among what something was made from.
    #[must_use]
    pub fn facts_of(&self, provenance: &Provenance) -> Vec<DocumentFacts> {
        let facts = |source: &Source| match source {
            Source::Document { document, version } => self.facts(*document, *version),
            _ => None,
        };
        provenance.sources().iter().filter_map(facts).collect()
    }

    /// Whether a break-glass was approved and not ended; one that expired is still there.
    #[must_use]
    pub fn has_break_glass(&self, id: BreakGlassId) -> bool {
        self.0.break_glass.holds(id)
    }

    fn held(&self, held: &Held) -> Option<HeldList> {
        let State { classes, documents, policies, .. } = self.state();
        let class = classes.get(held.class)?;
        let place = classes.place(class)?;
        Some(HeldList {
            list: classes.list(class),
            sensitivity: place.sensitivity.clone(),
            attributes: policies.seen(documents.attributes(held.attributes)?),
            fresh_until: self.fresh_until(class),
        })
    }

    pub(crate) fn fresh_until(&self, class: &Class) -> Option<domain::Timestamp> {
        let place = self.0.classes.place(class)?;
        self.0.sources.fresh_until(place.source, place.sensitivity.as_deref())
    }
}
