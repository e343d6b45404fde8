//! Documents to text with structure: one file for each format, one draft that all of them write into.
//! INVARIANT: the answer depends on the bytes, what was declared of them and the limits, and on nothing else.
//! INVARIANT: no limit trusts a number that the file states about itself.

mod child;
mod csv;
mod decode;
mod document;
mod docx;
mod draft;
mod eml;
mod format;
mod frame;
mod html;
mod limits;
mod markdown;
mod package;
mod pdf;
mod plain;
mod pptx;
mod process;
mod relations;
mod title;
mod xlsx;
mod xml;

use std::panic::AssertUnwindSafe;

pub use child::{ChildLimits, serve};
pub use document::{Block, BlockKind, ParsedDocument, Warning};
pub use format::{Declared, Format};
pub use limits::Limits;
pub use process::{ParserCommand, ParserProcess};
pub use title::clean as clean_title;

use draft::Draft;

use crate::KnowledgeError;

/// Reads one document.
///
/// # Errors
/// Every [`KnowledgeError`] but [`KnowledgeError::TimedOut`] and [`KnowledgeError::NoParser`]. A panic of a parser of
/// somebody else's is a [`KnowledgeError::ParserDied`]; memory and time are bounded by [`ParserProcess`] only.
pub fn parse(bytes: &[u8], declared: &Declared, limits: &Limits) -> Result<ParsedDocument, KnowledgeError> {
    let read = || {
        let mut draft = Draft::new(bytes.len(), limits)?;
        read_into(bytes, declared, &mut draft)?;
        Ok(draft.finish())
    };
    // Nothing of the draft is seen again after a panic.
    std::panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(KnowledgeError::died("it stopped at a place it should never reach")))
}

/// Reads a document into a draft, which may hold another one around it.
fn read_into(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let format = format::detect(bytes, declared, draft)?;
    match format {
        Format::Text => plain::read(bytes, declared, draft),
        Format::Markdown => markdown::read(bytes, declared, draft),
        Format::Html => html::read(bytes, declared, draft),
        Format::Csv => csv::read(bytes, declared, draft),
        Format::Eml => eml::read(bytes, draft),
        Format::Pdf => pdf::read(bytes, draft),
        Format::Docx => docx::read(bytes, draft),
        Format::Xlsx => xlsx::read(bytes, draft),
        Format::Pptx => pptx::read(bytes, draft),
    }
}
