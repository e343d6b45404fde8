//! The data folder: mode 0700, its files 0600, one server at a time.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::StoreError;

/// The data folder, held by this process until it is dropped.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    // Closing it gives up the lock; the system does so even after `kill -9`.
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing, and takes it for this process.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        // The open tables name their files by it.
        let path = &std::path::absolute(path).map_err(|source| refused(path, source))?;
        create_private(path).map_err(|source| refused(path, source))?;
        let lock_path = path.join("lock");
        let lock = open_private(&lock_path).map_err(|source| refused(&lock_path, source))?;
        let lock = take(lock, path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// A file in the folder, made empty with mode 0600 where it is missing; what is there stays.
    pub(crate) fn private_file(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.path.join(name);
        open_private(&path).map_err(|source| refused(&path, source))?;
        Ok(path)
    }

    /// A folder in the folder, made with mode 0700 where it is missing.
    pub(crate) fn private_folder(&self, name: &str) -> Result<(), StoreError> {
        let path = self.path.join(name);
        create_private(&path).map_err(|source| refused(&path, source))
    }

    /// Where something in the folder is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(path, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// The process id in the file is for people; the lock itself is what counts.
fn take(mut lock: File, folder: &Path) -> Result<File, StoreError> {
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let holder = lock.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
            return Err(StoreError::Locked { place: folder.display().to_string(), holder });
        }
        Err(TryLockError::Error(source)) => return Err(refused(folder, source)),
    }
    let written = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| writeln!(lock, "{}", std::process::id()));
    written.map_err(|source| refused(folder, source))?;
    Ok(lock)
}

pub(crate) fn refused(path: &Path, source: io::Error) -> StoreError {
    let place = path.display().to_string();
    match source.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => StoreError::ReadOnly { place },
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => StoreError::Full { place },
        _ => StoreError::Folder { path: path.to_owned(), source: Arc::new(source) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_files_are_private_even_where_they_were_not() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        fs::write(path.join("state.db"), "kept").unwrap();
        fs::set_permissions(path.join("state.db"), Permissions::from_mode(0o644)).unwrap();
        let folder = Folder::open(&path).unwrap();
        let file = folder.private_file("state.db").unwrap();
        assert_eq!((mode(&path), mode(&file), mode(&path.join("lock"))), (0o700, 0o600, 0o600));
        assert_eq!(fs::read_to_string(file).unwrap(), "kept");
    }

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().unwrap();
        let first = Folder::open(folder.path()).unwrap();
        let error = Folder::open(folder.path()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, StoreError::Locked { holder: Some(pid), .. } if pid == std::process::id()), "{text}");
        assert!(text.contains(&folder.path().display().to_string()) && text.contains("stop that server"), "{text}");
        drop(first);
        Folder::open(folder.path()).unwrap();
    }

    #[test]
    fn a_file_in_the_place_of_the_folder_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Folder::open(file.path()).unwrap_err();
        assert!(error.to_string().contains(&file.path().display().to_string()), "{error}");
        assert!(Folder::open(&file.path().join("below")).is_err());
        assert!(Folder::open(Path::new("/proc/freehold")).is_err());
    }
}
