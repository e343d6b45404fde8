//! Indexing reads documents on behalf of nobody, so that they can be found at all: a service of this installation with the
//! action `process`, which policies can forbid. Lists name people, and do not count here; what it makes is sealed again.

use std::collections::{BTreeSet, HashMap};

use domain::{Action, DocumentId, DocumentState, Principal, Provenance, ServiceId, Source, Timestamp, Token};
use roaring::RoaringBitmap;

use crate::classes::Projection;
use crate::error::AccessError;
use crate::policy::{Asker, Circumstances, Opinion};
use crate::sealed::{Checked, Sealed, reveal};
use crate::snapshot::Snapshot;

/// The purpose that policies see.
const PURPOSE: &str = "index";

/// What the indexing service may read at one epoch. Made by whoever indexes, never stored.
#[derive(Debug, Clone)]
pub struct Processing {
    snapshot: Snapshot,
    asker: Asker,
    circumstances: Circumstances,
}

impl Processing {
    /// What may be indexed by this snapshot, at a moment.
    #[must_use]
    pub fn of(snapshot: &Snapshot, at: Timestamp) -> Self {
        let (principal, policies) = (Principal::Service(ServiceId::INDEXER), snapshot.policies());
        let closure = BTreeSet::from([Token::from(principal)]);
        let asker = policies.asker(snapshot.directory(), principal, &closure);
        let circumstances = policies.circumstances(Some(PURPOSE), at);
        Self { snapshot: snapshot.clone(), asker, circumstances }
    }

    /// Whether a document may be indexed: it is there, and no policy forbids it.
    #[must_use]
    pub fn may(&self, document: DocumentId) -> bool {
        let state = self.snapshot.state();
        let Some(record) = state.documents.get(document).filter(|record| record.state == DocumentState::Live) else {
            return false;
        };
        let Some(class) = state.classes.get(record.current.class) else { return false };
        self.may_such(class.projection)
    }

    /// Whether documents that policies see so may be indexed.
    fn may_such(&self, projection: u32) -> bool {
        let state = self.snapshot.state();
        let none = Projection::default();
        let projection = state.classes.projections().get(projection as usize);
        let projection = projection.map_or(&none, |(projection, _)| &**projection);
        let opinions = state.policies.opinions(&self.asker, Action::Process, &self.circumstances, &[projection]);
        opinions == [Opinion::Allowed]
    }

    /// The ordinals of all documents that may be indexed; policies are asked once for each kind that they tell apart.
    #[must_use]
    pub fn all(&self) -> RoaringBitmap {
        let classes = &self.snapshot.state().classes;
        let mut known: HashMap<u32, bool> = HashMap::new();
        let of = |ordinal: &u32| self.snapshot.class_of(*ordinal).and_then(|class| classes.get(class));
        let ordinals = 0..u32::try_from(self.snapshot.documents()).unwrap_or(u32::MAX);
        let may = |ordinal: &u32| {
            let projection = of(ordinal).map(|class| class.projection);
            projection.is_some_and(|it| *known.entry(it).or_insert_with(|| self.may_such(it)))
        };
        ordinals.filter(may).collect()
    }

    fn all_of(&self, provenance: &Provenance) -> bool {
        provenance.sources().iter().all(|source| match source {
            Source::Document { document, .. } => self.may(*document),
            _ => false,
        })
    }
}

/// Opens what was made from documents alone, all of which may be indexed. What somebody owns never opens this way.
///
/// # Errors
/// [`AccessError::NotFound`], the same as for what does not exist.
pub fn open_to_process<T>(processing: &Processing, sealed: Sealed<T>) -> Result<Checked<T>, AccessError> {
    let (owner, provenance) = sealed.facts();
    let may = owner.is_none() && !provenance.sources().is_empty() && processing.all_of(&provenance);
    if may { Ok(reveal(sealed)) } else { Err(AccessError::NotFound) }
}
