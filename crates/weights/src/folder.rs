//! The models folder and the verbs a person uses on it: list, show, pull, verify, remove, import, hold.
//!
//! A model lives in `DIR/<name>/`: its file and `model.json`, which says where it came from. The record is written
//! last, so what has one is whole. Nothing hands out the path of a file whose bytes are not those of its record.

mod import;
mod lock;
mod place;
mod record;

use std::path::{Path, PathBuf};

pub use import::Import;
pub use lock::Held;
pub(crate) use lock::Lock;
pub(crate) use place::{Placed, sync_folder};
pub use record::{Installed, Record};

use crate::registry::{Defaults, Entry, Kind, Registry, check_name};
use crate::{Progress, Stage, WeightsError};

/// Folder of unfinished work inside the models folder.
const WORK: &str = ".work";

/// A folder of models.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    folder: PathBuf,
    registry: Registry,
}

/// What is known about one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// How it can be pulled; `None` for an imported file.
    pub entry: Option<Entry>,
    /// Where it came from; `None` where it is not installed.
    pub installed: Option<Record>,
    /// What is wrong with the installed one, as far as a glance shows.
    pub fault: Option<String>,
}

impl ModelFolder {
    /// The folder at this path, which need not exist yet, with the entries of its `registry.toml`.
    ///
    /// # Errors
    /// Those of [`Registry::load`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, WeightsError> {
        let folder = folder.into();
        let registry = Registry::load(&folder)?;
        Ok(Self { folder, registry })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The names that are used when none is given.
    #[must_use]
    pub const fn defaults(&self) -> &Defaults {
        self.registry.defaults()
    }

    /// What can be pulled.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All models: those that can be pulled, then imported ones by name.
    ///
    /// # Errors
    /// [`WeightsError::Storage`] when the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Model>, WeightsError> {
        let mut models: Vec<_> =
            self.registry.entries().iter().map(|entry| self.model(&entry.name, Some(entry))).collect();
        let mut names = record::names(&self.folder)?;
        names.retain(|name| self.registry.find(name).is_none());
        names.sort();
        models.extend(names.iter().map(|name| self.model(name, None)));
        Ok(models)
    }

    /// One model.
    ///
    /// # Errors
    /// [`WeightsError::Unknown`] for a name that neither the registry nor the folder has.
    pub fn show(&self, name: &str) -> Result<Model, WeightsError> {
        let model = self.model(name, self.registry.find(name));
        if model.entry.is_none() && model.installed.is_none() && model.fault.is_none() {
            return Err(WeightsError::Unknown { name: name.to_owned() });
        }
        Ok(model)
    }

    fn model(&self, name: &str, entry: Option<&Entry>) -> Model {
        let (installed, fault) = match self.record(name) {
            Ok(record) => (record, None),
            Err(error) => (None, Some(error.to_string())),
        };
        let kind = entry.map(|entry| entry.kind).or(installed.as_ref().map(|record| record.kind)).unwrap_or(Kind::Chat);
        Model { name: name.to_owned(), kind, entry: entry.cloned(), installed, fault }
    }

    /// An installed model whose file is what its record says. Size and time of change are looked at; where they
    /// differ the whole file is hashed again.
    ///
    /// # Errors
    /// [`WeightsError::Unknown`], [`WeightsError::NotInstalled`], [`WeightsError::Checksum`] for an altered file,
    /// [`WeightsError::Storage`].
    pub fn installed(&self, name: &str) -> Result<Installed, WeightsError> {
        let installed = self.recorded(name)?;
        self.check_origin(&installed.record)?;
        if installed.looks_unchanged()? {
            return Ok(installed);
        }
        self.verify(name, &|_| {})
    }

    /// A record cannot vouch for another file than the registry's.
    fn check_origin(&self, record: &Record) -> Result<(), WeightsError> {
        let found = record.source_sha256.as_ref().unwrap_or(&record.sha256);
        match self.registry.find(&record.name) {
            Some(entry) if entry.sha256 != *found => Err(altered(&record.name, &entry.sha256, found)),
            _ => Ok(()),
        }
    }

    /// Hashes the whole file of an installed model.
    ///
    /// # Errors
    /// Those of [`ModelFolder::installed`].
    pub fn verify(&self, name: &str, progress: &dyn Fn(Progress)) -> Result<Installed, WeightsError> {
        let mut installed = self.recorded(name)?;
        self.check_origin(&installed.record)?;
        let total = installed.record.bytes;
        let found = crate::hash::file(&installed.path, &|done| {
            progress(Progress::new(Stage::Verifying, done, Some(total)));
            Ok(())
        })?;
        if found != installed.record.sha256 {
            return Err(altered(name, &installed.record.sha256, &found));
        }
        if !installed.looks_unchanged()? {
            installed.record.modified_ns = place::modified_ns(&installed.path)?;
            // A shared folder may be read-only here; then the file is hashed again the next time.
            let _ = installed.record.save(&self.model_folder(name));
        }
        Ok(installed)
    }

    /// An installed and unchanged model that cannot be removed while the answer lives.
    ///
    /// # Errors
    /// Those of [`ModelFolder::installed`]; [`WeightsError::Busy`] while it is being removed.
    pub fn hold(&self, name: &str) -> Result<Held, WeightsError> {
        let path = self.recorded(name)?.path;
        let held = Held::file(name, &path)?;
        self.installed(name)?;
        Ok(held)
    }

    /// Removes an installed model.
    ///
    /// # Errors
    /// [`WeightsError::Unknown`], [`WeightsError::NotInstalled`], [`WeightsError::InUse`] while somebody holds it,
    /// [`WeightsError::Busy`], [`WeightsError::Storage`].
    pub fn remove(&self, name: &str) -> Result<(), WeightsError> {
        check_name(name)?;
        let folder = self.model_folder(name);
        if !folder.join(record::FILE).exists() {
            return Err(self.absent(name));
        }
        let _lock = self.lock(name)?;
        // A record that cannot be read does not stop anybody from removing what it belongs to.
        let _exclusive = match self.record(name) {
            Ok(Some(record)) => lock::exclusive(name, &folder.join(&record.file))?,
            Ok(None) | Err(_) => None,
        };
        let record = folder.join(record::FILE);
        std::fs::remove_file(&record).map_err(|cause| WeightsError::storage("remove", &record, cause))?;
        std::fs::remove_dir_all(&folder).map_err(|cause| WeightsError::storage("remove", &folder, cause))?;
        sync_folder(&self.folder)
    }

    pub(crate) fn model_folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where unfinished work on a model lies.
    pub(crate) fn work_folder(&self, name: &str) -> PathBuf {
        self.folder.join(WORK).join(name)
    }

    /// Keeps every other process from changing the model.
    pub(crate) fn lock(&self, name: &str) -> Result<Lock, WeightsError> {
        Lock::take(name, &self.folder.join(WORK).join(format!("{name}.lock")))
    }

    pub(crate) fn record(&self, name: &str) -> Result<Option<Record>, WeightsError> {
        check_name(name)?;
        Record::load(&self.model_folder(name))
    }

    fn recorded(&self, name: &str) -> Result<Installed, WeightsError> {
        let record = self.record(name)?.ok_or_else(|| self.absent(name))?;
        Ok(Installed { path: self.model_folder(name).join(&record.file), record })
    }

    fn absent(&self, name: &str) -> WeightsError {
        let name = name.to_owned();
        match self.registry.find(&name) {
            Some(_) => WeightsError::NotInstalled { name },
            None => WeightsError::Unknown { name },
        }
    }
}

fn altered(name: &str, expected: &str, found: &str) -> WeightsError {
    WeightsError::Checksum {
        what: format!("the file of model '{name}'"),
        expected: expected.to_owned(),
        found: found.to_owned(),
        advice: format!("run `freehold models pull {name}`, or remove it and import it again"),
    }
}
