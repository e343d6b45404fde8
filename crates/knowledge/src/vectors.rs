//! The nearest passages by meaning, among only those that may be found. One byte a dimension in memory decides which few
//! exact vectors are read from disk. The index is a cache: what is damaged is deleted and filled again.
//!
//! A folder belongs to one index at a time. Searches never wait for a write, nor for the work in the background.

mod allowed;
mod clusters;
mod codes;
mod dice;
mod files;
mod manifest;
mod merge;
mod originals;
mod probe;
mod record;
mod search;
mod segment;
mod shortlist;
mod snapshot;
mod write;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use self::allowed::Allowed;
use self::codes::unit;
use self::files::Folder;
use self::snapshot::Snapshot;
use self::write::Ledger;
use crate::KnowledgeError;

/// The most dimensions a vector may have.
const MOST_DIMENSIONS: usize = 8_192;

/// What the vectors of an index are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorShape {
    /// Numbers a vector: 1 to 8,192.
    pub dimensions: usize,
    /// The embedding model that made them, by a name that changes with its weights.
    pub model: String,
}

/// A passage near a query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// The slot of its document.
    pub slot: u32,
    /// The version of its document.
    pub version: u32,
    /// Its number in that version, from 0.
    pub number: u32,
    /// The cosine of the angle to the query, from the vectors as they were given: -1 to 1.
    pub score: f32,
}

/// An index of the vectors of passages, in a folder of its own. Clones share it.
#[derive(Debug, Clone)]
pub struct VectorIndex {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    shape: VectorShape,
    folder: Folder,
    /// What searches see. Held only for as long as it takes to clone or to exchange the pointer.
    current: RwLock<Arc<Snapshot>>,
    /// Held by whoever writes.
    ledger: Mutex<Ledger>,
    /// Held while segments are merged in the background.
    compacting: Mutex<()>,
}

impl Shared {
    fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn show(&self, snapshot: Snapshot) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }
}

impl VectorIndex {
    /// Opens the index as of its last commit, or makes an empty one.
    ///
    /// # Errors
    ///
    /// `IndexDamaged` where the folder holds an index of another shape or a file is not as it was written: delete the
    /// folder and fill the index again. `IndexUnusable` where the folder cannot be read or written.
    pub fn open(folder: &Path, shape: VectorShape) -> Result<Self, KnowledgeError> {
        if !(1..=MOST_DIMENSIONS).contains(&shape.dimensions) {
            let detail = format!("vectors of {} dimensions, {MOST_DIMENSIONS} at most", shape.dimensions);
            return Err(KnowledgeError::IndexUnusable { detail });
        }
        Ok(Self { shared: Arc::new(Shared::open(folder, shape)?) })
    }

    /// Puts the vectors of a document's passages, by their number from 0, in the place of all that its slot held. The next
    /// search finds them; the next [`Self::commit`] makes them durable. Vectors are brought to length 1.
    ///
    /// # Errors
    ///
    /// `IndexDamaged` where a vector does not have the index's dimensions or is not finite: it cannot come from the model
    /// that the index is for. `IndexUnusable` where the folder cannot be written.
    pub fn put(&self, slot: u32, version: u32, vectors: &[Vec<f32>]) -> Result<(), KnowledgeError> {
        let vectors = vectors.iter().map(|vector| self.checked(vector)).collect::<Result<Vec<_>, _>>()?;
        self.shared.put(slot, version, &vectors)
    }

    /// Forgets the vectors of a slot.
    ///
    /// # Errors
    ///
    /// `IndexUnusable` where the folder cannot be written.
    pub fn remove(&self, slot: u32) -> Result<(), KnowledgeError> {
        self.shared.remove(slot)
    }

    /// Makes everything so far durable. `stamp` is the caller's word for how far that is; after a crash the index opens as
    /// of its last commit, and [`Self::stamp`] says which that was.
    ///
    /// # Errors
    ///
    /// `IndexUnusable` where the folder cannot be written; then the commit before still stands.
    pub fn commit(&self, stamp: u64) -> Result<(), KnowledgeError> {
        self.shared.commit(stamp)
    }

    /// The stamp of the last commit, 0 before the first.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner).stamp
    }

    /// The number of vectors that count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.snapshot().live()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Merges committed segments where that makes searches faster or gives room back, and groups their vectors anew. It
    /// takes long (a minute for a million vectors) and belongs on a thread in the background: searches and writes go on
    /// meanwhile. Whether anything was done; the caller then asks again.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    pub fn compact_if_needed(&self) -> Result<bool, KnowledgeError> {
        self.shared.compact_if_needed()
    }

    /// The `limit` nearest among the allowed documents, best first; of equal scores the smaller slot, then number. The
    /// same index and query give the same answer.
    ///
    /// Where at most 24,000 vectors may be found, the answer is exact. Among more, clusters of vectors are read until by
    /// estimate one in fifty of the nearest is missing at most; the scores are exact always.
    ///
    /// # Errors
    ///
    /// `IndexDamaged` where the query does not have the index's dimensions or is not finite, or where a vector on disk is not as it was
    /// written. `IndexUnusable` where the folder cannot be read.
    pub fn search(&self, query: &[f32], allowed: &Allowed<'_>, limit: usize) -> Result<Vec<Neighbour>, KnowledgeError> {
        search::search(&self.shared.snapshot(), &self.checked(query)?, allowed, limit)
    }

    /// The vector at length 1.
    fn checked(&self, vector: &[f32]) -> Result<Vec<f32>, KnowledgeError> {
        let dimensions = self.shared.shape.dimensions;
        if vector.len() != dimensions {
            let detail = format!("a vector of {} dimensions where the index has {dimensions}", vector.len());
            return Err(KnowledgeError::IndexDamaged { detail });
        }
        if !vector.iter().all(|value| value.is_finite()) {
            return Err(KnowledgeError::IndexDamaged { detail: "a vector that is not finite".to_owned() });
        }
        Ok(unit(vector))
    }
}
