//! Putting a finished file in its place: on disk first, then renamed, then recorded. A crash at any point leaves the
//! model as it was, or absent.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use domain::Timestamp;

use super::{Installed, ModelFolder, Record};
use crate::WeightsError;
use crate::registry::{Kind, Licence, Prefixes};

/// What is to be known about a file that is put in its place.
#[derive(Debug)]
pub(crate) struct Placed<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind,
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) licence: Licence,
    pub(crate) context_length: u64,
    pub(crate) prefixes: Option<Prefixes>,
    pub(crate) source: String,
    pub(crate) source_sha256: Option<String>,
    pub(crate) unofficial: bool,
    pub(crate) installed_at: Timestamp,
}

impl ModelFolder {
    /// Moves the file at `staged` to its place (it may be there already) and records it.
    pub(crate) fn place(&self, staged: &Path, placed: Placed<'_>) -> Result<Installed, WeightsError> {
        let folder = self.model_folder(placed.name);
        std::fs::create_dir_all(&folder).map_err(|cause| WeightsError::storage("create", &folder, cause))?;
        let path = folder.join(&placed.file);
        sync_file(staged)?;
        if staged != path {
            std::fs::rename(staged, &path).map_err(|cause| WeightsError::storage("move into place", &path, cause))?;
        }
        let bytes = std::fs::metadata(&path).map_err(|cause| WeightsError::storage("read", &path, cause))?.len();
        let record = Record {
            name: placed.name.to_owned(),
            kind: placed.kind,
            file: placed.file,
            bytes,
            sha256: placed.sha256,
            licence: placed.licence,
            context_length: placed.context_length,
            prefixes: placed.prefixes,
            source: placed.source,
            source_sha256: placed.source_sha256,
            unofficial: placed.unofficial,
            installed_at: placed.installed_at,
            modified_ns: modified_ns(&path)?,
        };
        record.save(&folder)?;
        sync_folder(self.path())?;
        Ok(Installed { path, record })
    }
}

/// When a file was last changed, in nanoseconds since 1970; zero for anything earlier.
pub(super) fn modified_ns(path: &Path) -> Result<u64, WeightsError> {
    let found = std::fs::metadata(path).map_err(|cause| WeightsError::storage("read", path, cause))?;
    let seconds = u64::try_from(found.mtime()).unwrap_or(0);
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(found.mtime_nsec()).unwrap_or(0)))
}

/// Writes a small file, whole or not at all.
pub(super) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WeightsError> {
    let staged = path.with_extension("part");
    let failed = |cause| WeightsError::storage("write", &staged, cause);
    let mut file = File::create(&staged).map_err(failed)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(failed)?;
    std::fs::rename(&staged, path).map_err(|cause| WeightsError::storage("write", path, cause))?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn sync_file(path: &Path) -> Result<(), WeightsError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|cause| WeightsError::storage("save", path, cause))
}

/// Makes names that were given or taken in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), WeightsError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|cause| WeightsError::storage("save", path, cause))
}
