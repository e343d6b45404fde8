//! [`Index`]: full text and vectors of the same passages, in one folder. A cache: everything in it can be made again.
//!
//! Documents are named by slots, numbers that the caller assigns and keeps. Each part carries the stamp of the last change
//! that it knows durably; after a crash it goes on from there.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::KnowledgeError;
use crate::lexical::LexicalIndex;
use crate::vectors::{VectorIndex, VectorShape};

/// What a rank counts for: 1 / (60 + rank) (Cormack, Clarke and Büttcher 2009, "Reciprocal rank fusion").
const RANK_OFFSET: f32 = 60.0;
/// What a rank by vectors counts for, beside one by words: who asks for a number or a name by itself gets what has it, and
/// not what happens to be nearest to it.
const VECTORS: f32 = 0.9;

/// Shares of a question from which a rank by words counts for nothing, and for all (`bench/recall.py`: in the same language the
/// right paragraph has 0.7 of it, half of those in another have less than 0.3).
const LITTLE: f32 = 0.25;
const MUCH: f32 = 0.5;

/// The name of a passage within an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageKey {
    /// Its document.
    pub slot: u32,
    /// Which version of that.
    pub version: u32,
    /// Which of its passages, from 0.
    pub number: u32,
}

/// Full text and vectors of the same passages.
#[derive(Debug)]
pub struct Index {
    /// The full text.
    pub text: LexicalIndex,
    /// The vectors.
    pub vectors: VectorIndex,
}

impl Index {
    /// Opens both parts in a folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`KnowledgeError::IndexDamaged`] where a part is not as it was written, or of another shape.
    pub fn open(folder: &Path, shape: VectorShape) -> Result<Self, KnowledgeError> {
        let text = LexicalIndex::open(&folder.join("text"))?;
        let vectors = VectorIndex::open(&folder.join("vectors"), shape)?;
        Ok(Self { text, vectors })
    }
}

/// The ranking by words (each with the share of the question that it has) and the one by vectors as one, best first: what
/// stands high in both comes first. Ties go by name.
#[must_use]
pub fn fuse(by_words: &[(PassageKey, f32)], by_vectors: &[PassageKey]) -> Vec<(PassageKey, f32)> {
    let mut scores: BTreeMap<PassageKey, f32> = BTreeMap::new();
    let by_words = by_words.iter().map(|(key, share)| (*key, trust(*share)));
    let by_vectors = by_vectors.iter().map(|key| (*key, VECTORS));
    let ranked = (1_u16..).zip(by_words).chain((1_u16..).zip(by_vectors));
    for (rank, (key, weight)) in ranked {
        *scores.entry(key).or_default() += weight / (RANK_OFFSET + f32::from(rank));
    }
    let mut fused: Vec<(PassageKey, f32)> = scores.into_iter().collect();
    fused.sort_by(|(a, one), (b, other)| other.total_cmp(one).then(a.cmp(b)));
    fused
}

/// What a rank by words counts for: nothing where a passage has little of the question, such as a name in a text of another
/// language, which would lift it over what says the same in other words.
fn trust(share: f32) -> f32 {
    ((share - LITTLE) / (MUCH - LITTLE)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(slot: u32) -> PassageKey {
        PassageKey { slot, version: 1, number: 0 }
    }

    #[test]
    fn what_stands_high_in_both_comes_first() {
        let order = |by_words: &[u32], by_vectors: &[u32]| -> Vec<u32> {
            let keys = |slots: &[u32]| slots.iter().map(|slot| key(*slot)).collect::<Vec<_>>();
            let by_words: Vec<_> = keys(by_words).into_iter().map(|key| (key, 1.0)).collect();
            fuse(&by_words, &keys(by_vectors)).iter().map(|(key, _)| key.slot).collect()
        };
        assert_eq!(order(&[1, 2, 3], &[3, 2, 9]), [2, 3, 1, 9]);
        assert_eq!(order(&[7], &[1, 2, 3]), [7, 1, 2, 3]);
        assert!(order(&[], &[]).is_empty());
        let [named, meant] = [key(7), key(1)];
        assert_eq!(fuse(&[(named, 0.1)], &[meant])[0].0, meant, "one name of many words");
        assert_eq!(fuse(&[(named, 0.6)], &[meant])[0].0, named);
    }
}
