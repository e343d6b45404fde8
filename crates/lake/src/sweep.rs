//! What goes: days that were kept long enough, snapshots that nobody reads any more, files that nothing names.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use iceberg::spec::Operation;

use crate::commit::Change;
use crate::error::{LakeError, of_table};
use crate::files::path_of;
use crate::lake::{Changing, Lake};
use crate::live::Live;
use crate::tables::Table;
use crate::write::Partition;

/// How long rows are kept, of tables whose rows age ([`Table::ages`]): days in UTC, by task. Whole partitions go, with all
/// older snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// The first day (since 1970) that is kept, for tasks without a rule of their own.
    pub first_day: i64,
    /// The first day that is kept, by task.
    pub per_task: BTreeMap<String, i64>,
}

impl Retention {
    fn keeps(&self, partition: &Partition) -> bool {
        i64::from(partition.day) >= *self.per_task.get(&partition.task).unwrap_or(&self.first_day)
    }
}

impl Lake {
    /// Removes what was kept long enough, for good. Answers how many exchanges went.
    ///
    /// # Errors
    /// A damaged table, or a disk that fails; what went so far stays gone.
    pub async fn retain(&self, rules: Retention) -> Result<u64, LakeError> {
        self.changing(move |lake| async move {
            let mut exchanges = 0;
            for table in Table::ALL.into_iter().filter(|table| table.ages()) {
                let live = lake.live(table);
                let mut change = Change::of(Operation::Delete);
                change.forget = true;
                for (partition, file) in live.partitioned()? {
                    if !rules.keeps(&partition) {
                        change.removed.insert(file.file_path().to_owned());
                        exchanges += if table == Table::Traces { file.record_count() } else { 0 };
                    }
                }
                if !change.removed.is_empty() {
                    lake.commit(table, &live, change).await?;
                    lake.sweep_table(table).await?;
                }
            }
            Ok(exchanges)
        })
        .await
    }

    /// Removes snapshots from before a moment, and the files that only they name. The newest stays.
    ///
    /// # Errors
    /// A damaged table, or a disk that fails.
    pub async fn expire(&self, before: Timestamp) -> Result<(), LakeError> {
        self.changing(move |lake| async move {
            for table in Table::ALL {
                lake.forget_older(table, before.micros() / 1_000).await?;
                lake.sweep_table(table).await?;
            }
            Ok(())
        })
        .await
    }

    /// Removes the files that nothing names: what interrupted changes left behind.
    pub(crate) async fn sweep(&self) -> Result<(), LakeError> {
        self.changing(move |lake| async move {
            for table in Table::ALL {
                lake.sweep_table(table).await?;
            }
            Ok(())
        })
        .await
    }
}

impl Changing {
    /// Removes snapshots from before a moment (milliseconds since 1970) but the newest.
    pub(crate) async fn forget_older(&self, table: Table, before_ms: i64) -> Result<(), LakeError> {
        let live = self.live(table);
        let metadata = live.table.metadata();
        let newest = metadata.current_snapshot_id();
        let old = metadata.snapshots().filter(|snapshot| snapshot.timestamp_ms() < before_ms);
        let ids = old.map(|snapshot| snapshot.snapshot_id()).filter(|id| Some(*id) != newest);
        let ids: Vec<i64> = ids.collect();
        if ids.is_empty() {
            return Ok(());
        }
        let builder = metadata.clone().into_builder(Some(live.location.clone())).remove_snapshots(&ids);
        let built = builder.build().map_err(of_table(live.definition.name))?;
        self.publish(table, &live, built.metadata).await
    }

    /// Removes files of a table that nothing names. Only Freehold writes here, one change after another, so such a
    /// file is nobody's.
    pub(crate) async fn sweep_table(&self, table: Table) -> Result<(), LakeError> {
        let live = self.live(table);
        let named = named_files(&live).await?;
        // Where the table says that it is: never a folder by another name, in which no file would be named.
        let place = path_of(live.table.metadata().location());
        for folder in ["data", "metadata"] {
            let folder = place.join(folder);
            let mut removed = false;
            for path in files_in(&folder)? {
                if !named.contains(&path) {
                    self.files.remove(&path).map_err(|error| LakeError::of_file(&path, error))?;
                    removed = true;
                }
            }
            if removed {
                self.files.sync_folder(&folder).map_err(|error| LakeError::of_file(&folder, error))?;
            }
        }
        Ok(())
    }
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, LakeError> {
    let failed = |error| LakeError::of_file(folder, error);
    match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
    }
}

/// Every file that the newest metadata names, by itself or through a snapshot.
pub(crate) async fn named_files(live: &Live) -> Result<HashSet<PathBuf>, LakeError> {
    let failed = of_table(live.definition.name);
    let metadata = live.table.metadata();
    let mut named: HashSet<PathBuf> = HashSet::from([path_of(&live.location)]);
    named.extend(metadata.metadata_log().iter().map(|log| path_of(&log.metadata_file)));
    for snapshot in metadata.snapshots() {
        named.insert(path_of(snapshot.manifest_list()));
        let list = live.table.manifest_list_reader(snapshot).load().await.map_err(&failed)?;
        for manifest in list.entries() {
            if named.insert(path_of(&manifest.manifest_path)) {
                let read = manifest.load_manifest(live.table.file_io()).await.map_err(&failed)?;
                let alive = read.entries().iter().filter(|entry| entry.is_alive());
                named.extend(alive.map(|entry| path_of(entry.file_path())));
            }
        }
    }
    Ok(named)
}
