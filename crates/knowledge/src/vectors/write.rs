//! Writing: documents gather in memory in segments of doubling sizes, a commit makes them one file and names it, and
//! many small files become few large ones. Each step shows searches a new snapshot.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};

use super::files::Folder;
use super::manifest::Manifest;
use super::merge::merge;
use super::record;
use super::segment::{Draft, Segment};
use super::snapshot::{Held, Snapshot};
use super::{Shared, VectorShape};
use crate::KnowledgeError;

/// Segments in memory of about one size before they become one: each vector is copied a few times at most.
const ALIKE: usize = 8;
/// What may gather in memory before it goes to a file, vectors and documents.
const MOST_IN_MEMORY: usize = 16_384;
/// A commit joins files up to this weight; larger ones wait for the work in the background.
const MOST_IN_COMMIT: usize = 16_384;

/// What writers share.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) stamp: u64,
    /// The number of the next segment with files.
    next: u64,
    /// The number of the segment that is being made in the background: its files are nobody's yet, and stay.
    making: Option<u64>,
}

fn weight(held: &[Held]) -> usize {
    held.iter().map(|held| held.segment.weight()).sum()
}

impl Shared {
    pub(super) fn open(path: &Path, shape: VectorShape) -> Result<Self, KnowledgeError> {
        let folder = Folder::make(path)?;
        let manifest = match Manifest::read(&folder, &shape)? {
            Some(manifest) => manifest,
            None => Manifest::new(&shape, 0, Vec::new()),
        };
        let mut snapshot = Snapshot::default();
        for (number, sum) in &manifest.segments {
            snapshot.push(Held::new(record::read(&folder, *number, *sum, shape.dimensions)?, true));
        }
        let numbers: Vec<u64> = manifest.segments.iter().map(|(number, _)| *number).collect();
        folder.remove_others(&numbers);
        let ledger =
            Ledger { stamp: manifest.stamp, next: numbers.iter().max().map_or(0, |most| most + 1), making: None };
        let (current, ledger) = (RwLock::new(Arc::new(snapshot)), Mutex::new(ledger));
        Ok(Self { shape, folder, current, ledger, compacting: Mutex::new(()) })
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draft(&self) -> Draft {
        Draft::in_memory(self.shape.dimensions, &self.folder)
    }

    fn draft_in_file(&self, ledger: &mut Ledger) -> Result<Draft, KnowledgeError> {
        let number = ledger.next;
        ledger.next += 1;
        Draft::in_file(self.shape.dimensions, &self.folder, number)
    }

    pub(super) fn put(&self, slot: u32, version: u32, vectors: &[Vec<f32>]) -> Result<(), KnowledgeError> {
        let mut ledger = self.ledger();
        let mut draft = self.draft();
        draft.add(slot, version, vectors)?;
        let mut snapshot = (*self.snapshot()).clone();
        snapshot.push(Held::new(draft.finish(false)?, false));
        self.gather(&mut snapshot, &mut ledger)?;
        self.show(snapshot);
        Ok(())
    }

    pub(super) fn remove(&self, slot: u32) -> Result<(), KnowledgeError> {
        if self.snapshot().knows(slot) { self.put(slot, 0, &[]) } else { Ok(()) }
    }

    /// Joins what is alike in memory, and moves all of it to a file when it is much.
    fn gather(&self, snapshot: &mut Snapshot, ledger: &mut Ledger) -> Result<(), KnowledgeError> {
        let first = snapshot.held.iter().position(|held| held.segment.file.is_none()).unwrap_or(snapshot.held.len());
        if weight(&snapshot.held[first..]) >= MOST_IN_MEMORY {
            let draft = self.draft_in_file(ledger)?;
            return self.join(snapshot, first, draft);
        }
        let class = |held: &Held| held.segment.weight().max(1).ilog2() / ALIKE.ilog2();
        while let Some(last) = snapshot.held[first..].last() {
            let class_of_last = class(last);
            let alike = snapshot.held[first..].iter().rev().take_while(|held| class(held) <= class_of_last).count();
            if alike < ALIKE {
                break;
            }
            self.join(snapshot, snapshot.held.len() - alike, self.draft())?;
        }
        Ok(())
    }

    /// Makes the newest segments, from `from` on, one.
    fn join(&self, snapshot: &mut Snapshot, from: usize, mut draft: Draft) -> Result<(), KnowledgeError> {
        let run: Vec<Arc<Segment>> = snapshot.held[from..].iter().map(|held| Arc::clone(&held.segment)).collect();
        merge(&run, from == 0, &mut draft)?;
        let joined = draft.finish(false)?;
        snapshot.held.truncate(from);
        if joined.weight() > 0 {
            snapshot.held.push(Held::new(joined, false));
        }
        Ok(())
    }

    pub(super) fn commit(&self, stamp: u64) -> Result<(), KnowledgeError> {
        let compacting = match self.compacting.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(guard)) => Some(guard.into_inner()),
            // Then only what is in memory is joined: files that are being merged stay as they are.
            Err(TryLockError::WouldBlock) => None,
        };
        let mut ledger = self.ledger();
        let mut snapshot = (*self.snapshot()).clone();
        let from = joined_by_commit(&snapshot.held, compacting.is_some());
        if from < snapshot.held.len() {
            let draft = self.draft_in_file(&mut ledger)?;
            self.join(&mut snapshot, from, draft)?;
        }
        for held in &mut snapshot.held {
            held.committed = true;
        }
        self.publish(snapshot, &mut ledger, stamp)
    }

    /// Names the committed segments in the manifest, and shows the snapshot once they are durable.
    fn publish(&self, snapshot: Snapshot, ledger: &mut Ledger, stamp: u64) -> Result<(), KnowledgeError> {
        let committed = snapshot.held.iter().filter(|held| held.committed).filter_map(|held| held.segment.file);
        Manifest::new(&self.shape, stamp, committed.collect()).write(&self.folder)?;
        ledger.stamp = stamp;
        let held = snapshot.held.iter().filter_map(|held| Some(held.segment.file?.0));
        let numbers: Vec<u64> = held.chain(ledger.making).collect();
        self.show(snapshot);
        self.folder.remove_others(&numbers);
        Ok(())
    }

    pub(super) fn compact_if_needed(&self) -> Result<bool, KnowledgeError> {
        let _compacting = self.compacting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.snapshot();
        let committed = before.held.iter().take_while(|held| held.committed).count();
        let Some(from) = worth_merging(&before.held[..committed], committed == before.held.len()) else {
            return Ok(false);
        };
        let draft = {
            let mut ledger = self.ledger();
            ledger.making = Some(ledger.next);
            self.draft_in_file(&mut ledger)?
        };
        let merged = self.merge_committed(&before.held[from..committed], from == 0, draft)?;
        let mut ledger = self.ledger();
        ledger.making = None;
        let mut snapshot = (*self.snapshot()).clone();
        let newer = snapshot.held.split_off(committed);
        snapshot.held.truncate(from);
        let mut held = Held::new(merged, true);
        held.replace_all(&newer);
        snapshot.held.push(held);
        snapshot.held.extend(newer);
        let stamp = ledger.stamp;
        self.publish(snapshot, &mut ledger, stamp)?;
        Ok(true)
    }

    /// What is replaced by something not committed yet stays: after a crash it counts again.
    fn merge_committed(&self, run: &[Held], oldest: bool, mut draft: Draft) -> Result<Segment, KnowledgeError> {
        let run: Vec<Arc<Segment>> = run.iter().map(|held| Arc::clone(&held.segment)).collect();
        merge(&run, oldest, &mut draft)?;
        draft.finish(true)
    }
}

/// From where on a commit joins segments: all in memory, and files before them that are no heavier than what follows.
fn joined_by_commit(held: &[Held], with_files: bool) -> usize {
    let memory = held.iter().position(|held| held.segment.file.is_none()).unwrap_or(held.len());
    let (mut from, mut total) = (memory, weight(&held[memory..]));
    while with_files && from > 0 && total > 0 {
        let before = held[from - 1].segment.weight();
        if before > total * 2 || before + total > MOST_IN_COMMIT {
            break;
        }
        (from, total) = (from - 1, total + before);
    }
    from
}

/// From where on it is worth to merge: where what follows a segment weighs half as much as it does, or where a quarter of
/// what is there no longer counts (which is known only while all is committed).
fn worth_merging(held: &[Held], all: bool) -> Option<usize> {
    let grown = |from: usize| from + 1 < held.len() && weight(&held[from + 1..]) * 2 >= held[from].segment.weight();
    let wasted = |from: usize| {
        let rows: usize = held[from..].iter().map(|held| held.segment.codes.len()).sum();
        let live: usize = held[from..].iter().map(|held| held.live).sum();
        all && (rows - live) * 4 > rows
    };
    (0..held.len()).find(|from| grown(*from) || wasted(*from))
}
