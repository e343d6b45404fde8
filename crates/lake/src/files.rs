//! Files of the lake: private, synced before they are named anywhere, and failing on demand in tests.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use iceberg::io::{
    FileIO, FileIOBuilder, FileMetadata, FileRead, FileWrite, InputFile, OutputFile, Storage, StorageConfig,
    StorageFactory,
};
use iceberg::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::error::LakeError;

const SCHEME: &str = "file://";

/// The address of a file as it stands in metadata: readers of other programs want a URI.
pub(crate) fn address(path: &Path) -> std::result::Result<String, LakeError> {
    let not_text = || io::Error::new(io::ErrorKind::InvalidInput, "its name is not valid UTF-8");
    let text = path.to_str().ok_or_else(|| LakeError::of_file(path, not_text()))?;
    Ok(format!("{SCHEME}{text}"))
}

/// The file behind an address.
pub(crate) fn path_of(address: &str) -> PathBuf {
    PathBuf::from(address.strip_prefix(SCHEME).unwrap_or(address))
}

/// For tests of durability: from the n-th operation on, every change of the disk fails, as if the power were cut.
#[derive(Debug, Clone, Default)]
pub struct Faults(Option<Arc<AtomicI64>>);

impl Faults {
    /// `operations` changes go well, and none after them.
    #[must_use]
    pub fn after(operations: i64) -> Self {
        Self(Some(Arc::new(AtomicI64::new(operations))))
    }

    /// Whether an operation has failed.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.0.as_ref().is_some_and(|left| left.load(Ordering::SeqCst) < 0)
    }

    /// Counts one change of the disk.
    ///
    /// # Errors
    /// Where it is one too many.
    pub fn step(&self) -> io::Result<()> {
        match &self.0 {
            Some(left) if left.fetch_sub(1, Ordering::SeqCst) <= 0 => Err(io::Error::other("failure on demand")),
            _ => Ok(()),
        }
    }
}

/// A failure of the disk on its way through the table format's library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DiskFailure(pub(crate) LakeError);

fn failed(path: &Path) -> impl Fn(io::Error) -> Error {
    move |source| {
        let failure = DiskFailure(LakeError::of_file(path, source));
        Error::new(ErrorKind::Unexpected, failure.to_string()).with_source(failure)
    }
}

/// Files on the local disk, for the table format's library.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct LocalFiles {
    #[serde(skip)]
    faults: Faults,
    /// A folder that metadata names, and where it is now.
    #[serde(skip)]
    moved: Option<(PathBuf, PathBuf)>,
}

impl LocalFiles {
    pub(crate) fn new(faults: Faults) -> Self {
        Self { faults, moved: None }
    }

    /// The same, where a folder that metadata names lies somewhere else.
    pub(crate) fn moved(self, from: PathBuf, to: PathBuf) -> Self {
        Self { moved: Some((from, to)), ..self }
    }

    fn path_of(&self, address: &str) -> PathBuf {
        let path = path_of(address);
        match &self.moved {
            Some((from, to)) => path.strip_prefix(from).map_or(path.clone(), |rest| to.join(rest)),
            None => path,
        }
    }

    /// For the table format's library.
    pub(crate) fn for_tables(&self) -> FileIO {
        FileIOBuilder::new(Arc::new(self.clone())).build()
    }

    /// Makes a folder and those above it, each durable in the one above.
    pub(crate) fn make_folder(&self, folder: &Path) -> io::Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        if let Some(above) = folder.parent() {
            self.make_folder(above)?;
            self.faults.step()?;
            match DirBuilder::new().mode(0o700).create(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => sync_folder(above)?,
            }
        }
        Ok(())
    }

    /// Writes a whole file, durably. One that is there already has the same name, and so the same bytes: an attempt
    /// that failed half-way is written again.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        self.make_folder(folder)?;
        self.faults.step()?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        self.faults.step()?;
        file.write_all(bytes)?;
        self.faults.step()?;
        file.sync_all()?;
        self.sync_folder(folder)
    }

    /// Removes a file; one that is not there is fine. Durable once its folder is synced.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.faults.step()?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Makes removals in a folder durable.
    pub(crate) fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.faults.step()?;
        sync_folder(folder)
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[async_trait]
#[typetag::serde]
impl Storage for LocalFiles {
    async fn exists(&self, address: &str) -> Result<bool> {
        Ok(self.path_of(address).exists())
    }

    async fn metadata(&self, address: &str) -> Result<FileMetadata> {
        let path = self.path_of(address);
        Ok(FileMetadata { size: fs::metadata(&path).map_err(failed(&path))?.len() })
    }

    async fn read(&self, address: &str) -> Result<Bytes> {
        let path = self.path_of(address);
        fs::read(&path).map(Bytes::from).map_err(failed(&path))
    }

    async fn reader(&self, address: &str) -> Result<Box<dyn FileRead>> {
        let path = self.path_of(address);
        let file = File::open(&path).map_err(failed(&path))?;
        Ok(Box::new(Reading { file, path }))
    }

    async fn write(&self, address: &str, bytes: Bytes) -> Result<()> {
        let path = self.path_of(address);
        self.put(&path, &bytes).map_err(failed(&path))
    }

    /// Files are named by what is in them, so they are written whole.
    async fn writer(&self, _address: &str) -> Result<Box<dyn FileWrite>> {
        Err(Error::new(ErrorKind::FeatureUnsupported, "files of the lake are written whole"))
    }

    async fn delete(&self, address: &str) -> Result<()> {
        let path = self.path_of(address);
        self.remove(&path).map_err(failed(&path))
    }

    async fn delete_prefix(&self, address: &str) -> Result<()> {
        let path = self.path_of(address);
        self.faults.step().and_then(|()| fs::remove_dir_all(&path)).map_err(failed(&path))
    }

    async fn delete_stream(&self, mut addresses: BoxStream<'static, String>) -> Result<()> {
        while let Some(address) = addresses.next().await {
            self.delete(&address).await?;
        }
        Ok(())
    }

    fn new_input(&self, address: &str) -> Result<InputFile> {
        Ok(InputFile::new(Arc::new(self.clone()), address.to_owned()))
    }

    fn new_output(&self, address: &str) -> Result<OutputFile> {
        Ok(OutputFile::new(Arc::new(self.clone()), address.to_owned()))
    }
}

#[typetag::serde]
impl StorageFactory for LocalFiles {
    fn build(&self, _config: &StorageConfig) -> Result<Arc<dyn Storage>> {
        Ok(Arc::new(self.clone()))
    }
}

#[derive(Debug)]
struct Reading {
    file: File,
    path: PathBuf,
}

#[async_trait]
impl FileRead for Reading {
    async fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, range.start).map_err(failed(&self.path))?;
        Ok(bytes.into())
    }
}

/// The name that a file has by what is in it: the first half of its SHA-256, as a UUID. `lake verify` compares.
pub(crate) fn name_of(bytes: &[u8]) -> Uuid {
    let hash = Sha256::digest(bytes);
    let mut half = [0; 16];
    half.iter_mut().zip(hash.iter()).for_each(|(to, from)| *to = *from);
    Uuid::from_bytes(half)
}

/// A place in memory where the table format's library writes a file before it gets its name.
pub(crate) struct Scratch(FileIO);

impl Scratch {
    const ADDRESS: &'static str = "memory:///scratch";

    pub(crate) fn new() -> Self {
        Self(FileIO::new_with_memory())
    }

    pub(crate) fn output(&self) -> Result<OutputFile> {
        self.0.new_output(Self::ADDRESS)
    }

    /// What was written.
    pub(crate) async fn bytes(&self) -> Result<Bytes> {
        self.0.new_input(Self::ADDRESS)?.read().await
    }
}
