//! BM25 over the passages that are allowed, and over no other (Robertson and Zaragoza 2009, 3.4).
//! INVARIANT: the score of a passage depends on its words, on the query and on public statistics alone. It is added up in
//! whole steps, so that neither the order of terms and segments nor what was skipped changes a bit.

use tantivy::columnar::Column;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, SegmentReader, TERMINATED, Term};

use super::best::{Best, Found};
use super::failure::failure;
use super::layout::Fields;
use super::passages::{Places, SegmentPassages};
use crate::KnowledgeError;

/// Saturation of repeated words, and how much length counts: the usual values.
const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Scores are added up in steps of this part of one.
pub(super) const STEPS: f32 = 65_536.0;
/// Passages are looked at in stretches of so many places: their sums stay in the first cache.
const STRETCH: u32 = 4_096;

/// The two fields with words, as statistics and lengths number them.
pub(super) const WORDS: usize = 0;
pub(super) const STEMS: usize = 1;

/// A term of a query and what it weighs.
pub(super) struct WeighedTerm {
    pub(super) term: Term,
    pub(super) field: usize,
    /// Inverse document frequency.
    pub(super) weight: f32,
}

/// What length does to a score, by the index's code of a length: `k1 * (1 - b + b * length / mean)`.
pub(super) struct LengthNorms([[f32; 256]; 2]);

impl LengthNorms {
    /// For the mean lengths of the two fields, in words.
    pub(super) fn of(means: [f32; 2]) -> Self {
        let norm = |mean: f32| {
            std::array::from_fn(|code| {
                let length = FieldNormReader::id_to_fieldnorm(u8::try_from(code).unwrap_or(u8::MAX)) as f32;
                K1 * (1.0 - B + B * length / mean)
            })
        };
        Self(means.map(norm))
    }
}

/// One term in one segment.
struct Cursor {
    postings: SegmentPostings,
    field: usize,
    /// Weight times `k1 + 1`, in steps.
    weight: f32,
    /// Whether some passage has no stems, so that a word counts for its stem as well.
    doubles: bool,
    /// No passage gets more for this term, in steps.
    bound: u32,
}

/// A segment as one search reads it.
pub(super) struct Scan<'a> {
    passages: &'a SegmentPassages,
    allowed: &'a Places,
    norms: &'a LengthNorms,
    lengths: [FieldNormReader; 2],
    number: Column<u64>,
    version: Column<u64>,
    cursors: Vec<Cursor>,
    /// `rest[n]`: what the first `n` cursors can add at most.
    rest: Vec<u32>,
}

impl<'a> Scan<'a> {
    /// Opens the terms that are in the segment.
    pub(super) fn open(
        reader: &SegmentReader,
        (passages, allowed): (&'a SegmentPassages, &'a Places),
        fields: &Fields,
        terms: &[WeighedTerm],
        norms: &'a LengthNorms,
    ) -> Result<Self, KnowledgeError> {
        let mut cursors = Vec::new();
        for term in terms {
            cursors.extend(Cursor::open(reader, term, passages.some_unstemmed)?);
        }
        cursors.sort_by_key(|cursor| cursor.bound);
        let mut rest = vec![0];
        rest.extend(cursors.iter().scan(0_u32, |sum, cursor| {
            *sum = sum.saturating_add(cursor.bound);
            Some(*sum)
        }));
        let length = |field| reader.get_fieldnorms_reader(field).map_err(failure);
        let column = |name| reader.fast_fields().u64(name).map_err(failure);
        Ok(Self {
            passages,
            allowed,
            norms,
            lengths: [length(fields.words)?, length(fields.stems)?],
            number: column("number")?,
            version: column("version")?,
            cursors,
            rest,
        })
    }

    /// Offers every allowed passage that can be among the best (MaxScore, Turtle and Flood 1995, over stretches): terms
    /// that cannot lift a passage over the threshold by themselves are only asked about passages that others found.
    pub(super) fn run(mut self, best: &mut Best) {
        let (mut sums, mut seen) = (vec![0_u32; STRETCH as usize], [0_u64; STRETCH as usize / 64]);
        loop {
            let threshold = best.threshold();
            let asked = self.rest.partition_point(|rest| *rest < threshold).saturating_sub(1);
            let Some(start) = self.next_start(asked) else {
                return;
            };
            let end = start + STRETCH;
            for at in asked..self.cursors.len() {
                self.add_up(at, (start, end), &mut sums, &mut seen);
            }
            self.settle(asked, start, (&mut sums, &mut seen), best);
        }
    }

    /// The first allowed place at which a finding cursor may stand.
    fn next_start(&mut self, asked: usize) -> Option<u32> {
        let first = self.cursors.get(asked..)?.iter().map(|cursor| cursor.postings.doc()).min()?;
        if first == TERMINATED {
            return None;
        }
        Some(self.allowed.next(first)).filter(|start| *start != TERMINATED)
    }

    /// Adds what one term gives to each allowed passage of a stretch.
    fn add_up(&mut self, at: usize, (start, end): (u32, u32), sums: &mut [u32], seen: &mut [u64]) {
        let few = self.allowed.are_few();
        let Some(cursor) = self.cursors.get_mut(at) else {
            return;
        };
        let mut place = cursor.postings.doc();
        if place < start {
            place = cursor.postings.seek(start);
        }
        while place < end {
            if self.allowed.contains(place) {
                let steps = gain(cursor, place, &self.lengths, self.norms);
                let offset = (place - start) as usize;
                if let (Some(sum), Some(bits)) = (sums.get_mut(offset), seen.get_mut(offset / 64)) {
                    *sum += steps;
                    *bits |= 1 << (offset % 64);
                }
            } else if few {
                let next = self.allowed.next(place);
                if next >= end {
                    break;
                }
                place = cursor.postings.seek(next);
                continue;
            }
            place = cursor.postings.advance();
        }
    }

    /// Asks the remaining terms about the passages of a stretch and offers those that reach the threshold.
    fn settle(&mut self, asked: usize, start: u32, (sums, seen): (&mut [u32], &mut [u64]), best: &mut Best) {
        for (word, bits) in seen.iter_mut().enumerate() {
            while *bits != 0 {
                let offset = word * 64 + bits.trailing_zeros() as usize;
                *bits &= *bits - 1;
                let Some(sum) = sums.get_mut(offset).map(std::mem::take) else {
                    continue;
                };
                let place = start + u32::try_from(offset).unwrap_or(0);
                if let Some(steps) = self.complete(asked, place, sum, best.threshold()) {
                    self.offer(place, steps, best);
                }
            }
        }
    }

    /// The whole score of a passage; none as soon as it cannot reach the threshold.
    fn complete(&mut self, asked: usize, place: u32, sum: u32, threshold: u32) -> Option<u32> {
        let mut steps = sum;
        for at in (0..asked).rev() {
            if steps.saturating_add(*self.rest.get(at + 1)?) < threshold {
                return None;
            }
            let cursor = self.cursors.get_mut(at)?;
            if cursor.postings.doc() < place {
                cursor.postings.seek(place);
            }
            if cursor.postings.doc() == place {
                steps += gain(cursor, place, &self.lengths, self.norms);
            }
        }
        (steps >= threshold).then_some(steps)
    }

    fn offer(&self, place: u32, steps: u32, best: &mut Best) {
        let value = |column: &Column<u64>| column.first(place).and_then(|value| u32::try_from(value).ok());
        let found = self.passages.slot(place).zip(value(&self.number)).zip(value(&self.version));
        if let Some(((slot, number), version)) = found {
            best.offer(Found { steps, slot, number, version });
        }
    }
}

impl Cursor {
    fn open(reader: &SegmentReader, term: &WeighedTerm, some_unstemmed: bool) -> Result<Option<Self>, KnowledgeError> {
        let index = reader.inverted_index(term.term.field()).map_err(failure)?;
        let postings = index.read_postings(&term.term, IndexRecordOption::WithFreqs);
        let postings = postings.map_err(|cause| failure(cause.into()))?;
        let weight = term.weight * (K1 + 1.0) * STEPS;
        let doubles = some_unstemmed && term.field == WORDS;
        let bound = steps_of(weight) * if doubles { 2 } else { 1 };
        Ok(postings.map(|postings| Self { postings, field: term.field, weight, doubles, bound }))
    }
}

/// Weights are neither negative nor large; what is less than a step goes.
const fn steps_of(score: f32) -> u32 {
    score as u32
}

/// What a passage gets for a term, in steps. In a passage without stems the word counts for its stem as well.
#[inline]
fn gain(cursor: &Cursor, place: u32, lengths: &[FieldNormReader; 2], norms: &LengthNorms) -> u32 {
    let often = cursor.postings.term_freq() as f32;
    let norm = norms.0[cursor.field][lengths[cursor.field].fieldnorm_id(place) as usize];
    let steps = steps_of(cursor.weight * (often / (often + norm)));
    if cursor.doubles && lengths[STEMS].fieldnorm_id(place) == 0 { steps * 2 } else { steps }
}
