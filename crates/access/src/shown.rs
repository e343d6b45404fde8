//! A person's own words (docs/access.md): what somebody types or pastes is compared with what they were shown before; where it
//! overlaps, what that was made from is added to what their words are made from.
//!
//! - **Invariant:** whatever shares [`Fingerprint::SURE_LETTERS`] letters in a row with a text that is remembered whole is found.
//! - **Invariant:** what is remembered is numbers under a key, of at most a fixed weight; the oldest go first.

mod fingerprint;

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::Provenance;
use serde::{Deserialize, Serialize};

pub use fingerprint::{Fingerprint, FingerprintKey};

/// One text has at most this share of what is remembered: none pushes all others out.
const MOST_OF_ONE: usize = 8;
/// What a source weighs, in marks: its id and kind take so much more room.
const SOURCE_WEIGHS: usize = 6;

/// What one person was shown, as fingerprints: no words, and nobody's who has not the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    most: usize,
    weight: usize,
    /// The oldest first.
    texts: VecDeque<ShownText>,
}

/// One text that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownText {
    /// Everything that it was made from.
    pub provenance: Provenance,
    /// Its marks.
    pub fingerprint: Fingerprint,
}

impl ShownText {
    /// What it takes to remember it, in marks of 8 bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.fingerprint.marks().len() + SOURCE_WEIGHS * self.provenance.sources().len()
    }
}

/// What became of a text that was to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// It says too little to be told again, or is remembered well enough.
    Before,
    /// It is the newest now.
    New(ShownText),
    /// It is the newest now, and no longer where it was.
    Moved(ShownText),
}

impl Shown {
    /// Nothing yet. It keeps texts of at most this weight together: a mark, 8 bytes, is about nine letters that were shown.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, weight: 0, texts: VecDeque::new() }
    }

    /// What was kept of it, the oldest first.
    #[must_use]
    pub fn of(most: usize, kept: Vec<ShownText>) -> Self {
        let weight = kept.iter().map(ShownText::weight).sum();
        let mut shown = Self { most, weight, texts: kept.into() };
        shown.cut();
        shown
    }

    /// Remembers a text that is shown now. Of a long one a sample of its marks is kept. What was shown before in the same way
    /// becomes the newest where it was among the older half: so it stays, and is not written again each time.
    pub fn remember(&mut self, mut text: ShownText) -> Remembered {
        text.fingerprint.cut(self.most / MOST_OF_ONE);
        if text.fingerprint.marks().is_empty() || text.provenance.sources().is_empty() || text.weight() > self.most {
            return Remembered::Before;
        }
        let place = self.texts.iter().position(|before| *before == text);
        if let Some(place) = place {
            let newer: usize = self.texts.iter().skip(place).map(ShownText::weight).sum();
            if newer <= self.most / 2 {
                return Remembered::Before;
            }
            self.texts.remove(place);
            self.weight -= text.weight();
        }
        self.weight += text.weight();
        self.texts.push_back(text.clone());
        self.cut();
        if place.is_some() { Remembered::Moved(text) } else { Remembered::New(text) }
    }

    fn cut(&mut self) {
        while self.weight > self.most {
            let Some(oldest) = self.texts.pop_front() else { break };
            self.weight -= oldest.weight();
        }
    }

    /// What all of it weighs.
    #[must_use]
    pub const fn weight(&self) -> usize {
        self.weight
    }

    /// For each of these texts what those were made from that share words with it; nothing where none does. The fingerprints
    /// have to be under the same key. Takes time in proportion to what is kept, however many are asked about.
    #[must_use]
    pub fn overlaps(&self, fingerprints: &[Fingerprint]) -> Vec<Provenance> {
        let mut found = vec![Provenance::default(); fingerprints.len()];
        let mut wanted: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, fingerprint) in fingerprints.iter().enumerate() {
            fingerprint.marks().iter().for_each(|mark| wanted.entry(*mark).or_default().push(place));
        }
        if wanted.is_empty() {
            return found;
        }
        for text in &self.texts {
            let shared = text.fingerprint.marks().iter().filter_map(|mark| wanted.get(mark)).flatten();
            for place in shared.copied().collect::<BTreeSet<usize>>() {
                if let Some(provenance) = found.get_mut(place) {
                    provenance.extend(&text.provenance);
                }
            }
        }
        found
    }
}
