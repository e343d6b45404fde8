//! safetensors: a bounded reader and a streaming writer.
//!
//! A file is the length of its header (64 bits), a JSON header, and the tensors' bytes without gaps. The reader
//! holds to the format's own rules: no overlap, no hole, nothing past the end.

mod read;
mod write;

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use write::SafetensorsWriter;

use crate::WeightsError;

/// How elements are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are the format's own and say it all")]
pub enum Dtype {
    Bool,
    U8,
    I8,
    #[serde(rename = "F8_E4M3")]
    F8E4M3,
    #[serde(rename = "F8_E5M2")]
    F8E5M2,
    I16,
    U16,
    F16,
    Bf16,
    I32,
    U32,
    F32,
    F64,
    I64,
    U64,
}

impl Dtype {
    /// Bytes of one element.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 | Self::F8E4M3 | Self::F8E5M2 => 1,
            Self::I16 | Self::U16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }
}

/// One tensor: its shape, and where its bytes lie, counted from the end of the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorEntry {
    /// How elements are stored.
    pub dtype: Dtype,
    /// Its sizes, outermost first; empty for a single number.
    pub shape: Vec<u64>,
    /// First byte, and the one after the last.
    pub data_offsets: (u64, u64),
}

/// What stands in a header.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Directory {
    /// Free text by key.
    pub metadata: BTreeMap<String, String>,
    /// Tensors by name, in the order of their bytes.
    pub tensors: Vec<(String, TensorEntry)>,
    /// Where the tensors' bytes begin in the file.
    pub data_start: u64,
}

impl Directory {
    /// Reads the header from the front of `reader`, which holds `total_bytes` in all. `what` names the file in errors.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when the bytes are no safetensors file, are cut short, or are over a limit.
    pub fn read(reader: impl std::io::Read, total_bytes: u64, what: &str) -> Result<Self, WeightsError> {
        read::directory(reader, total_bytes, what)
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorEntry> {
        self.tensors.iter().find(|(other, _)| other == name).map(|(_, entry)| entry)
    }
}

/// An open safetensors file: its directory, and its tensors on demand.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    file: File,
    directory: Directory,
}

impl SafetensorsFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`WeightsError::Storage`] when it cannot be read, [`WeightsError::Malformed`] when it is no usable file.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = File::open(path).map_err(|cause| WeightsError::storage("open", path, cause))?;
        let total_bytes = file.metadata().map_err(|cause| WeightsError::storage("read", path, cause))?.len();
        let what = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
        let directory = Directory::read(&file, total_bytes, &what)?;
        Ok(Self { path: path.to_path_buf(), file, directory })
    }

    /// The header.
    #[must_use]
    pub const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The raw little-endian bytes of a tensor, in its own element type.
    ///
    /// # Errors
    /// [`WeightsError::Invalid`] for a name the file lacks, [`WeightsError::Storage`] when reading fails.
    pub fn tensor_bytes(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let entry = self.directory.tensor(name).ok_or_else(|| {
            WeightsError::invalid(format!("{} has no tensor '{name}': is it the right model?", self.path.display()))
        })?;
        let (start, end) = entry.data_offsets;
        // INVARIANT: the reader checked that the range lies within the file.
        let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        self.file
            .read_exact_at(&mut bytes, self.directory.data_start + start)
            .map_err(|cause| WeightsError::storage("read", &self.path, cause))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
