//! `model.json`: what an installed model is and where it came from.

use std::path::{Path, PathBuf};

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use super::place;
use crate::WeightsError;
use crate::registry::{Kind, Licence, Prefixes};

/// Name of the file.
pub(super) const FILE: &str = "model.json";
const MAX_BYTES: u64 = 1 << 20;

/// What an installed model is and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The model's name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// Name of its file in the same folder.
    pub file: String,
    /// The file's size.
    pub bytes: u64,
    /// The file's sha256, hexadecimal.
    pub sha256: String,
    /// Its licence; `unknown` where nobody said.
    pub licence: Licence,
    /// Tokens it can read.
    pub context_length: u64,
    /// What embedded texts begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Prefixes>,
    /// Where it came from.
    pub source: String,
    /// The sha256 of what came from there, where that was converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_sha256: Option<String>,
    /// Whether somebody else than the publisher offered it there.
    pub unofficial: bool,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// When the file was last changed, nanoseconds since 1970: a change that nobody recorded shows by it.
    pub modified_ns: u64,
}

/// An installed model: where its file is, and its record.
#[derive(Debug, Clone, PartialEq)]
pub struct Installed {
    /// The file an engine loads.
    pub path: PathBuf,
    /// What it is and where it came from.
    pub record: Record,
}

impl Installed {
    /// Whether size and time of change are those of the record.
    pub(super) fn looks_unchanged(&self) -> Result<bool, WeightsError> {
        let found = std::fs::metadata(&self.path).map_err(|cause| WeightsError::storage("read", &self.path, cause))?;
        Ok(found.len() == self.record.bytes && place::modified_ns(&self.path)? == self.record.modified_ns)
    }
}

impl Record {
    /// The record in this folder, where there is one.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, WeightsError> {
        let path = folder.join(FILE);
        let failed = |cause| WeightsError::storage("read", &path, cause);
        match std::fs::metadata(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
            Ok(found) if found.len() > MAX_BYTES => return Err(damaged(&path, "it is longer than 1 MiB")),
            Ok(_) => {}
        }
        let bytes = std::fs::read(&path).map_err(failed)?;
        let record: Self = serde_json::from_slice(&bytes).map_err(|cause| damaged(&path, &cause.to_string()))?;
        let is_plain = |file: &str| !file.is_empty() && file != ".." && file != "." && !file.contains(['/', '\0']);
        if !folder.ends_with(&record.name) || !is_plain(&record.file) {
            return Err(damaged(&path, "it belongs to another folder"));
        }
        Ok(Some(record))
    }

    /// Writes the record into this folder, whole or not at all.
    pub(super) fn save(&self, folder: &Path) -> Result<(), WeightsError> {
        let path = folder.join(FILE);
        let mut text = serde_json::to_vec_pretty(self).map_err(|cause| damaged(&path, &cause.to_string()))?;
        text.push(b'\n');
        place::write_whole(&path, &text)
    }
}

fn damaged(path: &Path, reason: &str) -> WeightsError {
    let advice = "remove the model and pull or import it again";
    WeightsError::malformed(path.to_string_lossy(), format!("{reason}: {advice}"))
}

/// Names of the models that have a record in this folder.
pub(super) fn names(folder: &Path) -> Result<Vec<String>, WeightsError> {
    let listing = match std::fs::read_dir(folder) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(|cause| WeightsError::storage("list", folder, cause))?,
    };
    let mut names = Vec::new();
    for item in listing {
        let item = item.map_err(|cause| WeightsError::storage("list", folder, cause))?;
        let name = item.file_name().into_string().ok().filter(|name| crate::registry::check_name(name).is_ok());
        names.extend(name.filter(|_| item.path().join(FILE).exists()));
    }
    Ok(names)
}
