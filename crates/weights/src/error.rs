//! The one error of this crate: what was wrong with which file, name or source, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use domain::ErrorKind;

/// Everything that can go wrong with model files.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// No registry entry has this name.
    #[error(
        "no model is named '{name}': `freehold models list` shows the names, `freehold models import FILE` adds one"
    )]
    Unknown {
        /// The name as given.
        name: String,
    },
    /// The registry knows the model; its file is not here.
    #[error("model '{name}' is not installed: run `freehold models pull {name}`")]
    NotInstalled {
        /// The model's name.
        name: String,
    },
    /// An engine has the file open.
    #[error("model '{name}' is in use by a running engine: stop it or choose another model there first")]
    InUse {
        /// The model's name.
        name: String,
    },
    /// Somebody else pulls, imports or removes the same model at this moment.
    #[error("model '{name}' is being changed by another process: wait for it to finish, then try again")]
    Busy {
        /// The model's name.
        name: String,
    },
    /// A model of this name exists already.
    #[error("a model named '{name}' exists already: remove it first or choose another name")]
    Exists {
        /// The model's name.
        name: String,
    },
    /// The network would be needed and may not be used.
    #[error(
        "'{what}' is not on this machine and offline mode forbids fetching it: pull it while online, or import a file"
    )]
    Offline {
        /// What would have been fetched.
        what: String,
    },
    /// No source of the model could deliver it.
    #[error("cannot fetch {what}: {reason}")]
    Source {
        /// The model, wheel or page.
        what: String,
        /// Why each source failed, and what to do.
        reason: String,
    },
    /// The bytes are not those that the registry or the index promises.
    #[error(
        "{what} is not the expected file (sha256 {found}, expected {expected}): it was altered or damaged and is not loaded; {advice}"
    )]
    Checksum {
        /// The file.
        what: String,
        /// Expected sha256, hexadecimal.
        expected: String,
        /// sha256 of what is there, hexadecimal.
        found: String,
        /// What to do.
        advice: String,
    },
    /// A folder has no room for what is to be written.
    #[error("no room left in {}{}: free space there, or set models.dir to a larger disk", folder.display(), needed(*needed_bytes))]
    DiskFull {
        /// Where it was to be written.
        folder: PathBuf,
        /// Bytes still to be written; zero where that is not known.
        needed_bytes: u64,
    },
    /// Reading or writing a file failed.
    #[error("cannot {action} {}: {cause}", path.display())]
    Storage {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file or text does not follow its format, or is over a limit.
    #[error("{what} cannot be used: {reason}")]
    Malformed {
        /// The file or part.
        what: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A name, entry, source or setting cannot be used.
    #[error("{0}")]
    Invalid(String),
}

impl WeightsError {
    /// What kind of failure this is, for whoever asked.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown { .. } => ErrorKind::NotFound,
            Self::NotInstalled { .. } | Self::Offline { .. } | Self::Source { .. } => ErrorKind::Unavailable,
            Self::Checksum { .. } | Self::DiskFull { .. } => ErrorKind::Unavailable,
            Self::InUse { .. } | Self::Busy { .. } | Self::Exists { .. } => ErrorKind::Conflict,
            Self::Malformed { .. } | Self::Invalid(_) => ErrorKind::Invalid,
            Self::Storage { .. } => ErrorKind::Internal,
        }
    }

    /// The stable code, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "model_not_found",
            Self::NotInstalled { .. } => "not_installed",
            Self::InUse { .. } => "model_in_use",
            Self::Busy { .. } => "model_busy",
            Self::Exists { .. } => "already_exists",
            Self::Offline { .. } => "offline",
            Self::Source { .. } => "source_failed",
            Self::Checksum { .. } => "checksum_mismatch",
            Self::DiskFull { .. } => "disk_full",
            Self::Storage { .. } => "storage_failed",
            Self::Malformed { .. } => "malformed_file",
            Self::Invalid(_) => "invalid_value",
        }
    }

    /// A failed file operation; a full disk becomes [`WeightsError::DiskFull`].
    pub(crate) fn storage(action: &'static str, path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { folder: path.parent().unwrap_or(path).to_path_buf(), needed_bytes: 0 }
            }
            _ => Self::Storage { action, path: path.to_path_buf(), cause },
        }
    }

    pub(crate) fn malformed(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), reason: reason.into() }
    }

    pub(crate) fn invalid(reason: impl Into<String>) -> Self {
        Self::Invalid(reason.into())
    }
}

fn needed(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" for the {bytes} bytes that are needed") }
}
