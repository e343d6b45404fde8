//! What a search sees: segments, oldest first, and which of their documents a newer one has replaced. A snapshot never
//! changes; a write makes the next.

use std::sync::Arc;

use super::segment::Segment;

/// A set of documents of one segment.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    words: Vec<u64>,
}

impl Marks {
    pub(super) fn get(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    /// Whether it was not set before.
    pub(super) fn set(&mut self, index: usize) -> bool {
        if self.words.len() <= index / 64 {
            self.words.resize(index / 64 + 1, 0);
        }
        let (word, bit) = (&mut self.words[index / 64], 1 << (index % 64));
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }
}

/// A segment, and what of it counts.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) segment: Arc<Segment>,
    /// Documents that a newer segment names.
    pub(super) replaced: Arc<Marks>,
    /// Vectors of documents that are not replaced.
    pub(super) live: usize,
    /// Whether the last commit names it.
    pub(super) committed: bool,
}

impl Held {
    pub(super) fn new(segment: Segment, committed: bool) -> Self {
        let live = segment.codes.len();
        Self { segment: Arc::new(segment), replaced: Arc::default(), live, committed }
    }

    /// Forgets what is newer elsewhere.
    pub(super) fn replace(&mut self, slot: u32) {
        if let Some(document) = self.segment.directory.find(slot)
            && !self.replaced.get(document)
        {
            Arc::make_mut(&mut self.replaced).set(document);
            self.live -= self.segment.directory.places(document).len();
        }
    }

    pub(super) fn replace_all(&mut self, newer: &[Self]) {
        for slot in newer.iter().flat_map(|held| &held.segment.directory.slots) {
            self.replace(*slot);
        }
    }
}

/// See the head of this file.
#[derive(Debug, Clone, Default)]
pub(super) struct Snapshot {
    pub(super) held: Vec<Held>,
}

impl Snapshot {
    pub(super) fn live(&self) -> usize {
        self.held.iter().map(|held| held.live).sum()
    }

    /// Adds what was just written: whatever it names counts nowhere else.
    pub(super) fn push(&mut self, newest: Held) {
        for held in &mut self.held {
            for slot in &newest.segment.directory.slots {
                held.replace(*slot);
            }
        }
        self.held.push(newest);
    }

    /// Whether some segment has something to say of this slot that is not replaced yet.
    pub(super) fn knows(&self, slot: u32) -> bool {
        self.held.iter().any(|held| {
            let document = held.segment.directory.find(slot);
            document.is_some_and(|document| !held.replaced.get(document))
        })
    }
}
