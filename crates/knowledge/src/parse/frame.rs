//! What the parent and the child that parses say to each other: a header in JSON, then bytes, each with its length ahead.
//! INVARIANT: the parent believes nothing that the child says about its answer: lengths and places are checked.

use serde::{Deserialize, Serialize};

use super::document::{Block, ParsedDocument, Warning};
use super::format::Declared;
use super::limits::Limits;
use crate::KnowledgeError;
use crate::language::Language;

/// The lengths of header and bytes, little-endian.
pub(super) const LENGTHS_BYTES: usize = 12;
/// The longest header of a request.
pub(super) const MOST_REQUEST_HEADER_BYTES: u32 = 1 << 20;
/// The longest header of an answer: a block takes some 25 bytes.
pub(super) const MOST_ANSWER_HEADER_BYTES: u32 = 256 << 20;

/// What the child is asked, ahead of the document's bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) declared: Declared,
    pub(super) limits: Limits,
}

/// What the child answers, ahead of the text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Document { title: Option<String>, blocks: Vec<Block>, warnings: Vec<Warning>, language: Option<Language> },
    Refused(KnowledgeError),
}

/// The lengths ahead of a header and bytes.
pub(super) fn lengths(header: &[u8], bytes: &[u8]) -> [u8; LENGTHS_BYTES] {
    let mut lengths = [0; LENGTHS_BYTES];
    let (first, second) = lengths.split_at_mut(4);
    first.copy_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
    second.copy_from_slice(&(bytes.len() as u64).to_le_bytes());
    lengths
}

/// The two lengths, if neither is beyond its limit.
pub(super) fn checked(lengths: [u8; LENGTHS_BYTES], most_header: u32, most_bytes: u64) -> Option<(usize, usize)> {
    let (first, second) = lengths.split_first_chunk::<4>()?;
    let header = u32::from_le_bytes(*first);
    let bytes = u64::from_le_bytes(second.try_into().ok()?);
    (header <= most_header && bytes <= most_bytes).then_some((header as usize, usize::try_from(bytes).ok()?))
}

impl Answer {
    /// An answer and the text that follows it.
    pub(super) fn of(result: Result<ParsedDocument, KnowledgeError>) -> (Self, String) {
        match result {
            Ok(ParsedDocument { title, text, blocks, warnings, language }) => {
                (Self::Document { title, blocks, warnings, language }, text)
            }
            Err(error) => (Self::Refused(error), String::new()),
        }
    }

    /// The result, once its places fit its text.
    pub(super) fn with_text(self, text: Vec<u8>) -> Result<ParsedDocument, KnowledgeError> {
        let (title, blocks, warnings, language) = match self {
            Self::Document { title, blocks, warnings, language } => (title, blocks, warnings, language),
            Self::Refused(error) => return Err(error),
        };
        let text = String::from_utf8(text).map_err(|_| KnowledgeError::died("its answer was no text"))?;
        let chars = text.chars().count() as u64;
        let mut end = 0;
        for block in &blocks {
            if block.start < end || block.end < block.start || u64::from(block.end) > chars {
                return Err(KnowledgeError::died("its answer did not fit together"));
            }
            end = block.end;
        }
        Ok(ParsedDocument { title, text, blocks, warnings, language })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_beyond_the_text_are_refused() {
        let answer = |blocks: &[(u8, u32, u32, u32)]| {
            let blocks = blocks.iter().map(|block| Block::try_from(*block).unwrap()).collect();
            let answer = Answer::Document { title: None, blocks, warnings: Vec::new(), language: None };
            answer.with_text("ändern".into()).is_ok()
        };
        assert!(answer(&[(1, 0, 2, 0), (10, 3, 6, 1)]));
        assert!(!answer(&[(10, 0, 7, 0)]));
        assert!(!answer(&[(10, 3, 6, 0), (10, 0, 2, 0)]));
        assert!(!answer(&[(10, 3, 2, 0)]));
    }

    proptest! {
        #[test]
        fn any_lengths_are_within_limits_or_refused(bytes: [u8; LENGTHS_BYTES]) {
            if let Some((header, body)) = checked(bytes, 1000, 5000) {
                prop_assert!(header <= 1000 && body <= 5000);
            }
        }

        #[test]
        fn lengths_are_read_as_written(header in 0..900_usize, bytes in 0..900_usize) {
            let written = lengths(&vec![0; header], &vec![0; bytes]);
            prop_assert_eq!(checked(written, 1000, 1000), Some((header, bytes)));
        }
    }
}
