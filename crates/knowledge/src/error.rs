//! What can go wrong with a document, a source or an index. Each message says what to do; the document's name is the
//! caller's to add.

use domain::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::parse::Format;

/// What can go wrong with documents, sources and indexes. It is data: some of it crosses from the child process that parses to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum KnowledgeError {
    /// The document is larger than a limit.
    #[error("the document has more {what} than the {limit} that are allowed: split it, or raise the limit")]
    TooLarge {
        /// What there is too much of.
        what: Measure,
        /// How much is allowed.
        limit: u64,
    },
    /// The document cannot be read without a password.
    #[error("the {format} is encrypted: save a copy without a password")]
    Encrypted {
        /// The format.
        format: Format,
    },
    /// It is no document of a kind that is read here.
    #[error("{found} cannot be read: save it as PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, EML or plain text")]
    Unsupported {
        /// What the bytes seem to be.
        found: String,
    },
    /// The document does not follow its format.
    #[error("the {format} is damaged ({detail}): open it in the program that made it and save it again")]
    Malformed {
        /// The format.
        format: Format,
        /// What does not fit.
        detail: String,
    },
    /// The document took longer than it may.
    #[error("the document was not read within {limit_s} seconds: split it, or save it in a simpler form")]
    TimedOut {
        /// How long it may take.
        limit_s: u64,
    },
    /// The parser did not survive the document.
    #[error("the document broke its parser ({detail}): save it again in another form, or split it")]
    ParserDied {
        /// How it ended, as far as is known. Never words of the document.
        detail: String,
    },
    /// The parser cannot be run at all.
    #[error("the parser cannot be run ({detail}): check that the program is installed whole and may start processes")]
    NoParser {
        /// What the system said.
        detail: String,
    },
    /// A file of an index is not as it was written.
    #[error("the index is damaged ({detail}): it is a cache, so run `freehold index rebuild`")]
    IndexDamaged {
        /// Which file, and what does not fit.
        detail: String,
    },
    /// An index cannot be read or written.
    #[error("the index cannot be used ({detail}): check that the data folder can be written and has room")]
    IndexUnusable {
        /// What the system said.
        detail: String,
    },
    /// A source cannot be read: a folder that is gone, an export that is none.
    #[error("the source cannot be read ({detail}): check its path, what is there, and that the server may read it")]
    SourceUnreadable {
        /// What stands in the way, without words of its documents.
        detail: String,
    },
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Bytes of the file.
    Bytes,
    /// Code points of the text.
    Characters,
    /// Pages, sheets or slides.
    Pages,
    /// Documents inside of each other.
    Depth,
    /// Files that a mail carries.
    Attachments,
    /// Files in a package.
    Parts,
    /// Bytes once everything is unpacked.
    UnpackedBytes,
}

impl std::fmt::Display for Measure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Bytes => "bytes",
            Self::Characters => "characters of text",
            Self::Pages => "pages",
            Self::Depth => "levels of documents in documents",
            Self::Attachments => "attachments",
            Self::Parts => "files inside",
            Self::UnpackedBytes => "bytes once unpacked",
        })
    }
}

impl KnowledgeError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Encrypted { .. }
            | Self::Unsupported { .. }
            | Self::Malformed { .. }
            | Self::ParserDied { .. }
            | Self::SourceUnreadable { .. } => ErrorKind::Invalid,
            Self::IndexDamaged { .. } => ErrorKind::Internal,
            Self::TimedOut { .. } => ErrorKind::Timeout,
            Self::NoParser { .. } | Self::IndexUnusable { .. } => ErrorKind::Unavailable,
        }
    }

    /// The stable code, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "document_too_large",
            Self::Encrypted { .. } => "document_encrypted",
            Self::Unsupported { .. } => "document_unsupported",
            Self::Malformed { .. } => "document_malformed",
            Self::TimedOut { .. } => "document_timeout",
            Self::ParserDied { .. } => "document_broke_parser",
            Self::NoParser { .. } => "parser_unavailable",
            Self::IndexDamaged { .. } => "index_damaged",
            Self::IndexUnusable { .. } => "index_unusable",
            Self::SourceUnreadable { .. } => "source_unreadable",
        }
    }

    pub(crate) fn malformed(format: Format, detail: impl std::fmt::Display) -> Self {
        // A third party's message may quote the document at any length.
        Self::Malformed { format, detail: detail.to_string().chars().take(200).collect() }
    }

    pub(crate) fn died(detail: impl Into<String>) -> Self {
        Self::ParserDied { detail: detail.into() }
    }
}
