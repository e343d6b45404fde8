//! Backup: state, open tables and catalog as they are at one moment, in a folder of their own; and the way back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::database::Backend;
use crate::error::StoreError;
use crate::folder::{Folder, create_private, refused};
use crate::identity::hex;
use crate::narrowings;
use crate::store::Store;

/// Written last: a folder without it is no backup.
const LIST: &str = "backup.json";
const FORMAT: u32 = 1;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    format: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// The epoch of permissions in it.
    pub epoch: u64,
    /// Its files, with what is in them.
    pub files: Vec<BackupFile>,
}

/// One file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupFile {
    /// Below the folder.
    pub path: PathBuf,
    /// Its size, bytes.
    pub bytes: u64,
    /// SHA-256 of what is in it, hex.
    pub sha256: String,
}

impl Store {
    /// Copies state and open tables into a new or empty folder, durably and as of one moment: nothing rolls, goes or is
    /// joined meanwhile, while exchanges go on being recorded. `more` are further files to put in, by name.
    ///
    /// # Errors
    /// The folder is not empty or cannot be written, or the state is in PostgreSQL, which has tools of its own.
    pub async fn back_up(&self, to: &Path, more: Vec<(PathBuf, Vec<u8>)>) -> Result<Backup, StoreError> {
        if self.database().backend() == Backend::Postgres {
            let detail = "the state is in PostgreSQL: stop the server, then dump the database and copy the data folder";
            return Err(StoreError::Backup { detail: detail.to_owned() });
        }
        let to = std::path::absolute(to).map_err(|error| refused(to, error))?;
        create_empty(&to)?;
        let _turn = self.upkeep().lock().await;
        let epoch = self.directory().epoch();
        create_private(&to.join("lake")).map_err(|error| refused(&to, error))?;
        self.lake().copy_to(&to.join("lake")).await?;
        self.database().copy_to(&to.join("state.db")).await?;
        for (name, bytes) in more {
            put(&to.join(name), &bytes)?;
        }
        let files = listed(&to)?;
        let backup = Backup { format: FORMAT, created_at: self.now(), epoch, files };
        let list = serde_json::to_vec_pretty(&backup).map_err(|error| refused(&to, error.into()))?;
        put(&to.join(LIST), &list)?;
        Ok(backup)
    }
}

/// Puts a backup's state and tables into a data folder that has none, after every file was checked. The log of
/// narrowings stays as it is there, or is copied from `narrowings`; the next [`Store::open`] replays it.
///
/// # Errors
/// No backup, one that is not whole, or a folder that holds a state already: then nothing was changed.
pub fn restore(backup: &Path, data_dir: &Path, log: Option<&Path>) -> Result<Backup, StoreError> {
    let found = read(backup)?;
    check(backup, &found)?;
    let folder = Folder::open(data_dir)?;
    if folder.path("state.db").exists() {
        let detail = format!("{} holds a state: name a new folder, or move that one away", data_dir.display());
        return Err(StoreError::Backup { detail });
    }
    if let Some(log) = log {
        copy(log, &folder.path(narrowings::FILE))?;
    }
    // The state comes last and whole: without it the folder is still empty to everybody.
    let is_state = |file: &&BackupFile| file.path == Path::new("state.db");
    for file in found.files.iter().filter(|file| !is_state(file) && is_of_the_data(&file.path)) {
        copy(&backup.join(&file.path), &folder.path(&file.path.to_string_lossy()))?;
    }
    copy(&backup.join("state.db"), &folder.path("state.db"))?;
    Ok(found)
}

/// What belongs into the data folder; the rest is for whoever restores.
fn is_of_the_data(path: &Path) -> bool {
    path.starts_with("lake")
}

fn read(backup: &Path) -> Result<Backup, StoreError> {
    let path = backup.join(LIST);
    let refused = |why: &dyn std::fmt::Display| {
        let path = path.display();
        StoreError::Backup { detail: format!("{path}: {why}: name a folder that `freehold backup` made, whole") }
    };
    let bytes = fs::read(&path).map_err(|error| refused(&error))?;
    let found: Backup = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
    if found.format > FORMAT {
        return Err(StoreError::Newer { found: found.format.into(), known: FORMAT.into() });
    }
    Ok(found)
}

/// Every file is there and is what was written. A path may not lead out of the backup.
fn check(backup: &Path, found: &Backup) -> Result<(), StoreError> {
    for file in &found.files {
        let path = backup.join(&file.path);
        let refused = |why: &dyn std::fmt::Display| {
            let path = path.display();
            StoreError::Backup { detail: format!("{path} cannot be restored ({why}): take another backup") }
        };
        if file.path.components().any(|part| !matches!(part, std::path::Component::Normal(_))) {
            return Err(refused(&"it lies outside of the backup"));
        }
        let bytes = fs::read(&path).map_err(|error| refused(&error))?;
        if hex(&Sha256::digest(&bytes)) != file.sha256 {
            return Err(refused(&"what is in it is not what was written"));
        }
    }
    Ok(())
}

fn create_empty(folder: &Path) -> Result<(), StoreError> {
    create_private(folder).map_err(|error| refused(folder, error))?;
    let mut entries = fs::read_dir(folder).map_err(|error| refused(folder, error))?;
    if entries.next().is_some() {
        let detail = format!("{} is not empty: name a new folder for each backup", folder.display());
        return Err(StoreError::Backup { detail });
    }
    Ok(())
}

fn listed(folder: &Path) -> Result<Vec<BackupFile>, StoreError> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        let failed = |error: io::Error| refused(&next, error);
        for entry in fs::read_dir(&next).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).map_err(failed)?;
            let below = path.strip_prefix(folder).unwrap_or(&path).to_owned();
            let sha256 = hex(&Sha256::digest(&bytes));
            files.push(BackupFile { path: below, bytes: bytes.len() as u64, sha256 });
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    put(to, &fs::read(from).map_err(|error| refused(from, error))?)
}

/// Writes a whole file, private and durable, in the place of one that was there.
fn put(to: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let folder = to.parent().unwrap_or(Path::new("/"));
    let written = || {
        create_private(folder)?;
        let part = to.with_added_extension("part");
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, to)?;
        fs::File::open(folder)?.sync_all()
    };
    written().map_err(|error| refused(to, error))
}
