//! The index as of the last commit. A search holds one view from its beginning to its end, whatever is written meanwhile.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use tantivy::Searcher;

use super::failure::failure;
use super::layout::Fields;
use super::passages::{SegmentKey, SegmentPassages, key};
use crate::KnowledgeError;

/// The committed passages, and what is known of each segment.
pub(super) struct View {
    pub(super) searcher: Searcher,
    /// In the order of the searcher's segments.
    pub(super) segments: Vec<Arc<SegmentPassages>>,
    /// The languages whose stems are somewhere in it, sorted.
    pub(super) languages: Vec<String>,
    /// Dropped with the view: whoever waits for that learns that nobody reads its files.
    _open: Sender<()>,
}

impl View {
    /// Looks at what was committed; what is known of segments that were there before is taken over. The receiver hears
    /// when the view is no longer used.
    pub(super) fn of(
        searcher: Searcher,
        fields: &Fields,
        before: &[Arc<SegmentPassages>],
    ) -> Result<(Self, Receiver<()>), KnowledgeError> {
        let known: HashMap<SegmentKey, &Arc<SegmentPassages>> = before.iter().map(|known| (known.key, known)).collect();
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            segments.push(match known.get(&key(reader)) {
                Some(known) => Arc::clone(known),
                None => SegmentPassages::of(reader, fields)?,
            });
        }
        let mut languages: Vec<String> = segments.iter().flat_map(|segment| segment.languages.clone()).collect();
        languages.sort_unstable();
        languages.dedup();
        let (open, closed) = channel();
        Ok((Self { searcher, segments, languages, _open: open }, closed))
    }

    /// Looks at what was committed for the first time. Reads one value of every kind, so that damage shows.
    pub(super) fn first(searcher: Searcher, fields: &Fields) -> Result<(Self, Receiver<()>), KnowledgeError> {
        for reader in searcher.segment_readers() {
            for field in [fields.words, fields.stems] {
                reader.inverted_index(field).map_err(failure)?;
                reader.get_fieldnorms_reader(field).map_err(failure)?;
            }
        }
        Self::of(searcher, fields, &[])
    }
}
