//! What is known of a segment without reading its passages: which documents lie where, and in which languages.
//! INVARIANT: only what was not removed is in a run, so what is drawn from runs never shows a removed passage.

use std::sync::Arc;

use tantivy::index::SegmentId;
use tantivy::{Opstamp, SegmentReader, TERMINATED};

use super::failure::{damaged, failure};
use super::layout::Fields;
use super::stems::Stems;
use crate::KnowledgeError;

/// What a segment holds is fixed by its id and by what was removed from it.
pub(super) type SegmentKey = (SegmentId, Option<Opstamp>);

/// The key of a segment as it is read.
pub(super) fn key(reader: &SegmentReader) -> SegmentKey {
    (reader.segment_id(), reader.delete_opstamp())
}

/// Neighbouring passages of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) start: u32,
    /// The first that is no more of it.
    pub(super) end: u32,
    pub(super) slot: u32,
}

/// The passages of a segment that are there.
#[derive(Debug)]
pub(super) struct SegmentPassages {
    pub(super) key: SegmentKey,
    pub(super) runs: Vec<Run>,
    /// How many places there are, those of removed passages among them.
    pub(super) places: u32,
    /// The languages whose stems are in it.
    pub(super) languages: Vec<String>,
    /// Whether some passage has no stems.
    pub(super) some_unstemmed: bool,
}

impl SegmentPassages {
    pub(super) fn of(reader: &SegmentReader, fields: &Fields) -> Result<Arc<Self>, KnowledgeError> {
        let slots = reader.fast_fields().u64("slot").map_err(failure)?;
        let mut runs: Vec<Run> = Vec::new();
        for place in reader.doc_ids_alive() {
            let slot = slots.first(place).and_then(|slot| u32::try_from(slot).ok());
            let slot = slot.ok_or_else(|| damaged("a passage has no slot"))?;
            match runs.last_mut().filter(|run| run.slot == slot && run.end == place) {
                Some(run) => run.end = place + 1,
                None => runs.push(Run { start: place, end: place + 1, slot }),
            }
        }
        runs.shrink_to_fit();
        let (languages, stemmed) = languages(reader, fields)?;
        let some_unstemmed = stemmed < u64::from(reader.max_doc());
        Ok(Arc::new(Self { key: key(reader), runs, places: reader.max_doc(), languages, some_unstemmed }))
    }

    /// The document that a passage is of.
    pub(super) fn slot(&self, place: u32) -> Option<u32> {
        let after = self.runs.partition_point(|run| run.start <= place);
        self.runs.get(after.checked_sub(1)?).filter(|run| place < run.end).map(|run| run.slot)
    }

    /// The places of the passages of some documents.
    pub(super) fn places_of(&self, wanted: &dyn Fn(u32) -> bool) -> Places {
        let mut places = Places { bits: vec![0; self.places.div_ceil(64) as usize], count: 0 };
        self.runs.iter().filter(|run| wanted(run.slot)).for_each(|run| places.insert(run.start, run.end));
        places
    }
}

/// The languages whose stems are in a segment, and how many passages have some.
fn languages(reader: &SegmentReader, fields: &Fields) -> Result<(Vec<String>, u64), KnowledgeError> {
    let index = reader.inverted_index(fields.language).map_err(failure)?;
    let mut stream = index.terms().stream().map_err(|cause| failure(cause.into()))?;
    let (mut codes, mut stemmed) = (Vec::new(), 0);
    while let Some((code, passages)) = stream.next() {
        let code = std::str::from_utf8(code).map_err(damaged)?;
        codes.extend(Stems::of(code).map(|stems| stems.code().to_owned()));
        stemmed += u64::from(passages.doc_freq);
    }
    Ok((codes, stemmed))
}

/// A set of places in a segment.
#[derive(Debug)]
pub(super) struct Places {
    bits: Vec<u64>,
    count: u32,
}

impl Places {
    fn insert(&mut self, start: u32, end: u32) {
        self.count += end - start;
        let mut from = start;
        while from < end {
            let word = from / 64;
            let to = end.min((word + 1) * 64);
            let mask = (u64::MAX >> (64 - (to - from))) << (from % 64);
            if let Some(bits) = self.bits.get_mut(word as usize) {
                *bits |= mask;
            }
            from = to;
        }
    }

    /// How many there are.
    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    #[inline]
    pub(super) fn contains(&self, place: u32) -> bool {
        self.bits.get((place / 64) as usize).is_some_and(|bits| bits >> (place % 64) & 1 == 1)
    }

    /// The first at or after a place; [`TERMINATED`] where there is none.
    pub(super) fn next(&self, from: u32) -> u32 {
        let first = (from / 64) as usize;
        let mut mask = u64::MAX << (from % 64);
        for (word, bits) in self.bits.iter().enumerate().skip(first) {
            if bits & mask != 0 {
                return u32::try_from(word).unwrap_or(TERMINATED / 64) * 64 + (bits & mask).trailing_zeros();
            }
            mask = u64::MAX;
        }
        TERMINATED
    }

    /// Whether so few are wanted that looking for each is faster than reading past the others.
    pub(super) fn are_few(&self) -> bool {
        self.count as usize * 2 < self.bits.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_those_of_a_plain_set(runs in prop::collection::btree_map(0_u32..40, 1_u32..90, 0..12)) {
            let (mut places, mut set) = (Places { bits: vec![0; 60], count: 0 }, std::collections::BTreeSet::new());
            for (start, length) in runs {
                let (start, end) = (start * 90, start * 90 + length);
                places.insert(start, end);
                set.extend(start..end);
            }
            assert_eq!(places.count() as usize, set.len());
            for place in 0..3_840 {
                assert_eq!(places.contains(place), set.contains(&place));
                assert_eq!(places.next(place), set.range(place..).next().copied().unwrap_or(TERMINATED));
            }
        }
    }
}
