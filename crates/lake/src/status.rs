//! What is in the tables.

use serde::Serialize;

use crate::error::LakeError;
use crate::lake::Lake;
use crate::tables::Table;
use crate::write::Partition;

/// One table at its newest snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    /// Its name in the catalog.
    pub table: &'static str,
    /// Rows.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Their size, bytes.
    pub bytes: u64,
    /// Partitions: a day and a task each.
    pub partitions: u64,
    /// Snapshots that can be read.
    pub snapshots: u64,
    /// The newest metadata file.
    pub metadata: String,
}

impl Lake {
    /// What is in each table.
    #[must_use]
    pub fn status(&self) -> Vec<TableStatus> {
        Table::ALL.into_iter().map(|table| self.status_of(table)).collect()
    }

    fn status_of(&self, table: Table) -> TableStatus {
        let live = self.inner.live(table);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let partitions: std::collections::BTreeSet<_> = live.files().filter_map(Partition::of).collect();
        TableStatus {
            table: table.name(),
            rows: live.files().map(|file| file.record_count()).sum(),
            files: count(live.files().count()),
            bytes: live.files().map(|file| file.file_size_in_bytes()).sum(),
            partitions: count(partitions.len()),
            snapshots: count(live.table.metadata().snapshots().len()),
            metadata: live.location.clone(),
        }
    }
}

/// What a reader needs to open a table by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableMetadata {
    /// Where the metadata file is.
    pub location: String,
    /// What is in it (Iceberg table specification, version 2).
    pub metadata: serde_json::Value,
}

impl Lake {
    /// The metadata of a table at its newest snapshot.
    ///
    /// # Errors
    /// Where it cannot be written as JSON: a defect.
    pub fn metadata(&self, table: Table) -> Result<TableMetadata, LakeError> {
        let live = self.inner.live(table);
        let metadata = serde_json::to_value(live.table.metadata());
        let strange = |error: serde_json::Error| LakeError::Record { table: table.name(), detail: error.to_string() };
        Ok(TableMetadata { location: live.location.clone(), metadata: metadata.map_err(strange)? })
    }
}
