//! Backup of state, open tables and the entries of the models' registry, at one moment.

use std::path::{Path, PathBuf};

use access::Caller;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::NewAct;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::stock::Stock;

/// Where the backup is to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewBackup {
    /// A new or empty folder on the machine of the server, by its whole path.
    pub folder: String,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BackupRecord {
    /// The folder.
    pub folder: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The epoch of permissions in it.
    pub epoch: u64,
    /// How many files.
    pub files: u64,
    /// Their size, bytes.
    pub bytes: u64,
}

/// Makes a backup. Weights are not in it, only the entries that say where they come from.
///
/// # Errors
/// The folder is no whole path, not empty, or cannot be written.
pub async fn back_up(app: &App, caller: &Caller, new: NewBackup) -> Result<BackupRecord, AppError> {
    let folder = Path::new(&new.folder);
    if !folder.is_absolute() {
        return Err(AppError::invalid("folder", "`folder`: use a whole path, from the root"));
    }
    let made = app.store.back_up(folder, registry(app)).await?;
    let (verb, ids) = ("back_up".to_owned(), vec![new.folder.clone()]);
    app.store.add_act(NewAct { actor: Some(caller.actor()), verb, ids, detail: Value::Null }).await?;
    Ok(BackupRecord {
        folder: new.folder,
        created_at: made.created_at,
        epoch: made.epoch,
        files: u64::try_from(made.files.len()).unwrap_or(u64::MAX),
        bytes: made.files.iter().map(|file| file.bytes).sum(),
    })
}

/// What says of each installed model where it came from.
fn registry(app: &App) -> Vec<(PathBuf, Vec<u8>)> {
    let records = app.stock.as_ref().map(Stock::records).unwrap_or_default();
    let place = |name: String| PathBuf::from("registry").join(format!("{name}.json"));
    records.into_iter().map(|(name, record)| (place(name), record)).collect()
}
