//! How much one recipient has drawn from each sealed matter: many passages tell more than each of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The distinct passages that one recipient has drawn, by matter: marks under a key, no words. When to begin anew (each
/// month, on a decision) is for whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drawn(BTreeMap<String, BTreeSet<u64>>);

impl Drawn {
    /// How many distinct passages of a matter were drawn; never more than the matter allowed at the time.
    #[must_use]
    pub fn passages(&self, matter: &str) -> usize {
        self.0.get(matter).map_or(0, BTreeSet::len)
    }

    /// Whether a passage was drawn before, or one more may be.
    pub(super) fn has_room(&self, matter: &str, mark: u64, most: u32) -> bool {
        let Some(marks) = self.0.get(matter) else { return most > 0 };
        marks.contains(&mark) || marks.len() < most as usize
    }

    pub(super) fn add(&mut self, matter: &str, mark: u64) {
        self.0.entry(matter.to_owned()).or_default().insert(mark);
    }
}
