//! The ends of a pull: room on the disk before it, a file that is there already, conversion and placing after it.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use domain::Timestamp;

use super::stop::blocking;
use super::{Job, Stage};
use crate::folder::{Installed, ModelFolder, Placed};
use crate::gguf::GgufFile;
use crate::registry::Format;
use crate::{WeightsError, bert, e5, hash};

impl Job {
    /// Installs a whole file that lies in the model's place without a record, as somebody may have copied it there.
    pub(super) async fn adopt(&self, folder: &ModelFolder, now: Timestamp) -> Result<Option<Installed>, WeightsError> {
        let path = folder.model_folder(&self.entry.name).join(&self.entry.file);
        let is_candidate = std::fs::metadata(&path).is_ok_and(|found| found.len() == self.entry.bytes);
        if self.entry.format != Format::Gguf || !is_candidate {
            return Ok(None);
        }
        let (job, folder) = (self.clone(), folder.clone());
        blocking(move || {
            let sha256 = job.hash(&path)?;
            if sha256 != job.entry.sha256 {
                return Ok(None);
            }
            let source = format!("file:{}", path.display());
            let placed = Placed { source, unofficial: true, ..job.placed(sha256, 0, now) };
            folder.place(&path, placed).map(Some)
        })
        .await
    }

    /// Refuses to begin what cannot end: the disk needs room for what is still missing.
    pub(super) fn make_room(&self) -> Result<(), WeightsError> {
        let here =
            rustix::fs::statvfs(&self.work).map_err(|cause| WeightsError::storage("read", &self.work, cause.into()))?;
        let free_bytes = here.f_bavail.saturating_mul(here.f_frsize);
        let copies = if self.entry.format == Format::Gguf { 1 } else { 2 };
        let needed_bytes = self.entry.bytes.saturating_mul(copies).saturating_sub(size_of_folder(&self.work));
        if needed_bytes > free_bytes {
            return Err(WeightsError::DiskFull { folder: self.work.clone(), needed_bytes });
        }
        Ok(())
    }

    /// Converts the checked file where its format asks for it, and puts it in its place. `source` is the number of the
    /// source it came from.
    pub(super) async fn install(
        &self,
        folder: &ModelFolder,
        source: usize,
        now: Timestamp,
    ) -> Result<Installed, WeightsError> {
        let (job, folder) = (self.clone(), folder.clone());
        blocking(move || {
            let (staged, sha256) = job.loadable()?;
            // A file that no engine could read is not installed, whatever its checksum.
            GgufFile::open(&staged)?;
            folder.place(&staged, job.placed(sha256, source, now))
        })
        .await
    }

    /// The file an engine loads, and its sha256.
    fn loadable(&self) -> Result<(PathBuf, String), WeightsError> {
        let (entry, source) = (&self.entry, self.work_file(&self.entry.file));
        if entry.format == Format::Gguf {
            return Ok((source, entry.sha256.clone()));
        }
        self.report(Stage::Converting, 0, None);
        let path = self.work_file(&format!("{}.converted", entry.installed_file()));
        let output = BufWriter::new(File::create(&path).map_err(|cause| WeightsError::storage("write", &path, cause))?);
        match entry.format {
            Format::Gguf => {}
            Format::PackedE5 => e5::convert(&source, &entry.name, &entry.licence, (&path, output))?,
            Format::SentenceTransformers => {
                let (config, tokenizer) = (self.work_file("config.json"), self.work_file("tokenizer.json"));
                let model = bert::Folder { weights: &source, config: &config, tokenizer: &tokenizer };
                bert::convert(model, &entry.name, &entry.licence, entry.context_length, (&path, output))?;
            }
        }
        let sha256 = self.hash(&path)?;
        Ok((path, sha256))
    }

    fn hash(&self, path: &Path) -> Result<String, WeightsError> {
        hash::file(path, &|done| {
            self.report(Stage::Verifying, done, None);
            self.stop.check()
        })
    }

    fn placed(&self, sha256: String, source: usize, now: Timestamp) -> Placed<'_> {
        let entry = &self.entry;
        let source = entry.sources.get(source);
        Placed {
            name: &entry.name,
            kind: entry.kind,
            file: entry.installed_file(),
            source_sha256: (sha256 != entry.sha256).then(|| entry.sha256.clone()),
            sha256,
            licence: entry.licence.clone(),
            context_length: entry.context_length,
            prefixes: entry.prefixes.clone(),
            source: source.map(|source| source.from.to_string()).unwrap_or_default(),
            unofficial: source.is_none_or(|source| source.unofficial),
            installed_at: now,
        }
    }
}

fn size_of_folder(path: &Path) -> u64 {
    let files = std::fs::read_dir(path).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|found| found.len()).sum()
}
