//! The context's sequence numbers: free ones, and those that keep the prefix of a finished request.

use super::adapters::AdapterId;
use super::run::Run;
use crate::history::History;
use crate::native::{Context, Sequence};

/// Shorter prefixes are not worth a sequence number.
const WORTH_KEEPING: usize = 16;

/// The prefix of a finished request.
struct Kept {
    sequence: Sequence,
    history: History,
    adapter: AdapterId,
}

/// Kept prefixes are in order of their last use, the oldest first.
pub(super) struct Sequences {
    free: Vec<Sequence>,
    kept: Vec<Kept>,
}

impl Sequences {
    pub(super) fn new(count: usize) -> Self {
        let count = Sequence::try_from(count).unwrap_or(Sequence::MAX);
        Self { free: (0..count).rev().collect(), kept: Vec::new() }
    }

    /// Gives the run a sequence, with the longest prefix there is already computed.
    pub(super) fn assign(&mut self, run: &mut Run, reuse: bool, context: &mut Context) {
        let fitting = self.kept.iter().enumerate().filter(|(_, kept)| reuse && kept.adapter == run.adapter);
        let shared = fitting.map(|(place, kept)| (run.history.shared_prefix(&kept.history), place));
        let best = shared.max().map(|(shared, place)| (shared.min(run.reuse_limit()), place));
        let Some((shared, place)) = best.filter(|(shared, _)| *shared > 0) else {
            run.sequence = self.obtain(context);
            return;
        };
        let kept = self.kept.remove(place);
        if kept.history.len() <= shared + 1 || (self.free.is_empty() && self.kept.is_empty()) {
            // All of it is needed again (or there is no other number): continue in place.
            context.forget(kept.sequence, shared);
            run.sequence = kept.sequence;
        } else {
            run.sequence = self.obtain(context);
            context.share(kept.sequence, run.sequence, shared);
            self.kept.push(kept);
        }
        run.computed = shared;
    }

    /// A free number; the oldest kept prefix gives way. There are more numbers than slots.
    fn obtain(&mut self, context: &mut Context) -> Sequence {
        if self.free.is_empty() {
            self.evict_oldest(context);
        }
        self.free.pop().unwrap_or(0)
    }

    /// Ends a run: keeps what later requests may share, frees the rest.
    pub(super) fn retire(&mut self, run: Run, reuse: bool, context: &mut Context) {
        let keep = run.history.shareable().min(run.computed);
        if !reuse || keep < WORTH_KEEPING || !context.forget(run.sequence, keep) {
            self.release(run.sequence, context);
            return;
        }
        let mut history = run.history;
        history.truncate(keep);
        let covers =
            |other: &Kept| other.adapter == run.adapter && history.shared_prefix(&other.history) == other.history.len();
        let covered: Vec<Sequence> =
            self.kept.iter().filter(|other| covers(other)).map(|other| other.sequence).collect();
        self.kept.retain(|other| !covered.contains(&other.sequence));
        for sequence in covered {
            self.release(sequence, context);
        }
        self.kept.push(Kept { sequence: run.sequence, history, adapter: run.adapter });
    }

    /// Frees a number and its cells.
    pub(super) fn release(&mut self, sequence: Sequence, context: &mut Context) {
        context.forget(sequence, 0);
        self.free.push(sequence);
    }

    /// Frees the prefix that was unused for longest. False where none is kept.
    pub(super) fn evict_oldest(&mut self, context: &mut Context) -> bool {
        if self.kept.is_empty() {
            return false;
        }
        let oldest = self.kept.remove(0);
        self.release(oldest.sequence, context);
        true
    }

    /// Frees all prefixes computed with an adapter.
    pub(super) fn forget_adapter(&mut self, adapter: AdapterId, context: &mut Context) {
        let (gone, kept) = std::mem::take(&mut self.kept).into_iter().partition(|kept| kept.adapter == adapter);
        self.kept = kept;
        let gone: Vec<Kept> = gone;
        for kept in gone {
            self.release(kept.sequence, context);
        }
    }

    /// Tokens of all kept prefixes.
    pub(super) fn kept_tokens(&self) -> usize {
        self.kept.iter().map(|kept| kept.history.len()).sum()
    }
}
