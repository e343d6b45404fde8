//! GGUF, the file format of llama.cpp: a bounded reader of headers and tensors, and a streaming writer.
//!
//! Versions 2 and 3, little-endian. Every count and length is checked against the bytes that are there before
//! anything is allocated, so that a damaged or hostile file costs an error and nothing else.

mod read;
mod summary;
mod tensor;
mod value;
mod write;

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

pub use summary::Summary;
pub use tensor::{TensorEntry, TensorType};
pub use value::{Array, Value};
pub use write::{GgufWriter, Header};

use crate::WeightsError;

/// The first four bytes of a file.
pub const MAGIC: [u8; 4] = *b"GGUF";
/// Where tensors begin, unless the file says otherwise, in bytes.
pub const DEFAULT_ALIGNMENT: u64 = 32;

/// The header of a GGUF file: metadata and the directory of tensors.
#[derive(Debug, Clone, PartialEq)]
pub struct Gguf {
    version: u32,
    metadata: Vec<(String, Value)>,
    tensors: Vec<TensorEntry>,
    tensor_index: HashMap<String, usize>,
    data_start: u64,
}

impl Gguf {
    /// Reads the header from the front of `reader`, which holds `total_bytes` in all. `what` names the file in errors.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when the bytes are no GGUF file, are cut short, or are over a limit.
    pub fn read(reader: impl std::io::Read, total_bytes: u64, what: &str) -> Result<Self, WeightsError> {
        read::header(reader, total_bytes, what)
    }

    /// The format's version: 2 or 3.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// All metadata in the file's order.
    #[must_use]
    pub fn metadata(&self) -> &[(String, Value)] {
        &self.metadata
    }

    /// The value of a metadata key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text of a metadata key.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_text)
    }

    /// The number of a metadata key that stands under the architecture's name, `context_length` for example.
    #[must_use]
    pub fn architecture_number(&self, key: &str) -> Option<u64> {
        let architecture = self.text("general.architecture")?;
        self.get(&format!("{architecture}.{key}")).and_then(Value::as_u64)
    }

    /// All tensors in the file's order.
    #[must_use]
    pub fn tensors(&self) -> &[TensorEntry] {
        &self.tensors
    }

    /// The tensor of this name.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&TensorEntry> {
        self.tensors.get(*self.tensor_index.get(name)?)
    }

    /// Where the data section begins in the file, in bytes.
    #[must_use]
    pub const fn data_start(&self) -> u64 {
        self.data_start
    }
}

/// An open GGUF file: its header, and its tensors on demand.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    file: File,
    header: Gguf,
}

impl GgufFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`WeightsError::Storage`] when it cannot be read, [`WeightsError::Malformed`] when it is no usable GGUF file.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = File::open(path).map_err(|cause| WeightsError::storage("open", path, cause))?;
        let total_bytes = file.metadata().map_err(|cause| WeightsError::storage("read", path, cause))?.len();
        let what = path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()).into_owned();
        let header = Gguf::read(BufReader::with_capacity(1 << 20, &file), total_bytes, &what)?;
        Ok(Self { path: path.to_path_buf(), file, header })
    }

    /// The header.
    #[must_use]
    pub const fn header(&self) -> &Gguf {
        &self.header
    }

    /// The raw bytes of a tensor of this file, in its own element type.
    ///
    /// # Errors
    /// [`WeightsError::Invalid`] for a name the file lacks, [`WeightsError::Storage`] when reading fails.
    pub fn tensor_bytes(&self, name: &str) -> Result<Vec<u8>, WeightsError> {
        let entry = self.header.tensor(name).ok_or_else(|| {
            WeightsError::invalid(format!("{} has no tensor '{name}': is it the right model?", self.path.display()))
        })?;
        // INVARIANT: the reader checked that offset and length lie within the file.
        let mut bytes = vec![0; usize::try_from(entry.bytes).unwrap_or(usize::MAX)];
        self.file
            .read_exact_at(&mut bytes, self.header.data_start + entry.offset)
            .map_err(|cause| WeightsError::storage("read", &self.path, cause))?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
