//! Which segments make up the index, as of the last commit. A crash leaves either the manifest before a commit or the one
//! after it.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use super::VectorShape;
use super::files::{Folder, checksum, damaged, unusable};
use crate::KnowledgeError;

const FORMAT: u32 = 1;

/// See the head of this file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    dimensions: usize,
    model: String,
    /// What the caller gave to the commit.
    pub(super) stamp: u64,
    /// Number and checksum of each segment, oldest first.
    pub(super) segments: Vec<(u64, u64)>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    manifest: Manifest,
    checksum: u64,
}

impl Manifest {
    pub(super) fn new(shape: &VectorShape, stamp: u64, segments: Vec<(u64, u64)>) -> Self {
        Self { format: FORMAT, dimensions: shape.dimensions, model: shape.model.clone(), stamp, segments }
    }

    fn sum(&self) -> Result<u64, serde_json::Error> {
        Ok(checksum(0, &serde_json::to_vec(self)?))
    }

    /// Writes it in the place of the last one, durably.
    pub(super) fn write(self, folder: &Folder) -> Result<(), KnowledgeError> {
        let path = folder.manifest();
        let text = self.sum().and_then(|checksum| serde_json::to_vec_pretty(&Sealed { manifest: self, checksum }));
        let text = text.map_err(|error| unusable(&path, &io::Error::other(error)))?;
        folder.replace(&path, &text)
    }

    /// The last one, if there was any.
    ///
    /// # Errors
    ///
    /// `IndexDamaged` where it is not as it was written, or is of an index of another shape.
    pub(super) fn read(folder: &Folder, shape: &VectorShape) -> Result<Option<Self>, KnowledgeError> {
        let path = folder.manifest();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&path, &error)),
        };
        let altered = || damaged(&path, "is not as it was written");
        let sealed: Sealed = serde_json::from_slice(&text).map_err(|_| altered())?;
        let manifest = sealed.manifest;
        if manifest.sum().ok() != Some(sealed.checksum) {
            return Err(altered());
        }
        if manifest.format != FORMAT {
            return Err(damaged(&path, "is of another version of this program"));
        }
        if (manifest.dimensions, &manifest.model) != (shape.dimensions, &shape.model) {
            return Err(damaged(&path, "is of an index for another embedding model"));
        }
        Ok(Some(manifest))
    }
}
