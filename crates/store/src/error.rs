//! What can go wrong with the state. Each message says what to do; nothing is ever overwritten to get past an error.

use std::path::PathBuf;
use std::sync::Arc;

use domain::ErrorKind;

/// What can go wrong with the state.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// Another server uses this folder or database.
    #[error("{place} is in use by another server{}: stop that server, or start this one with another folder", held_by(*.holder))]
    Locked {
        /// The data folder, or the database without its password.
        place: String,
        /// The process that holds it, where it is known.
        holder: Option<u32>,
    },
    /// The data folder cannot be used.
    #[error("the data folder {} cannot be used ({source}): name a folder that this user may create and write", path.display())]
    Folder {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// The state can be read but not written.
    #[error("{place} cannot be written: mount the file system writable and give this user write permission")]
    ReadOnly {
        /// The data folder, or the database without its password.
        place: String,
    },
    /// The state is not what was written. Nothing was changed.
    #[error(
        "{place} is damaged ({detail}); nothing was changed: restore it from a backup, or start with an empty folder"
    )]
    Corrupt {
        /// The data folder, or the database without its password.
        place: String,
        /// What does not fit.
        detail: String,
    },
    /// A newer version of the program wrote this state.
    #[error("the state has schema {found}, this program knows up to {known}: start the newer version that wrote it")]
    Newer {
        /// The schema of the state.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// There is no room left.
    #[error("there is no room left for {place}: free some disk space; writing goes on by itself then")]
    Full {
        /// The data folder, or the database without its password.
        place: String,
    },
    /// It exists already, or what it builds on has changed.
    #[error("this exists already or was changed meanwhile ({detail}): read it again and repeat the change")]
    Conflict {
        /// Which rule of the state would be broken.
        detail: String,
    },
    /// What this refers to is not there.
    #[error("{what} is not there")]
    Missing {
        /// What is referred to.
        what: &'static str,
    },
    /// The epoch log or the history does not agree with its hashes.
    #[error("epoch {epoch} was altered ({detail}): restore the state from a backup and find out who changed it")]
    Tampered {
        /// The first epoch that does not fit.
        epoch: u64,
        /// What does not fit.
        detail: String,
    },
    /// The address of the database cannot be used.
    #[error("the database address cannot be used ({detail}): write it as postgres://user:password@host:5432/name")]
    Address {
        /// What is wrong with it.
        detail: String,
    },
    /// The database does not answer now.
    #[error(
        "{place} does not answer ({detail}): check that the database runs and that nothing else holds it; then repeat"
    )]
    Unavailable {
        /// The data folder, or the database without its password.
        place: String,
        /// What was tried.
        detail: String,
    },
    /// A backup cannot be made there, or what lies there cannot be restored.
    #[error("{detail}")]
    Backup {
        /// What stands in the way, and what to do.
        detail: String,
    },
    /// The open tables cannot be used.
    #[error(transparent)]
    Lake(#[from] lake::LakeError),
    /// Anything else that the database said.
    #[error("the state database refused a statement: report this with the log of this server")]
    Database(#[source] Arc<sqlx::Error>),
}

impl StoreError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Lake(error) => error.kind(),
            Self::Conflict { .. } | Self::Backup { .. } => ErrorKind::Conflict,
            Self::Missing { .. } => ErrorKind::NotFound,
            Self::Address { .. } => ErrorKind::Invalid,
            Self::Locked { .. }
            | Self::Folder { .. }
            | Self::ReadOnly { .. }
            | Self::Full { .. }
            | Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Corrupt { .. } | Self::Newer { .. } | Self::Tampered { .. } | Self::Database(_) => {
                ErrorKind::Internal
            }
        }
    }

    /// Whether the data itself was at fault, not the database: others are not concerned.
    pub(crate) const fn is_of_the_data(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Missing { .. } | Self::Database(_))
    }

    /// The stable code in the error envelope.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "state_locked",
            Self::Folder { .. } => "state_folder",
            Self::ReadOnly { .. } => "state_read_only",
            Self::Corrupt { .. } => "state_corrupt",
            Self::Newer { .. } => "state_newer",
            Self::Full { .. } => "state_full",
            Self::Conflict { .. } => "conflict",
            Self::Missing { .. } => "not_found",
            Self::Tampered { .. } => "state_tampered",
            Self::Address { .. } => "state_address",
            Self::Unavailable { .. } => "state_unavailable",
            Self::Lake(error) => error.code(),
            Self::Backup { .. } => "backup_refused",
            Self::Database(_) => "state_error",
        }
    }
}

fn held_by(holder: Option<u32>) -> String {
    holder.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}
