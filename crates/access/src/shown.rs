//! A person's own words (ACCESS.md): what somebody types or pastes is compared with what they were shown before; where it
//! overlaps, what that was made from is added to what their words are made from.
//!
//! - **Invariant:** whatever shares [`Fingerprint::SURE_LETTERS`] letters in a row with a text that is remembered is found.
//! - **Invariant:** what is remembered is numbers under a key, within a fixed count; the oldest go first.

mod fingerprint;

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::Provenance;
use serde::{Deserialize, Serialize};

pub use fingerprint::{Fingerprint, FingerprintKey};

/// What one person was shown, as fingerprints: no words, and nobody's who has not the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    most_marks: usize,
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
    /// How many marks it has.
    #[must_use]
    pub fn marks(&self) -> usize {
        self.fingerprint.marks().len()
    }
}

impl Shown {
    /// Nothing yet. It keeps at most this many marks, 8 bytes each: about one for every nine letters that were shown. A
    /// text of more marks than that is cut to what fits.
    #[must_use]
    pub const fn new(most_marks: usize) -> Self {
        Self { most_marks, texts: VecDeque::new() }
    }

    /// Remembers a text that is shown now, and answers whether it is new: what was shown before in the same way becomes the
    /// newest, what says too little to be told again is let go.
    pub fn remember(&mut self, mut text: ShownText) -> bool {
        text.fingerprint.cut(self.most_marks);
        if text.marks() == 0 || text.provenance.sources().is_empty() {
            return false;
        }
        let before = self.texts.len();
        self.texts.retain(|before| *before != text);
        let is_new = self.texts.len() == before;
        self.texts.push_back(text);
        let mut marks = self.marks();
        while marks > self.most_marks {
            let Some(oldest) = self.texts.pop_front() else { break };
            marks -= oldest.marks();
        }
        is_new
    }

    /// How many marks are kept.
    #[must_use]
    pub fn marks(&self) -> usize {
        self.texts.iter().map(ShownText::marks).sum()
    }

    /// For each of these texts what those were made from that share words with it; nothing where none does. The fingerprints
    /// have to be under the same key. Takes time in proportion to what is kept, however many are asked about.
    #[must_use]
    pub fn overlaps(&self, fingerprints: &[Fingerprint]) -> Vec<Provenance> {
        let mut wanted: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, fingerprint) in fingerprints.iter().enumerate() {
            fingerprint.marks().iter().for_each(|mark| wanted.entry(*mark).or_default().push(place));
        }
        let mut found = vec![Provenance::default(); fingerprints.len()];
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
