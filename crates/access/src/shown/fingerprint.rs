//! Fingerprints by winnowing: S. Schleimer, D. S. Wilkerson, A. Aiken, "Winnowing: Local Algorithms for Document
//! Fingerprinting", SIGMOD 2003. Of the hashes of all runs of k letters, the smallest of every w in a row is kept; what two
//! texts share of w + k - 1 letters in a row then leaves the same mark in both (their section 3), and what is shorter
//! than k leaves none.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fold::{GAP, is_dense, words};

/// Letters in a run, k in the paper.
const RUN: usize = 24;
/// Runs of which one is kept, w in the paper.
const WINDOW: usize = 17;
/// A prime for hashes that roll: 2^61 - 1.
const PRIME: u64 = (1 << 61) - 1;

/// What makes marks worth nothing to who has not got it. Prints nothing of itself.
#[derive(Clone)]
pub struct FingerprintKey {
    secret: [u8; 32],
    /// The base of the hash that rolls.
    base: u64,
}

/// The marks of one text, in order and each once: 64 bits each of a hash under a key.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Vec<u64>);

impl FingerprintKey {
    /// From 32 random bytes, which the installation keeps secret. Under another key nothing that was remembered is found.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        let base = first_eight(&Sha256::new().chain_update(b"base").chain_update(secret).finalize());
        // Not 0 or 1, by which all texts would be alike.
        Self { secret, base: base % (PRIME - 2) + 2 }
    }

    /// 64 bits of SHA-256 of what this is about, the secret (both of fixed length) and these characters or letters.
    pub(crate) fn mark(&self, about: [u8; 4], numbers: impl Iterator<Item = u32>) -> u64 {
        let bytes: Vec<u8> = numbers.flat_map(u32::to_le_bytes).collect();
        first_eight(&Sha256::new().chain_update(about).chain_update(self.secret).chain_update(bytes).finalize())
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(..)")
    }
}

impl Fingerprint {
    /// What two texts have to share in a row to be found for sure, in letters and digits; an ideograph, a kana or a Hangul
    /// syllable counts as two. Case, marks on letters, width, spaces, punctuation and what shows nothing do not count.
    pub const SURE_LETTERS: usize = RUN + WINDOW - 1;
    /// What they have to share at least to be found at all.
    pub const FEWEST_LETTERS: usize = RUN;

    /// The fingerprint of a text under a key; empty for one of fewer than [`Self::FEWEST_LETTERS`].
    #[must_use]
    pub fn of(key: &FingerprintKey, text: &str) -> Self {
        let units = units(text);
        let hashes = rolled(key, &units);
        let runs = chosen(&hashes).into_iter().filter_map(|at| units.get(at..at + RUN));
        let mut marks: Vec<u64> = runs.map(|run| key.mark(*b"runs", run.iter().copied())).collect();
        marks.sort_unstable();
        marks.dedup();
        Self(marks)
    }

    pub(super) fn marks(&self) -> &[u64] {
        &self.0
    }

    pub(super) fn cut(&mut self, most: usize) {
        self.0.truncate(most);
    }
}

fn first_eight(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// The letters of a text as numbers; a dense one gives two.
fn units(text: &str) -> Vec<u32> {
    let letters = words(text).into_iter().map(|letter| letter.what).filter(|letter| *letter != GAP);
    let pair = |letter: char| [Some(u32::from(letter) * 2), is_dense(letter).then_some(u32::from(letter) * 2 + 1)];
    letters.flat_map(pair).flatten().collect()
}

fn times(a: u64, b: u64) -> u64 {
    // INVARIANT: what is left of a division by a number of 61 bits fits into 64.
    u64::try_from(u128::from(a) * u128::from(b) % u128::from(PRIME)).unwrap_or_default()
}

/// The hash of every run of letters, by its first letter (Karp and Rabin 1987).
fn rolled(key: &FingerprintKey, units: &[u32]) -> Vec<u64> {
    let Some(first) = units.get(..RUN) else { return Vec::new() };
    let add = |hash: u64, unit: u32| (times(hash, key.base) + u64::from(unit) + 1) % PRIME;
    let highest = (1..RUN).fold(1, |power, _| times(power, key.base));
    let mut hash = first.iter().fold(0, |hash, unit| add(hash, *unit));
    let mut hashes = vec![hash];
    for (gone, come) in units.iter().zip(units.iter().skip(RUN)) {
        let without = hash + PRIME - times(highest, u64::from(*gone) + 1);
        hash = add(without % PRIME, *come);
        hashes.push(hash);
    }
    hashes
}

/// The places of the smallest hash of each window, the last where several are; of a text shorter than a window, of what
/// there is.
fn chosen(hashes: &[u64]) -> Vec<usize> {
    let smallest = |(start, window): (usize, &[u64])| {
        let last = window.iter().enumerate().min_by(|(i, a), (j, b)| a.cmp(b).then(j.cmp(i)));
        last.map(|(at, _)| start + at)
    };
    let windows = hashes.windows(WINDOW.min(hashes.len()).max(1)).enumerate();
    let mut places: Vec<usize> = windows.filter_map(smallest).collect();
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_rolls_is_that_of_its_run_alone() {
        let key = FingerprintKey::new([7; 32]);
        let units: Vec<u32> = (0..200).map(|number| number * number % 97).collect();
        let alone: Vec<u64> = units.windows(RUN).flat_map(|run| rolled(&key, run)).collect();
        assert_eq!(rolled(&key, &units), alone);
        assert!(rolled(&key, &units[..RUN - 1]).is_empty());
    }

    #[test]
    fn a_key_does_not_print() {
        assert_eq!(format!("{:?}", FingerprintKey::new([7; 32])), "FingerprintKey(..)");
    }
}
