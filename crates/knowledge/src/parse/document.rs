//! What comes out of a document: its text, the blocks that the text is made of, and what could not be read.

use serde::{Deserialize, Serialize};

use super::Format;
use crate::KnowledgeError;
use crate::language::Language;

/// A document's text with its structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedDocument {
    /// The title that the document gives itself, cleaned.
    pub title: Option<String>,
    /// All text in reading order. Blocks are apart by line breaks.
    pub text: String,
    /// The blocks of the text, in order and apart from each other. They hold everything in the text but white space.
    pub blocks: Vec<Block>,
    /// What was guessed, replaced or left out.
    pub warnings: Vec<Warning>,
    /// The language that most of the text is in.
    pub language: Option<Language>,
}

/// One heading, paragraph, item, row or piece of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(u8, u32, u32, u32)", try_from = "(u8, u32, u32, u32)")]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Where it begins, in code points of the text.
    pub start: u32,
    /// Where it ends, in code points of the text.
    pub end: u32,
    /// Page, sheet or slide, counted from 1, where the format has such.
    pub page: Option<u32>,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// A heading of level 1 to 6.
    Heading(u8),
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// The first row of a table, which names its columns.
    TableHeader,
    /// One row of a table, its cells apart by ` | `.
    TableRow,
    /// Text whose line breaks and spaces matter.
    Code,
}

impl BlockKind {
    /// Whether it is a row of a table, the first one included.
    #[must_use]
    pub const fn is_row(self) -> bool {
        matches!(self, Self::TableHeader | Self::TableRow)
    }
}

/// Something about a document that was read all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// No text was found.
    #[error("no text was found: if it holds scanned pages, run text recognition over it first")]
    NoText,
    /// The bytes are of another format than the name or the declared type says.
    #[error("it was declared as {declared} and is {found}")]
    DeclaredOtherwise {
        /// What the name or the media type says.
        declared: Format,
        /// What it was read as.
        found: Format,
    },
    /// No encoding was declared and it is not Unicode: the most likely encoding was taken.
    #[error("its encoding was guessed to be {encoding}")]
    EncodingGuessed {
        /// The encoding's name.
        encoding: String,
    },
    /// Bytes that are no characters of the encoding.
    #[error("{count} invalid characters were replaced")]
    InvalidCharacters {
        /// How many places.
        count: u64,
    },
    /// A sheet or slide that is hidden from readers.
    #[error("the hidden part '{name}' was left out")]
    Hidden {
        /// Its name.
        name: String,
    },
    /// A page, sheet, slide or other part could not be read; the rest was.
    #[error("{name} was left out: {reason}")]
    PartLeftOut {
        /// What it is called.
        name: String,
        /// Why.
        reason: String,
    },
    /// An attachment could not be read; the rest was.
    #[error("the attachment '{name}' was left out: {reason}")]
    AttachmentLeftOut {
        /// Its file name, cleaned.
        name: String,
        /// Why.
        reason: KnowledgeError,
    },
    /// There were more warnings than are kept.
    #[error("there is more of this kind")]
    More,
}

/// Headings are their level; page 0 is none. Four numbers, because a large table has a million of them.
impl From<Block> for (u8, u32, u32, u32) {
    fn from(block: Block) -> Self {
        let kind = match block.kind {
            BlockKind::Heading(level) => level,
            BlockKind::Paragraph => 10,
            BlockKind::ListItem => 11,
            BlockKind::TableHeader => 12,
            BlockKind::TableRow => 13,
            BlockKind::Code => 14,
        };
        (kind, block.start, block.end, block.page.unwrap_or(0))
    }
}

impl TryFrom<(u8, u32, u32, u32)> for Block {
    type Error = &'static str;

    fn try_from((kind, start, end, page): (u8, u32, u32, u32)) -> Result<Self, Self::Error> {
        let kind = match kind {
            level @ 1..=6 => BlockKind::Heading(level),
            10 => BlockKind::Paragraph,
            11 => BlockKind::ListItem,
            12 => BlockKind::TableHeader,
            13 => BlockKind::TableRow,
            14 => BlockKind::Code,
            _ => return Err("no kind of block"),
        };
        Ok(Self { kind, start, end, page: (page > 0).then_some(page) })
    }
}
