//! A person's own words (ACCESS.md): what somebody types or pastes is compared with what they were shown before; where it
//! overlaps, what that was made from is added to what their words are made from.
//!
//! - **Invariant:** whatever shares [`Fingerprint::SURE_LETTERS`] letters in a row with a text that is remembered is found.
//! - **Invariant:** what is remembered is numbers under a key, within a fixed count; the oldest go first.

mod fingerprint;

use std::collections::{HashSet, VecDeque};

use domain::Provenance;
use serde::{Deserialize, Serialize};

pub use fingerprint::{Fingerprint, FingerprintKey};

/// What one person was shown, as fingerprints: no words, and nobody's who has not the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    most_marks: usize,
    /// The oldest first.
    texts: VecDeque<ShownText>,
}

/// One text that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ShownText {
    provenance: Provenance,
    fingerprint: Fingerprint,
}

impl Shown {
    /// Nothing yet. It keeps at most this many marks, 8 bytes each: about one for every nine letters that were shown. A
    /// text of more marks than that is cut to what fits.
    #[must_use]
    pub const fn new(most_marks: usize) -> Self {
        Self { most_marks, texts: VecDeque::new() }
    }

    /// Remembers a text that is shown now, with everything that it was made from. What was shown before in the same way
    /// becomes the newest.
    pub fn remember(&mut self, provenance: &Provenance, mut fingerprint: Fingerprint) {
        fingerprint.cut(self.most_marks);
        if fingerprint.marks().is_empty() || provenance.sources().is_empty() {
            return;
        }
        let text = ShownText { provenance: provenance.clone(), fingerprint };
        self.texts.retain(|before| *before != text);
        self.texts.push_back(text);
        let mut marks = self.marks();
        while marks > self.most_marks {
            let Some(oldest) = self.texts.pop_front() else { break };
            marks -= oldest.fingerprint.marks().len();
        }
    }

    /// How many marks are kept.
    #[must_use]
    pub fn marks(&self) -> usize {
        self.texts.iter().map(|text| text.fingerprint.marks().len()).sum()
    }

    /// What the texts were made from that share words with this one; nothing where none does. The fingerprint has to be
    /// under the same key. Takes time in proportion to what is kept.
    #[must_use]
    pub fn overlap(&self, fingerprint: &Fingerprint) -> Provenance {
        let wanted: HashSet<u64> = fingerprint.marks().iter().copied().collect();
        let shares = |text: &&ShownText| text.fingerprint.marks().iter().any(|mark| wanted.contains(mark));
        let mut provenance = Provenance::default();
        self.texts.iter().filter(shares).for_each(|text| provenance.extend(&text.provenance));
        provenance
    }
}
