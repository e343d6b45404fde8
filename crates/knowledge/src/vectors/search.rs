//! One search: count what may be found, read all of it where that is little, else the likely clusters until hardly
//! anything can be missing; then the exact scores of the few that are left.

use super::Neighbour;
use super::allowed::Allowed;
use super::codes::{Question, exact_dot};
use super::probe::probe;
use super::segment::Segment;
use super::shortlist::{Candidate, Shortlist};
use super::snapshot::{Held, Snapshot};
use crate::KnowledgeError;

/// Up to this many vectors everything that may be found is read, and nothing is missed.
pub(super) const READ_ALL: usize = 8_000;
/// Among more than that, this times the error that rounding makes on average is allowed for.
const DEVIATIONS: f32 = 6.0;

/// What a search may see of one segment.
pub(super) struct View<'a> {
    pub(super) segment: &'a Segment,
    /// Its number among the segments.
    pub(super) index: u32,
    /// For each document whether it may be found.
    pub(super) permitted: Vec<bool>,
    /// How many vectors may be found.
    pub(super) visible: usize,
}

impl<'a> View<'a> {
    fn of(held: &'a Held, index: u32, allowed: &Allowed<'_>) -> Self {
        let directory = &held.segment.directory;
        let mut permitted = allowed.judge(&directory.slots);
        if held.live < held.segment.codes.len() {
            for (document, permitted) in permitted.iter_mut().enumerate() {
                *permitted &= !held.replaced.get(document);
            }
        }
        let counts = permitted.iter().zip(directory.firsts.windows(2));
        let visible = counts.map(|(permitted, ends)| u32::from(*permitted) * (ends[1] - ends[0])).sum::<u32>() as usize;
        Self { segment: &held.segment, index, permitted, visible }
    }

    /// Whether every vector of the segment may be found.
    pub(super) fn is_whole(&self) -> bool {
        self.visible == self.segment.codes.len()
    }

    fn read_all(&self, question: &Question, shortlist: &mut Shortlist) {
        let codes = &self.segment.codes;
        for document in (0..self.permitted.len()).filter(|document| self.permitted[*document]) {
            for row in &self.segment.rows[self.segment.directory.places(document)] {
                let at = *row as usize;
                shortlist.offer(codes.score(question, at), codes.error(question, at), (self.index, *row));
            }
        }
    }
}

/// The nearest to a query of length 1, best first.
pub(super) fn search(
    snapshot: &Snapshot,
    query: &[f32],
    allowed: &Allowed<'_>,
    limit: usize,
) -> Result<Vec<Neighbour>, KnowledgeError> {
    let question = Question::of(query);
    let views = snapshot.held.iter().zip(0..).map(|(held, index)| View::of(held, index, allowed));
    let views: Vec<View<'_>> = views.filter(|view| view.visible > 0).collect();
    let visible: usize = views.iter().map(|view| view.visible).sum();
    let limit = limit.min(visible);
    if limit == 0 {
        return Ok(Vec::new());
    }
    let candidates = if visible <= READ_ALL {
        let mut shortlist = Shortlist::new(limit, 1.0);
        for view in &views {
            view.read_all(&question, &mut shortlist);
        }
        shortlist.finish()
    } else {
        let caution = (DEVIATIONS / (query.len() as f32).sqrt()).min(1.0);
        probe(&views, &question, Shortlist::new(limit, caution), limit).finish()
    };
    rescore(snapshot, query, &candidates, limit)
}

/// The best by exact score. Candidates come by what they can be at most, so that it ends where no other can be better.
fn rescore(
    snapshot: &Snapshot,
    query: &[f32],
    candidates: &[Candidate],
    limit: usize,
) -> Result<Vec<Neighbour>, KnowledgeError> {
    let mut best: Vec<Neighbour> = Vec::with_capacity(limit.min(candidates.len()) + 1);
    let mut room = Vec::new();
    for candidate in candidates {
        if best.len() == limit && best.last().is_some_and(|last| last.score > candidate.ceiling) {
            break;
        }
        let segment = &snapshot.held[candidate.segment as usize].segment;
        let neighbour = exactly(segment, candidate.row as usize, query, &mut room)?;
        let at = best.partition_point(|other| order(other, &neighbour).is_lt());
        best.insert(at, neighbour);
        best.truncate(limit);
    }
    Ok(best)
}

fn exactly(segment: &Segment, row: usize, query: &[f32], room: &mut Vec<f32>) -> Result<Neighbour, KnowledgeError> {
    let (place, document) = (segment.places[row] as usize, segment.owners[row] as usize);
    let vector = segment.originals.read(place..place + 1, query.len(), room)?;
    let directory = &segment.directory;
    Ok(Neighbour {
        slot: directory.slots[document],
        version: directory.versions[document],
        number: place as u32 - directory.firsts[document],
        score: exact_dot(query, vector),
    })
}

fn order(left: &Neighbour, right: &Neighbour) -> std::cmp::Ordering {
    right.score.total_cmp(&left.score).then((left.slot, left.number).cmp(&(right.slot, right.number)))
}
