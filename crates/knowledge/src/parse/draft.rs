//! The document in the making: every format writes its blocks here, and every limit on what comes out holds here.
//! INVARIANT: blocks are in order, apart from each other, and hold every character of the text but the breaks between.

use super::document::{Block, BlockKind, ParsedDocument, Warning};
use super::{Limits, title};
use crate::{KnowledgeError, Measure, language};

/// More than this many warnings say no more.
const MOST_WARNINGS: usize = 100;

/// A document in the making.
pub(super) struct Draft<'l> {
    limits: &'l Limits,
    text: String,
    chars: u32,
    blocks: Vec<Block>,
    title: Option<String>,
    warnings: Vec<Warning>,
    page: Option<u32>,
    /// What all documents inside may still unpack together.
    unpacked_left: u64,
    /// What the one document that is read now may unpack, and still may.
    own_unpacked: Allowance,
    attachments: u32,
    depth: u32,
}

/// How much is allowed, and how much of it is left.
#[derive(Clone, Copy)]
struct Allowance {
    allowed: u64,
    left: u64,
}

impl Allowance {
    const fn of(allowed: u64) -> Self {
        Self { allowed, left: allowed }
    }
}

impl<'l> Draft<'l> {
    /// A draft for a file of this size.
    pub(super) fn new(file_bytes: usize, limits: &'l Limits) -> Result<Self, KnowledgeError> {
        limits.check_bytes(file_bytes)?;
        Ok(Self {
            limits,
            text: String::new(),
            chars: 0,
            blocks: Vec::new(),
            title: None,
            warnings: Vec::new(),
            page: None,
            unpacked_left: limits.max_unpacked_bytes,
            own_unpacked: Allowance::of(limits.unpacked_bytes(file_bytes)),
            attachments: 0,
            depth: 1,
        })
    }

    pub(super) const fn limits(&self) -> &'l Limits {
        self.limits
    }

    /// Adds a block; white space around it, and a block of nothing else, are dropped.
    pub(super) fn push(&mut self, kind: BlockKind, text: &str) -> Result<(), KnowledgeError> {
        let printed: String = text.chars().filter_map(printable).collect();
        let text = match kind {
            // The indentation of the first line belongs to it.
            BlockKind::Code if !printed.trim().is_empty() => printed.trim_end().trim_start_matches('\n'),
            _ => printed.trim(),
        };
        if text.is_empty() {
            return Ok(());
        }
        self.part_from_last(kind)?;
        let start = self.chars;
        for character in text.chars() {
            self.add(character)?;
        }
        self.blocks.push(Block { kind: self.shifted(kind), start, end: self.chars, page: self.page });
        Ok(())
    }

    /// Rows of one table and items of one list stand on lines of their own, everything else is a line apart.
    fn part_from_last(&mut self, kind: BlockKind) -> Result<(), KnowledgeError> {
        let Some(last) = self.blocks.last() else { return Ok(()) };
        let close = matches!(
            (last.kind, kind),
            (BlockKind::TableHeader | BlockKind::TableRow, BlockKind::TableRow)
                | (BlockKind::ListItem, BlockKind::ListItem)
        );
        self.add('\n')?;
        if close { Ok(()) } else { self.add('\n') }
    }

    /// Refuses text that waits to be added and is too long in any encoding: no character has more than four bytes.
    pub(super) fn check_text_bytes(&self, bytes: usize) -> Result<(), KnowledgeError> {
        if bytes as u64 > u64::from(self.limits.max_text_chars) * 4 { Err(self.too_much_text()) } else { Ok(()) }
    }

    pub(super) fn too_much_text(&self) -> KnowledgeError {
        KnowledgeError::TooLarge { what: Measure::Characters, limit: self.limits.max_text_chars.into() }
    }

    fn add(&mut self, character: char) -> Result<(), KnowledgeError> {
        if self.chars >= self.limits.max_text_chars {
            return Err(self.too_much_text());
        }
        self.text.push(character);
        self.chars += 1;
        Ok(())
    }

    /// Headings of a document inside another stand below the heading that names it.
    fn shifted(&self, kind: BlockKind) -> BlockKind {
        match kind {
            BlockKind::Heading(level) => {
                let level = u32::from(level.clamp(1, 6)) + self.depth.saturating_sub(1);
                BlockKind::Heading(u8::try_from(level.min(6)).unwrap_or(6))
            }
            other => other,
        }
    }

    /// Takes a title for the outermost document, unless it has one.
    pub(super) fn propose_title(&mut self, raw: &str) {
        if self.depth == 1 && self.title.is_none() {
            self.title = title::clean(raw);
        }
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        match self.warnings.len() {
            count if count < MOST_WARNINGS => self.warnings.push(warning),
            MOST_WARNINGS => self.warnings.push(Warning::More),
            _ => {}
        }
    }

    /// The page, sheet or slide of the blocks to come. Documents inside another have no pages of their own.
    pub(super) fn set_page(&mut self, page: Option<u32>) {
        if self.depth == 1 {
            self.page = page;
        }
    }

    /// How many bytes may still be unpacked.
    pub(super) fn unpacked_left(&self) -> u64 {
        self.unpacked_left.min(self.own_unpacked.left)
    }

    /// Takes bytes off what may be unpacked.
    pub(super) fn spend_unpacked(&mut self, bytes: u64) -> Result<(), KnowledgeError> {
        let left = self.unpacked_left();
        let limit =
            if self.own_unpacked.left == left { self.own_unpacked.allowed } else { self.limits.max_unpacked_bytes };
        self.unpacked_left = self.unpacked_left.saturating_sub(bytes);
        self.own_unpacked.left = self.own_unpacked.left.saturating_sub(bytes);
        if bytes > left {
            return Err(KnowledgeError::TooLarge { what: Measure::UnpackedBytes, limit });
        }
        Ok(())
    }

    /// Counts one more attachment, and says whether it may be read.
    pub(super) fn begin_attachment(&mut self) -> Result<(), KnowledgeError> {
        self.attachments += 1;
        let limit = self.limits.max_attachments;
        if self.attachments > limit {
            return Err(KnowledgeError::TooLarge { what: Measure::Attachments, limit: limit.into() });
        }
        Ok(())
    }

    /// Whether more than one attachment too many was met.
    pub(super) const fn attachments_are_over(&self) -> bool {
        self.attachments > self.limits.max_attachments + 1
    }

    /// Lets `read` write a document of some size inside this one, under a heading. What a failed one wrote is taken back,
    /// and it can unpack only as much as its own size allows.
    pub(super) fn inside(
        &mut self,
        heading: &str,
        file_bytes: usize,
        read: impl FnOnce(&mut Self) -> Result<(), KnowledgeError>,
    ) -> Result<(), KnowledgeError> {
        let limit = self.limits.max_depth;
        if self.depth >= limit {
            return Err(KnowledgeError::TooLarge { what: Measure::Depth, limit: limit.into() });
        }
        let (bytes, chars, blocks) = (self.text.len(), self.chars, self.blocks.len());
        let outer = std::mem::replace(&mut self.own_unpacked, Allowance::of(self.limits.unpacked_bytes(file_bytes)));
        let mut result = self.push(BlockKind::Heading(1), heading);
        if result.is_ok() {
            self.depth += 1;
            result = read(self);
            self.depth -= 1;
        }
        self.own_unpacked = outer;
        if result.is_err() {
            self.text.truncate(bytes);
            self.chars = chars;
            self.blocks.truncate(blocks);
        }
        result
    }

    /// The finished document.
    pub(super) fn finish(mut self) -> ParsedDocument {
        if self.blocks.is_empty() {
            self.warn(Warning::NoText);
        }
        let language = language::detect(&self.text);
        ParsedDocument { title: self.title, text: self.text, blocks: self.blocks, warnings: self.warnings, language }
    }
}

/// Control characters do not belong into text; line ends are one character everywhere.
fn printable(character: char) -> Option<char> {
    match character {
        '\n' | '\t' => Some(character),
        '\u{2028}' | '\u{2029}' | '\u{85}' | '\u{b}' | '\u{c}' => Some('\n'),
        // What remains of "\r\n"; a lone one is replaced where text is decoded.
        '\r' | '\u{feff}' => None,
        control if control.is_control() => None,
        other => Some(other),
    }
}
