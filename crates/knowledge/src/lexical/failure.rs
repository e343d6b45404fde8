//! What the index library says, in our words: damage is to be mended by a rebuild, anything else by whoever operates.

use std::io::ErrorKind;

use tantivy::TantivyError;
use tantivy::directory::error::{OpenDirectoryError, OpenReadError};

use crate::KnowledgeError;

const MAX_DETAIL_CHARS: usize = 200;

/// An error of an index that is not as it was written.
pub(super) fn damaged(detail: impl std::fmt::Display) -> KnowledgeError {
    KnowledgeError::IndexDamaged { detail: detail.to_string().chars().take(MAX_DETAIL_CHARS).collect() }
}

/// An error of an index that cannot be read or written now.
pub(super) fn unusable(detail: impl std::fmt::Display) -> KnowledgeError {
    KnowledgeError::IndexUnusable { detail: detail.to_string().chars().take(MAX_DETAIL_CHARS).collect() }
}

/// What the library refuses while it reads and writes.
pub(super) fn failure(error: TantivyError) -> KnowledgeError {
    match error {
        TantivyError::DataCorruption(_)
        | TantivyError::IncompatibleIndex(_)
        | TantivyError::SchemaError(_)
        | TantivyError::FieldNotFound(_)
        | TantivyError::DeserializeError(_)
        | TantivyError::OpenReadError(OpenReadError::FileDoesNotExist(_) | OpenReadError::IncompatibleIndex(_)) => {
            damaged(error)
        }
        TantivyError::IoError(cause) => from_io(&cause),
        TantivyError::OpenReadError(OpenReadError::IoError { io_error, .. }) => from_io(&io_error),
        other => unusable(other),
    }
}

/// What the system refuses, or the library about the bytes it reads: a file that ends too early was altered.
pub(super) fn from_io(cause: &std::io::Error) -> KnowledgeError {
    match cause.kind() {
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::Other => damaged(cause),
        _ => unusable(cause),
    }
}

/// What the library refuses while it opens the folder.
pub(super) fn from_folder(error: OpenDirectoryError) -> KnowledgeError {
    unusable(error)
}
