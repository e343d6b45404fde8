//! Code points to bytes and back, and the blocks of a text as stretches of bytes that leave nothing out.

use std::ops::Range;

use crate::parse::{Block, BlockKind};

/// How many bytes lie between two known places.
const STEP: usize = 512;

/// The places of a text.
pub(super) struct Places<'t> {
    text: &'t str,
    /// Code points before each `STEP`-th byte.
    known: Vec<u32>,
}

/// A stretch of the text of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) kind: BlockKind,
    pub(super) page: Option<u32>,
}

impl<'t> Places<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let mut count = 0;
        let mut known = Vec::with_capacity(text.len() / STEP + 1);
        for piece in text.as_bytes().chunks(STEP) {
            known.push(count);
            count += begun(piece);
        }
        known.push(count);
        Self { text, known }
    }

    /// How many code points begin before a byte.
    pub(super) fn char_at(&self, byte: usize) -> u32 {
        let step = byte.min(self.text.len()) / STEP;
        let rest = self.text.as_bytes().get(step * STEP..byte.min(self.text.len())).unwrap_or_default();
        self.known.get(step).copied().unwrap_or(0) + begun(rest)
    }

    /// The byte at which a code point begins; the end of the text where there are fewer.
    fn byte_at(&self, place: u32) -> usize {
        let step = self.known.partition_point(|count| *count <= place).saturating_sub(1);
        let mut left = place - self.known.get(step).copied().unwrap_or(0);
        let from = (step * STEP).min(self.text.len());
        for (offset, byte) in self.text.as_bytes().get(from..).unwrap_or_default().iter().enumerate() {
            if is_begin(*byte) {
                if left == 0 {
                    return from + offset;
                }
                left -= 1;
            }
        }
        self.text.len()
    }

    /// Stretches that hold all of the text: the blocks, cut where they overlap, and running text between them.
    pub(super) fn spans(&self, blocks: &[Block]) -> Vec<Span> {
        let mut spans = Vec::with_capacity(blocks.len());
        let mut end = 0;
        for block in blocks {
            let range = self.byte_at(block.start).max(end)..self.byte_at(block.end);
            if range.is_empty() {
                continue;
            }
            spans.extend(self.running(end..range.start, block.page));
            end = range.end;
            spans.push(Span { range, kind: block.kind, page: block.page });
        }
        spans.extend(self.running(end..self.text.len(), None));
        spans
    }

    fn running(&self, range: Range<usize>, page: Option<u32>) -> Option<Span> {
        let text = self.text.get(range.clone())?;
        (!text.trim().is_empty()).then_some(Span { range, kind: BlockKind::Paragraph, page })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a step is far below the bound, as is the rest of one")]
fn begun(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| is_begin(**byte)).count() as u32
}

const fn is_begin(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_agree_with_counting(text in "(a|é|語|🦀|\n){0,900}", place in 0..1000_u32) {
            let places = Places::of(&text);
            let expected = text.char_indices().nth(place as usize).map_or(text.len(), |(byte, _)| byte);
            prop_assert_eq!(places.byte_at(place), expected);
            prop_assert_eq!(places.char_at(expected) as usize, text[..expected].chars().count());
        }
    }
}
