//! Compaction: many small files of a partition become few, sorted anew, so that one person's rows lie together.

use std::collections::BTreeMap;

use arrow_select::concat::concat_batches;
use iceberg::spec::{DataFile, Operation};

use crate::commit::Change;
use crate::error::LakeError;
use crate::lake::{Changing, Lake};
use crate::live::Live;
use crate::scan::rows;
use crate::tables::Table;
use crate::write::{Partition, arrow_schema, of_columns, sorted, write_file};

/// Files below this size are joined with others of their partition, bytes.
const SMALL: u64 = 16 << 20;
/// Files are joined up to this size, bytes: all of it is in memory at once, several times as large.
const JOINED: u64 = 32 << 20;

/// What a compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that were joined.
    pub files_before: u64,
    /// What they became.
    pub files_after: u64,
}

impl Lake {
    /// Joins small files: those of a partition that has at least `at_least` of them. Readers of older snapshots keep
    /// their files until [`Lake::expire`].
    ///
    /// # Errors
    /// A damaged table, or a disk that fails: then the tables are as they were.
    pub async fn compact(&self, at_least: usize) -> Result<Compacted, LakeError> {
        let mut total = Compacted::default();
        for table in Table::ALL {
            let done = self.changing(move |lake| async move { compact_table(&lake, table, at_least).await }).await?;
            total.files_before += done.files_before;
            total.files_after += done.files_after;
        }
        Ok(total)
    }
}

async fn compact_table(lake: &Changing, table: Table, at_least: usize) -> Result<Compacted, LakeError> {
    let live = lake.live(table);
    let mut change = Change::of(Operation::Replace);
    for (partition, files) in groups(&live, at_least)? {
        change.added.push(join(&live, &partition, &files).await?);
        change.removed.extend(files.iter().map(|file| file.file_path().to_owned()));
    }
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let done = Compacted { files_before: count(change.removed.len()), files_after: count(change.added.len()) };
    if !change.removed.is_empty() {
        lake.commit(table, &live, change).await?;
    }
    Ok(done)
}

/// Small files that become one, for each partition with enough of them.
fn groups(live: &Live, at_least: usize) -> Result<Vec<(Partition, Vec<&DataFile>)>, LakeError> {
    let mut partitions: BTreeMap<Partition, Vec<&DataFile>> = BTreeMap::new();
    for (partition, file) in live.partitioned()? {
        if file.file_size_in_bytes() < SMALL {
            partitions.entry(partition).or_default().push(file);
        }
    }
    partitions.retain(|_, files| files.len() >= at_least.max(2));
    let mut groups = Vec::new();
    for (partition, files) in partitions {
        let (mut group, mut bytes) = (Vec::new(), 0);
        for file in files {
            if bytes + file.file_size_in_bytes() > JOINED {
                groups.push((partition.clone(), std::mem::take(&mut group)));
                bytes = 0;
            }
            bytes += file.file_size_in_bytes();
            group.push(file);
        }
        groups.push((partition, group));
    }
    groups.retain(|(_, files)| files.len() > 1);
    Ok(groups)
}

async fn join(live: &Live, partition: &Partition, files: &[&DataFile]) -> Result<DataFile, LakeError> {
    let mut batches = Vec::new();
    for file in files {
        batches.extend(rows(live, file, None, None).await?);
    }
    let whole = concat_batches(&arrow_schema(live)?, &batches).map_err(of_columns(live.definition))?;
    write_file(live, partition, &sorted(live.definition, &whole)?).await
}
