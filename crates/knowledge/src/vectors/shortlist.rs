//! Which vectors may be among the nearest, judged by codes: all those whose best possible score reaches the worst possible
//! score of the first few. The order in which they are offered makes no difference.

/// A vector that may be among the nearest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    /// The most its exact score can be.
    pub(super) ceiling: f32,
    /// The least it can be.
    floor: f32,
    pub(super) segment: u32,
    pub(super) row: u32,
}

/// See the head of this file.
#[derive(Debug, Clone)]
pub(super) struct Shortlist {
    limit: usize,
    /// How much of the provable error is allowed for: 1 loses nothing.
    caution: f32,
    /// The worst possible scores of the best, best first; `limit` of them at most.
    floors: Vec<f32>,
    found: Vec<Candidate>,
    tidy_at: usize,
}

const TIDY_FIRST: usize = 1024;

impl Shortlist {
    pub(super) fn new(limit: usize, caution: f32) -> Self {
        Self { limit, caution, floors: Vec::with_capacity(limit + 1), found: Vec::new(), tidy_at: TIDY_FIRST }
    }

    /// One that has found nothing yet but keeps to the same floor.
    pub(super) fn emptied(&self) -> Self {
        Self { found: Vec::new(), tidy_at: TIDY_FIRST, ..self.clone() }
    }

    /// What the exact score of the last place is at least.
    pub(super) fn floor(&self) -> f32 {
        if self.floors.len() < self.limit { f32::NEG_INFINITY } else { self.floors[self.limit - 1] }
    }

    pub(super) fn offer(&mut self, score: f32, error: f32, (segment, row): (u32, u32)) {
        let doubt = self.caution * error;
        let (ceiling, floor) = (score + doubt, score - doubt);
        if ceiling < self.floor() {
            return;
        }
        self.found.push(Candidate { ceiling, floor, segment, row });
        self.raise(floor);
        if self.found.len() >= self.tidy_at {
            self.tidy();
        }
    }

    fn raise(&mut self, floor: f32) {
        if floor > self.floor() {
            let at = self.floors.partition_point(|other| *other >= floor);
            self.floors.insert(at, floor);
            self.floors.truncate(self.limit);
        }
    }

    fn tidy(&mut self) {
        let floor = self.floor();
        self.found.retain(|candidate| candidate.ceiling >= floor);
        self.tidy_at = TIDY_FIRST.max(self.found.len() * 2);
    }

    /// Adds what another one found.
    pub(super) fn absorb(&mut self, other: Self) {
        for candidate in &other.found {
            self.raise(candidate.floor);
        }
        self.found.extend(other.found);
        self.tidy();
    }

    /// All that may be among the nearest, by the most they can be.
    pub(super) fn finish(mut self) -> Vec<Candidate> {
        self.tidy();
        self.found.sort_unstable_by(|left, right| {
            right.ceiling.total_cmp(&left.ceiling).then((left.segment, left.row).cmp(&(right.segment, right.row)))
        });
        self.found
    }
}
