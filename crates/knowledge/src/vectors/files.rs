//! The files of the index: checksums, durable writes, and errors that name the file.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::KnowledgeError;

#[cfg(target_endian = "big")]
compile_error!("files of the index are little-endian, and are read without a conversion");

const FNV_OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01B3;

/// FNV-1a (Fowler, Noll, Vo) over words of eight bytes in place of single bytes, with the length at the end. Every step
/// is a bijection of the state, so a change within one word is always found. It guards against a failing disk, not against
/// somebody who writes files on purpose.
pub(super) fn checksum(seed: u64, bytes: &[u8]) -> u64 {
    let step = |state: u64, word: u64| (state ^ word).wrapping_mul(FNV_PRIME);
    let words = bytes.chunks_exact(8);
    let mut last = [0; 8];
    last[..words.remainder().len()].copy_from_slice(words.remainder());
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    let state = words.fold(FNV_OFFSET ^ seed.wrapping_mul(FNV_PRIME), |state, bytes| step(state, word(bytes)));
    step(step(state, u64::from_le_bytes(last)), bytes.len() as u64)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

pub(super) fn damaged(path: &Path, what: &str) -> KnowledgeError {
    KnowledgeError::IndexDamaged { detail: format!("{} {what}", name(path)) }
}

pub(super) fn unusable(path: &Path, error: &io::Error) -> KnowledgeError {
    KnowledgeError::IndexUnusable { detail: format!("{}: {error}", name(path)) }
}

/// A file that the index says it has: not being there is damage.
pub(super) fn missing(path: &Path, error: &io::Error) -> KnowledgeError {
    if error.kind() == io::ErrorKind::NotFound { damaged(path, "is missing") } else { unusable(path, error) }
}

/// Where everything lies.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn make(path: &Path) -> Result<Self, KnowledgeError> {
        fs::create_dir_all(path).map_err(|error| unusable(path, &error))?;
        Ok(Self(path.to_owned()))
    }

    pub(super) fn manifest(&self) -> PathBuf {
        self.0.join("manifest.json")
    }

    /// The codes and the directory of a segment.
    pub(super) fn codes(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:08}.codes"))
    }

    /// The vectors of a segment as they were given.
    pub(super) fn vectors(&self, number: u64) -> PathBuf {
        self.0.join(format!("{number:08}.vectors"))
    }

    /// Makes the names in the folder durable.
    pub(super) fn sync(&self) -> Result<(), KnowledgeError> {
        File::open(&self.0).and_then(|folder| folder.sync_all()).map_err(|error| unusable(&self.0, &error))
    }

    /// Writes a file whole or not at all: under another name, made durable, then renamed.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), KnowledgeError> {
        let draft = path.with_extension("draft");
        write_synced(&draft, bytes)?;
        fs::rename(&draft, path).map_err(|error| unusable(path, &error))?;
        self.sync()
    }

    /// Removes files of segments that are not among these. One that cannot be removed costs room and nothing else; the
    /// next call tries again.
    pub(super) fn remove_others(&self, numbers: &[u64]) {
        for path in fs::read_dir(&self.0).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let ours = path.extension().is_some_and(|end| end == "codes" || end == "vectors" || end == "draft");
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
            if ours && !number.is_some_and(|number| numbers.contains(&number)) {
                // See above.
                fs::remove_file(&path).ok();
            }
        }
    }
}

pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), KnowledgeError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| unusable(path, &error))
}
