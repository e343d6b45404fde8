//! Locks between processes, by `flock`: they end with the process that holds them, whatever ends it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::WeightsError;

/// The right to change a model. Only one process at a time has it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(name: &str, path: &Path) -> Result<Self, WeightsError> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|cause| WeightsError::storage("create", parent, cause))?;
        }
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = open.map_err(|cause| WeightsError::storage("create", path, cause))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(WeightsError::Busy { name: name.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(WeightsError::storage("lock", path, cause)),
        }
    }
}

/// A model's file that nobody removes while this lives.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    _file: File,
}

impl Held {
    /// Holds the file at `path` of the model `name`. An engine does this with the file it was told to load.
    ///
    /// # Errors
    /// [`WeightsError::Busy`] while it is being removed, [`WeightsError::Storage`] when it cannot be opened.
    pub fn file(name: &str, path: &Path) -> Result<Self, WeightsError> {
        let file = File::open(path).map_err(|cause| WeightsError::storage("open", path, cause))?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { path: path.to_path_buf(), _file: file }),
            Err(TryLockError::WouldBlock) => Err(WeightsError::Busy { name: name.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(WeightsError::storage("lock", path, cause)),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Makes sure that nobody holds the file, which may be missing.
pub(super) fn exclusive(name: &str, path: &Path) -> Result<Option<File>, WeightsError> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|cause| WeightsError::storage("open", path, cause))?,
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(WeightsError::InUse { name: name.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(WeightsError::storage("lock", path, cause)),
    }
}
