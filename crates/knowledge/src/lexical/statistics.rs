//! How rare words are and how long passages are, from documents that everyone may read and from nothing else
//! (docs/access.md, rule 9). With fewer than 100 of them, constants.
//! INVARIANT: a document that is not public changes no bit of what is returned here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use roaring::RoaringBitmap;
use tantivy::fieldnorm::FieldNormReader;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocSet, SegmentReader, TERMINATED, Term};

use super::PublicDocuments;
use super::failure::failure;
use super::frequent::is_frequent;
use super::layout::Fields;
use super::letters::{is_dense, is_hiragana};
use super::passages::{Places, SegmentKey, SegmentPassages};
use super::view::View;
use crate::KnowledgeError;

/// From so many public documents on they are counted.
const MIN_PUBLIC_DOCUMENTS: u64 = 100;
/// How long a passage is taken to be while there are fewer, in words: those of about 320 tokens.
const USUAL_LENGTH: f32 = 200.0;
/// What a frequent word weighs at most: that of a word in two of three passages.
const FREQUENT_WEIGHT: f32 = 0.4;
/// What a word weighs at least, so that a passage with a word of the query has a score.
const LEAST_WEIGHT: f32 = 0.01;
/// So many counts are kept for each segment; then they begin anew.
const MAX_COUNTS: usize = 100_000;

/// The statistics of one view for one set of public documents.
pub(super) struct Statistics {
    generation: u64,
    segments: Vec<Arc<PublicSegment>>,
    passages: u64,
    documents: u64,
    /// By field.
    lengths: [Length; 2],
}

/// The lengths of public passages that have something in a field, added up.
#[derive(Debug, Clone, Copy, Default)]
struct Length {
    words: u64,
    passages: u64,
}

/// What of a segment is public.
struct PublicSegment {
    key: SegmentKey,
    places: Places,
    slots: RoaringBitmap,
    lengths: [Length; 2],
    counts: Mutex<HashMap<Term, u64>>,
}

/// The statistics asked for last.
#[derive(Default)]
pub(super) struct StatisticsMemory(Mutex<Option<Arc<Statistics>>>);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StatisticsMemory {
    /// The statistics of a view. What was counted before is taken over where neither segment nor public set changed.
    pub(super) fn of(
        &self,
        view: &View,
        fields: &Fields,
        public: &PublicDocuments<'_>,
    ) -> Result<Arc<Statistics>, KnowledgeError> {
        let before = lock(&self.0).clone().filter(|before| before.generation == public.generation);
        if let Some(before) = before.as_ref().filter(|before| before.is_of(view)) {
            return Ok(Arc::clone(before));
        }
        let mut segments = Vec::new();
        for (reader, passages) in view.searcher.segment_readers().iter().zip(&view.segments) {
            let known = before.iter().flat_map(|before| &before.segments).find(|known| known.key == passages.key);
            segments.push(match known {
                Some(known) => Arc::clone(known),
                None => Arc::new(PublicSegment::of(reader, passages, fields, public)?),
            });
        }
        let statistics = Arc::new(Statistics::of(public.generation, segments));
        *lock(&self.0) = Some(Arc::clone(&statistics));
        Ok(statistics)
    }
}

impl PublicSegment {
    fn of(
        reader: &SegmentReader,
        passages: &SegmentPassages,
        fields: &Fields,
        public: &PublicDocuments<'_>,
    ) -> Result<Self, KnowledgeError> {
        let places = passages.places_of(public.contains);
        let mut slots: Vec<u32> =
            passages.runs.iter().map(|run| run.slot).filter(|slot| (public.contains)(*slot)).collect();
        slots.sort_unstable();
        let length = |field: Field| -> Result<Length, KnowledgeError> {
            let norms = reader.get_fieldnorms_reader(field).map_err(failure)?;
            Ok(length_of(&norms, &places))
        };
        let lengths = [length(fields.words)?, length(fields.stems)?];
        Ok(Self { key: passages.key, places, slots: slots.into_iter().collect(), lengths, counts: Mutex::default() })
    }

    /// In how many public passages a term is.
    fn count(&self, reader: &SegmentReader, term: &Term) -> Result<u64, KnowledgeError> {
        if self.places.count() == 0 {
            return Ok(0);
        }
        if let Some(count) = lock(&self.counts).get(term) {
            return Ok(*count);
        }
        let index = reader.inverted_index(term.field()).map_err(failure)?;
        let postings = index.read_postings(term, IndexRecordOption::Basic).map_err(|cause| failure(cause.into()))?;
        let count = postings.map_or(0, |mut postings| count_among(&mut postings, &self.places));
        let mut counts = lock(&self.counts);
        if counts.len() >= MAX_COUNTS {
            counts.clear();
        }
        counts.insert(term.clone(), count);
        Ok(count)
    }
}

/// Each length is rounded as the index keeps it, so that it is the same in any segment.
fn length_of(norms: &FieldNormReader, places: &Places) -> Length {
    let mut sum = Length::default();
    let mut place = places.next(0);
    while place != TERMINATED {
        let words = u64::from(norms.fieldnorm(place));
        sum.words += words;
        sum.passages += u64::from(words > 0);
        place = places.next(place + 1);
    }
    sum
}

fn count_among(postings: &mut impl DocSet, places: &Places) -> u64 {
    let (mut count, mut place) = (0, postings.doc());
    while place != TERMINATED {
        if places.contains(place) {
            count += 1;
            place = postings.advance();
        } else {
            let next = places.next(place);
            place = if next == TERMINATED { TERMINATED } else { postings.seek(next) };
        }
    }
    count
}

impl Statistics {
    fn of(generation: u64, segments: Vec<Arc<PublicSegment>>) -> Self {
        let passages = segments.iter().map(|segment| u64::from(segment.places.count())).sum();
        let lengths = [0, 1].map(|field: usize| {
            let lengths = segments.iter().filter_map(|segment| segment.lengths.get(field));
            lengths.fold(Length::default(), |sum, length| Length {
                words: sum.words + length.words,
                passages: sum.passages + length.passages,
            })
        });
        let mut slots = RoaringBitmap::new();
        segments.iter().for_each(|segment| slots |= &segment.slots);
        Self { generation, passages, documents: slots.len(), lengths, segments }
    }

    fn is_of(&self, view: &View) -> bool {
        let keys = view.segments.iter().map(|segment| segment.key);
        self.segments.iter().map(|segment| segment.key).eq(keys)
    }

    const fn are_counted(&self) -> bool {
        self.documents >= MIN_PUBLIC_DOCUMENTS
    }

    /// The mean length of a passage in a field, in words: the first field is that of words, the second that of stems.
    pub(super) fn mean_length(&self, field: usize) -> f32 {
        match self.lengths.get(field) {
            Some(length) if self.are_counted() && length.passages > 0 => length.words as f32 / length.passages as f32,
            _ => USUAL_LENGTH,
        }
    }

    /// What a term weighs: its inverse document frequency among public passages (Robertson and Zaragoza 2009, 3.2, with
    /// 1 added within the logarithm so that it is never negative), or a constant for its word.
    pub(super) fn weight(&self, view: &View, term: &Term, word: &str) -> Result<f32, KnowledgeError> {
        let frequent = is_frequent(word);
        if !self.are_counted() {
            return Ok(if frequent { FREQUENT_WEIGHT } else { usual_weight(word) });
        }
        let mut count = 0;
        for (reader, segment) in view.searcher.segment_readers().iter().zip(&self.segments) {
            count += segment.count(reader, term)?;
        }
        let (all, with) = (self.passages as f32, count as f32);
        let weight = (1.0 + (all - with + 0.5) / (with + 0.5)).ln();
        Ok(if frequent { weight.min(FREQUENT_WEIGHT) } else { weight }.max(LEAST_WEIGHT))
    }
}

/// What a word weighs of which nothing is known: every one alike, but that a short one says less than a long one.
pub(super) fn usual_weight(word: &str) -> f32 {
    if word.chars().all(is_hiragana) {
        return 1.0;
    }
    if word.contains(is_dense) {
        return 3.0;
    }
    let letters = u8::try_from(word.chars().count().min(8)).unwrap_or(8);
    2.0 + f32::from(letters) * 0.25
}
