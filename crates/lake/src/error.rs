//! What can go wrong with the open tables. Each message says what to do.

use std::path::PathBuf;
use std::sync::Arc;

use domain::ErrorKind;

/// What can go wrong with the open tables.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LakeError {
    /// A file or folder cannot be used.
    #[error("{} cannot be used ({source}): check the disk and who may write there", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// There is no room left.
    #[error("there is no room left for {}: free some disk space; work goes on by itself then", path.display())]
    Full {
        /// The file or folder.
        path: PathBuf,
    },
    /// A file is not what was written.
    #[error("table {table} is damaged ({detail}): run `freehold lake verify`, then restore from a backup")]
    Damaged {
        /// Which table.
        table: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// Somebody else changed the table meanwhile.
    #[error("table {table} was changed by somebody else: Freehold alone writes its tables; repeat, and read only")]
    Changed {
        /// Which table.
        table: String,
    },
    /// The catalog cannot be read or written.
    #[error("the catalog of the open tables cannot be used ({detail}): check {} and its disk", path.display())]
    Catalog {
        /// Its file.
        path: PathBuf,
        /// What it said.
        detail: String,
    },
    /// A record does not fit its table: a defect of this program.
    #[error("a record does not fit table {table} ({detail}): report this with the version of this program")]
    Record {
        /// Which table.
        table: &'static str,
        /// What does not fit.
        detail: String,
    },
    /// The tables are closed.
    #[error("the open tables are closed: the server is stopping")]
    Closed,
}

impl LakeError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Changed { .. } => ErrorKind::Conflict,
            Self::File { .. } | Self::Full { .. } | Self::Catalog { .. } | Self::Closed => ErrorKind::Unavailable,
            Self::Damaged { .. } | Self::Record { .. } => ErrorKind::Internal,
        }
    }

    /// The stable code in the error envelope.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "lake_file",
            Self::Full { .. } => "lake_full",
            Self::Damaged { .. } => "lake_damaged",
            Self::Changed { .. } => "lake_changed",
            Self::Catalog { .. } => "lake_catalog",
            Self::Record { .. } => "lake_record",
            Self::Closed => "lake_closed",
        }
    }

    pub(crate) fn of_file(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::File { path, source: Arc::new(source) },
        }
    }
}

/// What the table format's library said about a table: a failure of the disk where one is behind it, else damage.
pub(crate) fn of_table(table: &'static str) -> impl Fn(iceberg::Error) -> LakeError {
    move |error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
        while let Some(inner) = cause {
            if let Some(failure) = inner.downcast_ref::<crate::files::DiskFailure>() {
                return failure.0.clone();
            }
            cause = inner.source();
        }
        LakeError::Damaged { table, detail: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_from_a_broken_one() {
        let full = LakeError::of_file("a", std::io::ErrorKind::StorageFull.into());
        assert!(matches!(full, LakeError::Full { .. }) && full.kind() == ErrorKind::Unavailable);
        let broken = LakeError::of_file("a", std::io::Error::other("broken"));
        assert!(broken.to_string().contains("broken"), "{broken}");
    }
}
