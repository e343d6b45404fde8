//! The best passages so far. Which of them stays does not depend on the order in which they come.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::LexicalHit;
use super::rank::STEPS;

/// A passage with its score in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) steps: u32,
    pub(super) slot: u32,
    pub(super) number: u32,
    pub(super) version: u32,
}

impl Ord for Found {
    /// The better one is less: higher score, then slot, then number.
    fn cmp(&self, other: &Self) -> Ordering {
        let place = |found: &Self| (found.slot, found.number, found.version);
        other.steps.cmp(&self.steps).then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// At most so many passages, the worst at the top of the heap.
pub(super) struct Best {
    limit: usize,
    heap: BinaryHeap<Found>,
}

impl Best {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, heap: BinaryHeap::new() }
    }

    /// The score below which no passage can enter.
    pub(super) fn threshold(&self) -> u32 {
        self.heap.peek().filter(|_| self.heap.len() >= self.limit).map_or(0, |worst| worst.steps)
    }

    pub(super) fn offer(&mut self, found: Found) {
        if self.heap.len() < self.limit {
            self.heap.push(found);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && found < *worst
        {
            *worst = found;
        }
    }

    /// Best first. `whole` is the score of what has all of the query, in steps.
    pub(super) fn into_hits(self, whole: u64) -> Vec<LexicalHit> {
        let hit = |found: Found| LexicalHit {
            slot: found.slot,
            version: found.version,
            number: found.number,
            score: found.steps as f32 / STEPS,
            share: found.steps as f32 / whole.max(1) as f32,
        };
        self.heap.into_sorted_vec().into_iter().map(hit).collect()
    }
}
