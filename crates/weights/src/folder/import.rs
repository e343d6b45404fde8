//! Importing a GGUF file that a person has: checked, hashed, copied or hard-linked, recorded.

use std::path::{Path, PathBuf};

use domain::Timestamp;

use super::{Installed, ModelFolder, Placed};
use crate::gguf::GgufFile;
use crate::registry::{Entry, Format, Kind, Licence, check_name};
use crate::{Progress, Stage, WeightsError};

/// A file to import.
#[derive(Debug, Clone, Default)]
pub struct Import {
    /// The GGUF file.
    pub path: PathBuf,
    /// The name it shall have; else one is made from the file's name.
    pub name: Option<String>,
    /// Its licence; else the file's own word, else `unknown`.
    pub licence: Option<Licence>,
    /// What it is for; else what its header suggests.
    pub kind: Option<Kind>,
    /// Share the bytes with the original where the file system allows it, instead of copying them.
    pub hard_link: bool,
}

impl ModelFolder {
    /// Imports a file.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] when it is no whole GGUF file of a model, [`WeightsError::Exists`],
    /// [`WeightsError::Busy`], [`WeightsError::DiskFull`], [`WeightsError::Storage`], [`WeightsError::Invalid`] for a name
    /// that cannot be one.
    pub fn import(
        &self,
        import: &Import,
        now: Timestamp,
        progress: &dyn Fn(Progress),
    ) -> Result<Installed, WeightsError> {
        let name = import.name.clone().unwrap_or_else(|| name_of(&import.path));
        check_name(&name)?;
        let _lock = self.lock(&name)?;
        if self.record(&name)?.is_some() {
            return Err(WeightsError::Exists { name });
        }
        let work = self.work_folder(&name);
        std::fs::create_dir_all(&work).map_err(|cause| WeightsError::storage("create", &work, cause))?;
        let result = self.import_through(import, &name, &work.join("import.gguf"), now, progress);
        // What is left there after a failure is of no use to anybody.
        let _ = std::fs::remove_dir_all(&work);
        result
    }

    fn import_through(
        &self,
        import: &Import,
        name: &str,
        staged: &Path,
        now: Timestamp,
        progress: &dyn Fn(Progress),
    ) -> Result<Installed, WeightsError> {
        let summary = GgufFile::open(&import.path)?.header().summary();
        let what = || import.path.display().to_string();
        let context_length = summary.context_length.ok_or_else(|| {
            WeightsError::malformed(what(), "its header gives no context length: it is an adapter or a part of a model")
        })?;
        stage(import, staged)?;
        let total = std::fs::metadata(staged).map_err(|cause| WeightsError::storage("read", staged, cause))?.len();
        let sha256 = crate::hash::file(staged, &|done| {
            progress(Progress::new(Stage::Verifying, done, Some(total)));
            Ok(())
        })?;
        let entry = self.registry.find(name);
        if entry.is_some_and(|entry| entry.sha256 != sha256 || entry.format != Format::Gguf) {
            return Err(WeightsError::Exists { name: name.to_owned() });
        }
        let suggested = if summary.embeds { Kind::Embedding } else { Kind::Chat };
        let licence = import.licence.clone().or_else(|| entry.map(|entry| entry.licence.clone())).or(summary.licence);
        self.place(
            staged,
            Placed {
                name,
                kind: import.kind.or(entry.map(|entry| entry.kind)).unwrap_or(suggested),
                file: entry.map_or_else(|| format!("{name}.gguf"), Entry::installed_file),
                sha256,
                licence: licence.unwrap_or_else(|| "unknown".to_owned()),
                context_length,
                prefixes: entry.and_then(|entry| entry.prefixes.clone()),
                source: format!("file:{}", import.path.display()),
                source_sha256: None,
                unofficial: true,
                installed_at: now,
            },
        )
    }
}

/// Brings the bytes into the folder, by a link where that is wanted and possible.
fn stage(import: &Import, staged: &Path) -> Result<(), WeightsError> {
    let _ = std::fs::remove_file(staged);
    let original = std::fs::canonicalize(&import.path);
    let original = original.map_err(|cause| WeightsError::storage("open", &import.path, cause))?;
    if import.hard_link && std::fs::hard_link(&original, staged).is_ok() {
        return Ok(());
    }
    std::fs::copy(&original, staged).map_err(|cause| WeightsError::storage("copy to", staged, cause))?;
    Ok(())
}

/// A name made from a file's: lower case, with `-` for everything a name may not hold.
fn name_of(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let plain =
        |character: char| if character.is_ascii_alphanumeric() || "._-".contains(character) { character } else { '-' };
    let name: String = stem.chars().map(plain).take(128).collect();
    name.trim_start_matches(['.', '_', '-']).to_owned()
}
