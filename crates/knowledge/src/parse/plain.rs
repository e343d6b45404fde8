//! Plain text: paragraphs between empty lines.

use super::decode;
use super::document::BlockKind;
use super::draft::Draft;
use super::format::Declared;
use crate::KnowledgeError;

/// Reads plain text.
pub(super) fn read(bytes: &[u8], declared: &Declared, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let text = decode::text(bytes, declared.charset(), draft);
    paragraphs(&text, draft)
}

/// Adds each stretch of lines that are not empty.
pub(super) fn paragraphs(text: &str, draft: &mut Draft<'_>) -> Result<(), KnowledgeError> {
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive(['\n', '\u{c}']) {
        at += line.len();
        // A page break parts paragraphs as an empty line does.
        if line.trim().is_empty() || line.ends_with('\u{c}') {
            draft.push(BlockKind::Paragraph, text.get(start..at).unwrap_or_default())?;
            start = at;
        }
    }
    draft.push(BlockKind::Paragraph, text.get(start..).unwrap_or_default())
}
