//! What people were shown, by which what they type, paste or send as history is told from words of their own alone
//! (docs/access.md, "A person's own words"). Fingerprints, and never the words.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Fingerprint, FingerprintKey, Remembered, Shown, ShownText};
use domain::{Principal, Provenance, Source};
use lru::LruCache;
use tokio::sync::OwnedMutexGuard;

use crate::app::App;
use crate::error::AppError;

/// What is kept for each person, in marks: of some million letters, the newest.
const MOST: usize = 100_000;
/// What is at hand of all people together, in marks: 64 MiB.
const MOST_AT_HAND: usize = 8 << 20;

/// What one person was shown; none before it was read, and while it is being written.
type Memory = Arc<tokio::sync::Mutex<Option<Shown>>>;

/// What people were shown.
pub(crate) struct ShownTexts {
    key: FingerprintKey,
    people: Mutex<People>,
}

/// Those whose marks are at hand, who asked last among them.
struct People {
    /// Each with what it weighs.
    memories: LruCache<Principal, (Memory, usize)>,
    weight: usize,
}

impl People {
    fn of(&mut self, who: Principal) -> Memory {
        self.memories.get_or_insert_mut(who, Default::default).0.clone()
    }

    /// Notes what somebody's memory weighs now, and lets go of those that nobody asked for lately.
    fn weigh(&mut self, who: Principal, weight: usize) {
        let Some((_, before)) = self.memories.get_mut(&who) else { return };
        self.weight = self.weight + weight - std::mem::replace(before, weight);
        for _ in 0..self.memories.len() {
            if self.weight <= MOST_AT_HAND {
                return;
            }
            let Some((oldest, (memory, weight))) = self.memories.pop_lru() else { return };
            // One that is in use must stay: another beside it would not know what is written to it.
            match Arc::strong_count(&memory) {
                1 => self.weight -= weight,
                _ => drop(self.memories.push(oldest, (memory, weight))),
            }
        }
    }
}

impl ShownTexts {
    /// Under the installation's key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        let people = People { memories: LruCache::unbounded(), weight: 0 };
        Self { key: FingerprintKey::new(*key), people: Mutex::new(people) }
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
        if memory.as_ref().is_none_or(|shown| shown.weight() == 0) {
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
        // Until it is written nobody has it: whoever is dropped here, or fails, leaves what the state holds.
        let Some(mut shown) = memory.take() else { return Ok(()) };
        let mut new: Vec<Remembered> = marked.into_iter().map(|text| shown.remember(text)).collect();
        new.retain(|text| *text != Remembered::Before);
        if !new.is_empty() {
            app.store.add_shown(who, &new, MOST).await?;
        }
        self.people().weigh(who, shown.weight());
        *memory = Some(shown);
        Ok(())
    }

    /// Nothing is remembered of somebody who was erased.
    pub(crate) fn forget(&self, who: Principal) {
        let mut people = self.people();
        people.weigh(who, 0);
        people.memories.pop(&who);
    }

    /// What somebody was shown, read from the state where it is not at hand. Held while it is looked at.
    async fn of(&self, app: &App, who: Principal) -> Result<OwnedMutexGuard<Option<Shown>>, AppError> {
        let memory = self.people().of(who);
        let mut memory = memory.lock_owned().await;
        if memory.is_none() {
            let shown = Shown::of(MOST, app.store.shown_to(who).await?);
            self.people().weigh(who, shown.weight());
            *memory = Some(shown);
        }
        Ok(memory)
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use domain::{DocumentId, PersonId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn those_who_asked_last_are_at_hand_and_those_in_use_stay() {
        let who = |number| Principal::Person(PersonId::from_uuid(Uuid::from_u128(number)));
        let mut people = People { memories: LruCache::unbounded(), weight: 0 };
        let in_use = people.of(who(1));
        for number in 1..=20 {
            people.of(who(number));
            people.weigh(who(number), MOST_AT_HAND / 4);
            assert!(people.weight <= MOST_AT_HAND, "{}", people.weight);
        }
        assert!(Arc::ptr_eq(&in_use, &people.of(who(1))));
        assert!(people.memories.contains(&who(20)) && !people.memories.contains(&who(2)));
        let weighed: usize = people.memories.iter().map(|(_, (_, weight))| weight).sum();
        assert_eq!(weighed, people.weight);
    }

    #[test]
    fn words_of_people_tell_nothing_of_documents() {
        let author = Principal::Person(PersonId::from_uuid(Uuid::from_u128(1)));
        let mut provenance = Provenance::words_of(author);
        assert!(!holds_more_than_words(&provenance));
        provenance.add(Source::Document { document: DocumentId::from_uuid(Uuid::from_u128(2)), version: 1 });
        assert!(holds_more_than_words(&provenance));
    }
}
