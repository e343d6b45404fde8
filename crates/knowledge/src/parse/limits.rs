//! How much of a document is read at most.

use serde::{Deserialize, Serialize};

use crate::{KnowledgeError, Measure};

/// How much of a document is read at most. Attachments of a mail count towards the limits of the mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of the file.
    pub max_bytes: u64,
    /// Code points of the text.
    pub max_text_chars: u32,
    /// Pages of a PDF, sheets of a workbook, slides of a presentation.
    pub max_pages: u32,
    /// Documents inside of each other, the outermost counted.
    pub max_depth: u32,
    /// Attachments of a mail, those of mails inside counted.
    pub max_attachments: u32,
    /// Files in a package (DOCX, XLSX, PPTX).
    pub max_parts: u64,
    /// Bytes once everything is unpacked.
    pub max_unpacked_bytes: u64,
    /// Bytes unpacked for each byte of the file. It says nothing about files that unpack to a few MiB.
    pub max_expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_text_chars: 8_000_000,
            max_pages: 5_000,
            max_depth: 8,
            max_attachments: 64,
            max_parts: 10_000,
            max_unpacked_bytes: 512 << 20,
            max_expansion: 200,
        }
    }
}

/// What the expansion limit leaves alone: a page of spaces in a small package expands a thousandfold and harms nobody.
const HARMLESS_BYTES: u64 = 8 << 20;

impl Limits {
    /// How many bytes a file of this size may unpack to.
    pub(super) fn unpacked_bytes(&self, file_bytes: usize) -> u64 {
        let by_ratio = (file_bytes as u64).saturating_mul(self.max_expansion).max(HARMLESS_BYTES);
        by_ratio.min(self.max_unpacked_bytes)
    }

    pub(super) fn check_bytes(&self, bytes: usize) -> Result<(), KnowledgeError> {
        within(Measure::Bytes, bytes as u64, self.max_bytes)
    }

    pub(super) fn check_pages(&self, pages: usize) -> Result<(), KnowledgeError> {
        within(Measure::Pages, pages as u64, u64::from(self.max_pages))
    }

    pub(super) fn check_parts(&self, parts: usize) -> Result<(), KnowledgeError> {
        within(Measure::Parts, parts as u64, self.max_parts)
    }
}

fn within(what: Measure, found: u64, limit: u64) -> Result<(), KnowledgeError> {
    if found > limit { Err(KnowledgeError::TooLarge { what, limit }) } else { Ok(()) }
}
