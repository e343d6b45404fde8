//! `freehold backup` and `freehold restore`.

use std::path::PathBuf;

use clap::Args;
use reqwest::Method;
use serde_json::Value;

use super::door::{Need, Remote};
use super::listing::{self, Body};
use super::{Globals, output};
use crate::error::FreeholdError;
use crate::serve::Installation;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A new or empty folder on this machine
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Backup {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let folder = std::path::absolute(&self.folder);
        let folder =
            folder.map_err(|source| FreeholdError::File { action: "finding", path: self.folder.clone(), source })?;
        let body = Body::default().with("folder", folder.to_string_lossy().into_owned()).finish();
        let at = (globals, &Remote::default());
        listing::show(at, Need::SetUp, Method::POST, "/api/v1/backups", Some(&body)).await
    }
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The folder that `freehold backup` made
    #[arg(value_name = "FOLDER")]
    backup: PathBuf,
    /// `narrowings.log` of the installation as it was last: what was taken away and erased since the backup is so again
    #[arg(long, value_name = "FILE")]
    narrowings: Option<PathBuf>,
}

impl Restore {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let config = globals.load(Vec::new())?.config;
        if self.narrowings.is_none() && !config.data.dir.join("narrowings.log").exists() {
            output::remark(
                "no narrowings.log is given or lies in the data folder: what was taken away or erased since the backup \
                 comes back with it",
            );
        }
        let restored = store::restore(&self.backup, &config.data.dir, self.narrowings.as_deref())?;
        // Opening replays the log.
        let installation = Installation::open(&config).await?;
        let epoch = installation.app.directory().epoch();
        let traces = app::lake::status(&installation.app).into_iter().find(|table| table.table == "traces");
        installation.close().await;
        let summary = serde_json::json!({
            "created_at": restored.created_at,
            "epoch_of_the_backup": restored.epoch,
            "epoch": epoch,
            "rolled_traces": traces.map_or(0, |table| table.rows),
            "models": models_of(&restored.files),
        });
        listing::print(&summary, globals.json);
        Ok(())
    }
}

/// Weights are not in a backup: their entries say what to pull.
fn models_of(files: &[store::BackupFile]) -> Vec<Value> {
    let entries = files.iter().filter(|file| file.path.starts_with("registry"));
    entries.filter_map(|file| Some(file.path.file_stem()?.to_str()?.into())).collect()
}
