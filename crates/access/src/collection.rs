//! [`Collection`]: the one place where snapshots are made. One writer applies edits in the order of their epochs; each
//! snapshot is a copy that shares what did not change, so that readers never wait.

use std::sync::Arc;

use domain::{AccessList, Attributes, DocumentId, DocumentState, ListToken, SourceId, Token};

use crate::change::Change;
use crate::classes::{Filing, Interner};
use crate::directory::Directory;
use crate::documents::{Held, Record};
use crate::edit::{Edit, Listing, Tombstone};
use crate::policy::Policies;
use crate::snapshot::{Snapshot, State};
use crate::source::SourceStanding;
use crate::visible::Memo;

/// So many classes for each document, and so many besides, are kept before those without a use are dropped.
const MOST_CLASSES_EACH: usize = 3;
const SPARE_CLASSES: usize = 10_000;

/// Everything that decisions depend on, for its one writer.
#[derive(Debug)]
pub struct Collection {
    state: State,
    interner: Interner,
    /// How many classes the last compaction left.
    compacted: usize,
}

impl Collection {
    /// The memory that visible sets may be remembered in, bytes.
    pub const MEMO_BYTES: usize = 256 << 20;

    /// Begins with what is known of people, and no documents.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self::with_memo(directory, Self::MEMO_BYTES)
    }

    /// The same, with this many bytes to remember visible sets in.
    #[must_use]
    pub fn with_memo(directory: Directory, memo_bytes: usize) -> Self {
        let state = State {
            epoch: directory.epoch(),
            directory: Arc::new(directory),
            policies: Arc::default(),
            policy_version: 0,
            generation: 0,
            sources: Arc::default(),
            classes: Arc::default(),
            documents: Arc::default(),
            break_glass: Arc::default(),
            memo: Arc::new(Memo::new(memo_bytes)),
        };
        Self { state, interner: Interner::default(), compacted: 0 }
    }

    /// A copy of what a snapshot shows, to try edits on: whatever becomes of it, the snapshot and what is remembered with
    /// it stay as they are. It takes no time; it finds none of the classes that are there, and so makes a class anew for
    /// the lists it is given, which decisions do not depend on.
    pub(crate) fn trial(snapshot: &Snapshot) -> Self {
        let state = State { memo: Arc::new(Memo::new(0)), ..snapshot.state().clone() };
        Self { state, interner: Interner::default(), compacted: 0 }
    }

    /// The snapshot as of the last edit.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.state.clone())
    }

    /// Applies one edit, which took this epoch. What names an unknown document, or one that was erased, changes nothing.
    pub fn apply(&mut self, epoch: u64, edit: Edit) {
        self.state.epoch = epoch;
        Arc::make_mut(&mut self.state.directory).goes_on(epoch);
        match edit {
            Edit::Directory(change) => self.change_directory(epoch, &change),
            Edit::PutSource(source, standing) => self.put_source(source, standing),
            Edit::Reconciled(source, at) => {
                if let Some(standing) = Arc::make_mut(&mut self.state.sources).by_id.get_mut(&source) {
                    standing.reconciled_at = standing.reconciled_at.max(Some(at));
                }
            }
            Edit::SetAgeLimits(limits) => Arc::make_mut(&mut self.state.sources).limits = limits,
            Edit::PutDocument { document, source, version, listing, sensitivity, attributes } => {
                let said = Said { listing, sensitivity, attributes };
                self.put_document(document, source, version.max(1), said);
            }
            Edit::SetList(document, listing) => self.set_list(document, listing),
            Edit::Retire(document, tombstone) => self.retire(document, tombstone),
            Edit::Erase(document) => self.set_state(document, |_| DocumentState::Erased),
            Edit::BreakGlass(glass, documents) => Arc::make_mut(&mut self.state.break_glass).give(&glass, &documents),
            Edit::EndBreakGlass(id) => Arc::make_mut(&mut self.state.break_glass).end(id),
            Edit::SetPolicies(policies) => self.set_policies(policies),
        }
    }

    /// Drops the classes that no list uses any more, where there are so many that it is worth the while: it takes as long
    /// as loading every document.
    pub fn compact_if_needed(&mut self) {
        let (classes, documents) = (self.state.classes.len(), self.state.documents.len());
        if classes > (documents * MOST_CLASSES_EACH + SPARE_CLASSES).max(self.compacted * 2) {
            self.compact();
        }
    }

    /// Files every document anew, which drops the classes that no list uses any more; remembered sets are computed anew.
    pub fn compact(&mut self) {
        let Self { state, interner, .. } = self;
        let old = state.classes.clone();
        let classes = Arc::make_mut(&mut state.classes);
        interner.begin_again(classes);
        let grounding = (&*state.directory, &*state.policies);
        Arc::make_mut(&mut state.documents)
            .renumber(|class, attributes| interner.class_again((&old, &mut *classes), grounding, class, attributes));
        state.generation += 1;
        self.compacted = self.state.classes.len();
    }

    fn change_directory(&mut self, epoch: u64, change: &Change) {
        let before = self.state.directory.clone();
        let after = Arc::make_mut(&mut self.state.directory);
        after.apply(epoch, change);
        let names = touched(&before, change).into_iter().chain(touched(after, change));
        let known = |directory: &Directory, name: &ListToken| directory.resolve(name).is_some();
        let changed: Vec<ListToken> = names.filter(|name| known(&before, name) != known(after, name)).collect();
        if !changed.is_empty() {
            Arc::make_mut(&mut self.state.classes).ask_again(&self.state.directory, &changed);
        }
    }

    fn put_source(&mut self, source: SourceId, mut standing: SourceStanding) {
        let sources = Arc::make_mut(&mut self.state.sources);
        let before = sources.by_id.get(&source).cloned();
        standing.reconciled_at = standing.reconciled_at.max(before.as_ref().and_then(|before| before.reconciled_at));
        let same_list = before.is_none_or(|before| before.list() == standing.list());
        sources.by_id.insert(source, standing);
        if !same_list {
            self.follow_default(source);
        }
    }

    /// Documents with the default list of a source get the new one.
    fn follow_default(&mut self, source: SourceId) {
        let documents = self.state.documents.clone();
        for ordinal in 0..documents.len() {
            let record = u32::try_from(ordinal).ok().and_then(|ordinal| documents.at(ordinal));
            let follows = |record: &&Record| record.default_list && self.state.source_of(record) == Some(source);
            if let Some(record) = record.filter(follows) {
                self.set_list(record.id, Listing::SourceDefault);
            }
        }
    }

    fn put_document(&mut self, document: DocumentId, source: SourceId, version: u32, said: Said) {
        let found = self.state.documents.get(document).cloned();
        let Some(record) = found else {
            let (held, default_list) = self.file(source, None, version, said);
            let record = Record { default_list, ..Record::new(document, held) };
            return Arc::make_mut(&mut self.state.documents).push(record);
        };
        if record.state == DocumentState::Erased || version < record.version() {
            return;
        }
        let source = self.state.source_of(&record).unwrap_or(source);
        let (held, default_list) = self.file(source, Some(&record), version, said);
        self.change(document, |record| {
            record.hold(held);
            (record.state, record.default_list) = (DocumentState::Live, default_list);
        });
    }

    fn set_list(&mut self, document: DocumentId, listing: Listing) {
        let Some(record) = self.state.documents.get(document).cloned() else { return };
        let Some(place) = self.state.place_of(&record).filter(|_| record.state != DocumentState::Erased) else {
            return;
        };
        let (source, sensitivity) = (place.source, place.sensitivity.clone());
        let attributes = self.state.documents.attributes(record.current.attributes).cloned();
        let said = Said { listing, sensitivity, attributes: attributes.map(|all| (*all).clone()).unwrap_or_default() };
        let (held, default_list) = self.file(source, Some(&record), record.version(), said);
        self.change(document, |record| {
            record.hold(held);
            record.default_list = default_list;
        });
    }

    fn retire(&mut self, document: DocumentId, tombstone: Tombstone) {
        self.set_state(document, |state| match (state, tombstone) {
            (DocumentState::Erased, _) => DocumentState::Erased,
            (DocumentState::Closed, _) | (_, Tombstone::Close) => DocumentState::Closed,
            (_, Tombstone::KeepLastList) => DocumentState::Kept,
        });
    }

    fn set_state(&mut self, document: DocumentId, next: impl Fn(DocumentState) -> DocumentState) {
        self.change(document, |record| record.state = next(record.state));
    }

    fn change(&mut self, document: DocumentId, change: impl FnOnce(&mut Record)) {
        if let Some(ordinal) = self.state.documents.ordinal(document) {
            Arc::make_mut(&mut self.state.documents).change(ordinal, change);
        }
    }

    /// Where what is said of a document belongs, and whether its list is the source's default.
    fn file(&mut self, source: SourceId, record: Option<&Record>, version: u32, said: Said) -> (Held, bool) {
        let (list, default_list) = self.list(source, record, said.listing);
        let filing =
            Filing { source, sensitivity: said.sensitivity.as_deref(), list: &list, attributes: &said.attributes };
        let classes = Arc::make_mut(&mut self.state.classes);
        let class = self.interner.class_of(classes, (&self.state.directory, &self.state.policies), filing);
        let attributes = self.interner.attributes(Arc::make_mut(&mut self.state.documents), said.attributes);
        (Held { upto: version, class, attributes }, default_list)
    }

    fn list(&self, source: SourceId, record: Option<&Record>, listing: Listing) -> (AccessList, bool) {
        let default = || self.state.sources.by_id.get(&source).map(SourceStanding::list).unwrap_or_default();
        match (listing, record) {
            (Listing::Given(list), _) => (list, false),
            (Listing::Unchanged, Some(record)) => {
                let class = self.state.classes.get(record.current.class);
                (class.map(|class| self.state.classes.list(class)).unwrap_or_default(), record.default_list)
            }
            (Listing::SourceDefault, _) | (Listing::Unchanged, None) => (default(), true),
        }
    }

    fn set_policies(&mut self, policies: Arc<Policies>) {
        let seen = |policies: &Policies| policies.attributes().map(|(name, kind)| (name.to_owned(), kind)).collect();
        let (before, after): (Vec<_>, Vec<_>) = (seen(&self.state.policies), seen(&policies));
        let same = before == after && policies.names().same_of_documents(self.state.policies.names());
        self.state.policies = policies;
        self.state.policy_version += 1;
        if !same {
            self.compact();
        }
    }
}

/// What is said of a version.
struct Said {
    listing: Listing,
    sensitivity: Option<String>,
    attributes: Attributes,
}

/// The ways in which lists may name what a change of the directory is about: whether they are known may change with it.
fn touched(directory: &Directory, change: &Change) -> Vec<ListToken> {
    let given = |source: &String, external_id: &String| ListToken::External {
        source: source.clone(),
        external_id: external_id.clone(),
    };
    let names = |token: Token, more: Option<ListToken>| directory.names(token).chain(more).collect();
    match change {
        Change::PutPerson(person) => names(Token::Person(person.id), Some(given(&person.source, &person.external_id))),
        Change::PutGroup(group) => names(Token::Group(group.id), Some(given(&group.source, &group.external_id))),
        Change::RemoveGroup(group) => names(Token::Group(*group), None),
        Change::PutService(service) => names(Token::Service(service.id), None),
        _ => Vec::new(),
    }
}
