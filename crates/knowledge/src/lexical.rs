//! The full-text index: passages of documents, found by their words under permissions. It is a cache that can be filled
//! again at any time.
//! INVARIANT: what is not allowed has no influence on a search: not on its results, their order or their scores.
//! INVARIANT: a commit is whole and lasts; after a crash the index is as of the last one.

mod best;
mod failure;
mod frequent;
mod layout;
mod letters;
mod passages;
mod query;
mod rank;
mod statistics;
mod stems;
mod view;
mod words;
mod writer;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tantivy::IndexReader;

use self::best::Best;
use self::failure::failure;
pub(crate) use self::frequent::languages_by_words;
use self::layout::Fields;
use self::rank::{LengthNorms, Scan};
use self::statistics::StatisticsMemory;
use self::view::View;
use self::writer::Writer;
use crate::KnowledgeError;

/// Letters of a word that tell it apart from others, its endings aside.
const BEGINNING: usize = 5;

/// The beginnings of the words of a text that say something by themselves, each once; pairs of letters where words are not
/// told apart by spaces.
pub(crate) fn telling_words(text: &str) -> BTreeSet<String> {
    let mut telling = BTreeSet::new();
    words::words(text, &mut |word| {
        if !frequent::is_frequent(&word.folded) {
            telling.insert(word.folded.chars().take(BEGINNING).collect());
        }
    });
    telling
}

/// A passage as it is indexed.
#[derive(Debug, Clone, Copy)]
pub struct LexicalPassage<'t> {
    /// Its number within its document.
    pub number: u32,
    /// The title of its document.
    pub title: &'t str,
    /// The headings above it.
    pub headings: &'t [String],
    /// Its text.
    pub text: &'t str,
}

/// A passage that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LexicalHit {
    /// The document.
    pub slot: u32,
    /// The version of the document that was indexed.
    pub version: u32,
    /// The passage's number within the document.
    pub number: u32,
    /// BM25 with weights from public documents; to be compared within one search only.
    pub score: f32,
    /// How much of the query it has: its score beside that of a passage of mean length that has every word of it once. About
    /// 1 where all of it is there, whatever else the index holds.
    pub share: f32,
}

/// The documents that everyone may read: ranking statistics come from them alone.
#[derive(Clone, Copy)]
pub struct PublicDocuments<'a> {
    /// Another number whenever the set is another; what was counted is kept by it.
    pub generation: u64,
    /// Whether a document, by its slot, is one of them.
    pub contains: &'a (dyn Fn(u32) -> bool + Sync),
}

/// The full-text index in a folder of its own. One writes at a time; searches wait for nobody.
pub struct LexicalIndex {
    fields: Fields,
    reader: IndexReader,
    view: RwLock<Arc<View>>,
    statistics: StatisticsMemory,
    writer: Mutex<Writer>,
    stamp: AtomicU64,
}

impl LexicalIndex {
    /// Opens the index of a folder as of its last commit, or makes one. Every file is read and checked.
    ///
    /// # Errors
    /// [`KnowledgeError::IndexDamaged`] where a file is not as it was written, or the index was made by another version:
    /// delete the folder and fill the index again. [`KnowledgeError::IndexUnusable`] where the folder cannot be read or
    /// written, or another process has it.
    pub fn open(folder: &Path) -> Result<Self, KnowledgeError> {
        let (index, fields) = writer::open_folder(folder)?;
        let stamp = writer::committed_stamp(&index)?;
        let reader = index.reader_builder().reload_policy(tantivy::ReloadPolicy::Manual);
        let reader: IndexReader = reader.try_into().map_err(failure)?;
        let (view, closed) = View::first(reader.searcher(), &fields)?;
        let writer = Mutex::new(Writer::new(index, fields, closed)?);
        let (view, stamp) = (RwLock::new(Arc::new(view)), AtomicU64::new(stamp));
        Ok(Self { fields, reader, view, statistics: StatisticsMemory::default(), writer, stamp })
    }

    /// Replaces what is indexed of a document. `language` is its code (ISO 639-3), as [`crate::language::detect`] gives
    /// it. Found after the next [`Self::commit`].
    ///
    /// # Errors
    /// [`KnowledgeError::IndexUnusable`] where the disk is full or the index cannot be written any more: open it again.
    pub fn put(
        &self,
        slot: u32,
        version: u32,
        language: Option<&str>,
        passages: &[LexicalPassage<'_>],
    ) -> Result<(), KnowledgeError> {
        let documents = self.fields.documents((slot, version), language, passages);
        self.writer().replace(slot, documents)
    }

    /// Takes a document out of the index. It is found until the next [`Self::commit`], and its bytes are on the disk until
    /// the next [`Self::purge`].
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn remove(&self, slot: u32) -> Result<(), KnowledgeError> {
        self.writer().replace(slot, Vec::new())
    }

    /// Makes everything since the last commit last and be found, and keeps the caller's stamp with it.
    ///
    /// # Errors
    /// As [`Self::put`].
    pub fn commit(&self, stamp: u64) -> Result<(), KnowledgeError> {
        let mut writer = self.writer();
        writer.commit(stamp)?;
        self.stamp.store(stamp, Ordering::Release);
        self.show(&mut writer)
    }

    /// The stamp of the last commit; 0 before the first.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.stamp.load(Ordering::Acquire)
    }

    /// Leaves no byte of what was removed on the disk. What was not committed yet is committed, under the last stamp.
    /// Waits for merges and for searches that are under way; new searches do not wait.
    ///
    /// # Errors
    /// As [`Self::put`]; then some bytes may remain, and it is to be called again.
    pub fn purge(&self) -> Result<(), KnowledgeError> {
        let mut writer = self.writer();
        writer.rewrite(self.stamp())?;
        self.show(&mut writer)?;
        writer.sweep()
    }

    /// The passages with words of the query that are allowed, best first; of equal ones the lower slot and number. The
    /// query is plain words: no character in it is an operator. Of a long one, 64 words count.
    ///
    /// # Errors
    /// [`KnowledgeError::IndexDamaged`] or [`KnowledgeError::IndexUnusable`] where a file cannot be read.
    pub fn search(
        &self,
        query: &str,
        allowed: &(dyn Fn(u32) -> bool + Sync),
        public: &PublicDocuments<'_>,
        limit: usize,
    ) -> Result<Vec<LexicalHit>, KnowledgeError> {
        let words = query::query_words(query);
        if words.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let view = self.view();
        let statistics = self.statistics.of(&view, &self.fields, public)?;
        let (terms, whole) = query::weigh(&words, &view, &self.fields, &statistics)?;
        let norms = LengthNorms::of([statistics.mean_length(rank::WORDS), statistics.mean_length(rank::STEMS)]);
        let mut best = Best::new(limit);
        for (reader, passages) in view.searcher.segment_readers().iter().zip(&view.segments) {
            let places = passages.places_of(allowed);
            Scan::open(reader, (passages, &places), &self.fields, &terms, &norms)?.run(&mut best);
        }
        Ok(best.into_hits(whole))
    }

    fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the last commit to the searches that begin from now on.
    fn show(&self, writer: &mut Writer) -> Result<(), KnowledgeError> {
        self.reader.reload().map_err(failure)?;
        let before = self.view();
        let (view, closed) = View::of(self.reader.searcher(), &self.fields, &before.segments)?;
        drop(before);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
        writer.shown(closed);
        Ok(())
    }
}

impl std::fmt::Debug for LexicalIndex {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("LexicalIndex").field("stamp", &self.stamp()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
