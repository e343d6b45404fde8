//! Text to passages, along headings, paragraphs and sentences. Every passage keeps its place in the text.
//! INVARIANT: passages are in order and hold every character of the text but white space.
//! INVARIANT: a passage's text is exactly what stands at its place, and has no more tokens than allowed.

mod pack;
mod places;
mod segments;
mod units;

use crate::parse::Block;
use pack::Packing;
use places::Places;
pub(crate) use segments::sentences;
use units::Outline;

/// How long passages are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// A passage ends where the next sentence would make it longer than this.
    pub target_tokens: usize,
    /// No passage is longer than this, unless a single character is.
    pub max_tokens: usize,
    /// How many sentences of the passage before are repeated, where one begins within a section.
    pub overlap_sentences: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { target_tokens: 320, max_tokens: 480, overlap_sentences: 1 }
    }
}

/// One passage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it begins, in code points of the document's text.
    pub start: u32,
    /// Where it ends, in code points of the document's text.
    pub end: u32,
    /// What stands there.
    pub text: String,
    /// The headings above all of it, the highest first. A heading that is in its text is not among them.
    pub headings: Vec<String>,
    /// The names of the columns, where it begins within a table.
    pub context: Option<String>,
    /// The page, sheet or slide on which it begins, counted from 1.
    pub page: Option<u32>,
}

/// Cuts a document's text into passages. Blocks are those of the same document; what they leave out counts as running
/// text. `count_tokens` is asked about pieces of the text, and should not give less for more text.
#[must_use]
pub fn chunk(text: &str, blocks: &[Block], options: &ChunkOptions, count_tokens: &dyn Fn(&str) -> usize) -> Vec<Chunk> {
    let places = Places::of(text);
    let options = ChunkOptions { target_tokens: options.target_tokens.min(options.max_tokens), ..*options };
    let outline = Outline::of(text, &places.spans(blocks), &options, count_tokens);
    let packing = Packing::new(text, &outline, &options, count_tokens);
    let passage = |units: std::ops::Range<usize>| {
        let range = outline.range(&units);
        Chunk {
            start: places.char_at(range.start),
            end: places.char_at(range.end),
            text: text.get(range).unwrap_or_default().to_owned(),
            headings: outline.headings(&units),
            context: packing.context(&units),
            page: outline.units.get(units.start).and_then(|unit| unit.page),
        }
    };
    packing.passages().into_iter().map(passage).collect()
}
