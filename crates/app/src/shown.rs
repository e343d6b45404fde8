//! What people were shown, by which what they type, paste or send as history is told from words of their own alone
//! (ACCESS.md, "A person's own words"). Fingerprints, and never the words.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use access::{Fingerprint, FingerprintKey, Shown, ShownText};
use domain::{Principal, Provenance, Source};
use lru::LruCache;
use tokio::sync::OwnedMutexGuard;

use crate::app::App;
use crate::error::AppError;

/// Marks that are kept for each person: of some two million letters, the newest.
const MOST_MARKS: usize = 200_000;
/// People whose marks are at hand, those who asked last: 100 MiB at most.
const MOST_PEOPLE: NonZeroUsize = NonZeroUsize::new(64).unwrap();

/// What one person was shown; none before it was read.
type Memory = Arc<tokio::sync::Mutex<Option<Shown>>>;

/// What people were shown.
pub(crate) struct ShownTexts {
    key: FingerprintKey,
    people: Mutex<LruCache<Principal, Memory>>,
}

impl ShownTexts {
    /// Under the installation's key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self { key: FingerprintKey::new(*key), people: Mutex::new(LruCache::new(MOST_PEOPLE)) }
    }

    /// For each of somebody's texts what those were made from that it shares words with, and that they were shown before.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(crate) async fn behind(
        &self,
        app: &App,
        who: Principal,
        texts: Vec<String>,
    ) -> Result<Vec<Provenance>, AppError> {
        let memory = self.of(app, who).await?;
        if memory.as_ref().is_none_or(|shown| shown.marks() == 0) {
            return Ok(vec![Provenance::default(); texts.len()]);
        }
        let key = self.key.clone();
        let compare = move || {
            let fingerprints: Vec<Fingerprint> = texts.iter().map(|text| Fingerprint::of(&key, text)).collect();
            memory.as_ref().map(|shown| shown.overlaps(&fingerprints)).unwrap_or_default()
        };
        tokio::task::spawn_blocking(compare).await.map_err(|_| AppError::ShuttingDown)
    }

    /// Remembers what somebody is shown now. What was made from words alone tells nothing of anybody's documents.
    ///
    /// # Errors
    /// The state cannot be written: then it must not be shown.
    pub(crate) async fn remember(
        &self,
        app: &App,
        who: Principal,
        texts: Vec<(Provenance, String)>,
    ) -> Result<(), AppError> {
        let texts: Vec<_> = texts.into_iter().filter(|(provenance, _)| holds_more_than_words(provenance)).collect();
        if texts.is_empty() {
            return Ok(());
        }
        let key = self.key.clone();
        let mark = move |(provenance, text): (Provenance, String)| ShownText {
            provenance,
            fingerprint: Fingerprint::of(&key, &text),
        };
        let marked = tokio::task::spawn_blocking(move || texts.into_iter().map(mark).collect::<Vec<ShownText>>());
        let marked = marked.await.map_err(|_| AppError::ShuttingDown)?;
        let mut memory = self.of(app, who).await?;
        let Some(shown) = memory.as_mut() else { return Ok(()) };
        let new: Vec<ShownText> = marked.into_iter().filter(|text| shown.remember(text.clone())).collect();
        if new.is_empty() {
            return Ok(());
        }
        let kept = app.store.add_shown(who, &new, MOST_MARKS).await;
        if kept.is_err() {
            // What is remembered here alone would be forgotten: it is read again.
            *memory = None;
        }
        Ok(kept?)
    }

    /// Nothing is remembered of somebody who was erased.
    pub(crate) fn forget(&self, who: Principal) {
        if let Ok(mut people) = self.people.lock() {
            people.pop(&who);
        }
    }

    /// What somebody was shown, read from the state where it is not at hand. Held while it is looked at: two answers at
    /// once must not forget each other.
    async fn of(&self, app: &App, who: Principal) -> Result<OwnedMutexGuard<Option<Shown>>, AppError> {
        let memory = {
            let mut people = self.people.lock().map_err(|_| AppError::ShuttingDown)?;
            people.get_or_insert(who, Memory::default).clone()
        };
        let mut memory = memory.lock_owned().await;
        if memory.is_none() {
            let mut shown = Shown::new(MOST_MARKS);
            for text in app.store.shown_to(who).await? {
                shown.remember(text);
            }
            *memory = Some(shown);
        }
        Ok(memory)
    }
}

/// Whether something was made from anything but words of people.
pub(crate) fn holds_more_than_words(provenance: &Provenance) -> bool {
    provenance.sources().iter().any(|source| !matches!(source, Source::Words { .. }))
}

impl fmt::Debug for ShownTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShownTexts(..)")
    }
}
