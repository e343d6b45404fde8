//! One commit: files come, files go, and everything between becomes true at once when the catalog names the new
//! metadata file. Whatever fails before leaves the table as it was, and at most files that nobody names.

use std::collections::{HashMap, HashSet};

use domain::Timestamp;
use iceberg::io::FileIO;
use iceberg::spec::{
    DataFile, DataFileBuilder, ManifestEntryRef, ManifestFile, ManifestListWriter, ManifestWriter,
    ManifestWriterBuilder, Operation, Snapshot, SnapshotReference, SnapshotRetention, Summary, TableMetadata,
};

use crate::catalog::CatalogStore;
use crate::error::{LakeError, of_table};
use crate::files::{Scratch, name_of};
use crate::live::{Listed, Live, WATERMARK};

const MAIN: &str = "main";
/// From so many manifests on, a commit writes one for all.
const MOST_MANIFESTS: usize = 32;

/// What a commit changes.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) operation: Operation,
    pub(crate) added: Vec<DataFile>,
    /// Addresses of files that go.
    pub(crate) removed: HashSet<String>,
    /// The number of the last record that is in the table from now on.
    pub(crate) watermark: Option<i64>,
    /// Whether older snapshots go too, so that nothing names the removed files any more.
    pub(crate) forget: bool,
}

impl Change {
    pub(crate) fn of(operation: Operation) -> Self {
        Self { operation, added: Vec::new(), removed: HashSet::new(), watermark: None, forget: false }
    }
}

/// Makes the change true, or leaves the table as it is.
pub(crate) async fn commit(
    live: &Live,
    catalog: &dyn CatalogStore,
    now: Timestamp,
    change: Change,
) -> Result<Live, LakeError> {
    let metadata = draft(live, now, change).await?;
    publish(live, catalog, Some(&live.location), metadata).await
}

/// The metadata that makes the change true once the catalog names it. All that it names is on the disk.
pub(crate) async fn draft(live: &Live, now: Timestamp, change: Change) -> Result<TableMetadata, LakeError> {
    Draft::new(live, now)?.metadata(change).await.map_err(of_table(live.definition.name))
}

/// Writes the metadata file and names it in the catalog, in the place of `from`.
pub(crate) async fn publish(
    live: &Live,
    catalog: &dyn CatalogStore,
    from: Option<&str>,
    metadata: TableMetadata,
) -> Result<Live, LakeError> {
    let failed = of_table(live.definition.name);
    let files = live.table.file_io();
    let version = version_of(&live.location).map_or(0, |version| version + 1);
    let location = write_metadata(files, &metadata, version).await.map_err(&failed)?;
    // Before it is named: what cannot be read back must not become the table.
    let next = Live::of(live.definition, files.clone(), location.clone(), metadata).await?;
    catalog.swap(live.definition.name, from, &location).await?;
    Ok(next)
}

/// Writes a metadata file; answers its address.
pub(crate) async fn write_metadata(files: &FileIO, metadata: &TableMetadata, version: u32) -> iceberg::Result<String> {
    let bytes = serde_json::to_vec(metadata)?;
    let address = format!("{}/metadata/{version:05}-{}.metadata.json", metadata.location(), name_of(&bytes));
    files.new_output(&address)?.write(bytes.into()).await?;
    Ok(address)
}

fn version_of(location: &str) -> Option<u32> {
    location.rsplit('/').next()?.split('-').next()?.parse().ok()
}

/// A snapshot in the making.
struct Draft<'a> {
    live: &'a Live,
    id: i64,
    at_ms: i64,
}

impl<'a> Draft<'a> {
    fn new(live: &'a Live, now: Timestamp) -> Result<Self, LakeError> {
        let id = random_id()?;
        // The format wants time to go on from commit to commit.
        let at_ms = (now.micros() / 1_000).max(live.table.metadata().last_updated_ms() + 1);
        Ok(Self { live, id, at_ms })
    }

    async fn metadata(self, change: Change) -> iceberg::Result<TableMetadata> {
        let metadata = self.live.table.metadata();
        let summary = self.summary(&change);
        let manifests = self.manifests(&change).await?;
        let snapshot = self.snapshot(manifests, summary).await?;
        let older: Vec<i64> = metadata.snapshots().map(|snapshot| snapshot.snapshot_id()).collect();
        let mut builder = metadata.clone().into_builder(Some(self.live.location.clone())).add_snapshot(snapshot)?;
        let branch = SnapshotReference::new(self.id, SnapshotRetention::branch(None, None, None));
        builder = builder.set_ref(MAIN, branch)?;
        if change.forget {
            builder = builder.remove_snapshots(&older);
        }
        if let Some(number) = change.watermark {
            builder = builder.set_properties(HashMap::from([(WATERMARK.to_owned(), number.to_string())]))?;
        }
        Ok(builder.build()?.metadata)
    }

    /// Manifests without a removed file stay as they are, unless there are too many of them.
    async fn manifests(&self, change: &Change) -> iceberg::Result<Vec<ManifestFile>> {
        let merge = change.forget || self.live.manifests.len() >= MOST_MANIFESTS;
        let touched = |listed: &&Listed| merge || listed.entries.iter().any(|entry| is_removed(change, entry));
        let (rewritten, kept): (Vec<_>, Vec<_>) = self.live.manifests.iter().partition(touched);
        let mut manifests: Vec<ManifestFile> = kept.into_iter().map(|listed| listed.manifest.clone()).collect();
        let entries: Vec<&ManifestEntryRef> = rewritten.into_iter().flat_map(|listed| &listed.entries).collect();
        if entries.iter().any(|entry| entry.is_alive()) {
            manifests.push(self.carried(change, &entries).await?);
        }
        if !change.added.is_empty() {
            manifests.push(
                self.manifest(|writer| {
                    let add = |file: &DataFile| writer.add_file(file.clone(), self.sequence_number());
                    change.added.iter().try_for_each(add)
                })
                .await?,
            );
        }
        Ok(manifests)
    }

    /// One manifest of what stays and what goes. What went before is left out, and so are the bounds of what goes now.
    async fn carried(&self, change: &Change, entries: &[&ManifestEntryRef]) -> iceberg::Result<ManifestFile> {
        let metadata = self.live.table.metadata();
        let carry = |writer: &mut ManifestWriter, entry: &ManifestEntryRef| {
            let sequence = entry.sequence_number().unwrap_or_default();
            if is_removed(change, entry) {
                let file = without_bounds(entry.data_file(), metadata.default_partition_spec_id())?;
                return writer.add_delete_file(file, sequence, entry.file_sequence_number);
            }
            let snapshot = entry.snapshot_id().unwrap_or(self.id);
            writer.add_existing_file(entry.data_file().clone(), snapshot, sequence, entry.file_sequence_number)
        };
        let mut alive = entries.iter().filter(|entry| entry.is_alive());
        self.manifest(|writer| alive.try_for_each(|entry| carry(writer, entry))).await
    }

    async fn manifest(
        &self,
        fill: impl FnOnce(&mut ManifestWriter) -> iceberg::Result<()>,
    ) -> iceberg::Result<ManifestFile> {
        let metadata = self.live.table.metadata();
        let scratch = Scratch::new();
        let (schema, partitions) = (metadata.current_schema(), metadata.default_partition_spec());
        let output = scratch.output()?;
        let builder = ManifestWriterBuilder::new(output, Some(self.id), schema.clone(), partitions.as_ref().clone());
        let mut writer = builder.build_v2_data();
        fill(&mut writer)?;
        let mut manifest = writer.write_manifest_file().await?;
        manifest.manifest_path = self.put(&scratch, "").await?;
        Ok(manifest)
    }

    /// Gives what was written its name, and puts it on the disk.
    async fn put(&self, scratch: &Scratch, prefix: &str) -> iceberg::Result<String> {
        let bytes = scratch.bytes().await?;
        let folder = self.live.table.metadata().location();
        let address = format!("{folder}/metadata/{prefix}{}.avro", name_of(&bytes));
        self.live.table.file_io().new_output(&address)?.write(bytes).await?;
        Ok(address)
    }

    async fn snapshot(&self, manifests: Vec<ManifestFile>, summary: Summary) -> iceberg::Result<Snapshot> {
        let metadata = self.live.table.metadata();
        let scratch = Scratch::new();
        let parent = metadata.current_snapshot_id();
        let writer = scratch.output()?.writer().await?;
        let mut list = ManifestListWriter::v2(writer, self.id, parent, self.sequence_number());
        list.add_manifests(manifests.into_iter())?;
        list.close().await?;
        let path = self.put(&scratch, &format!("snap-{}-", self.id)).await?;
        let snapshot = Snapshot::builder().with_snapshot_id(self.id).with_parent_snapshot_id(parent);
        let snapshot = snapshot.with_sequence_number(self.sequence_number()).with_timestamp_ms(self.at_ms);
        let schema = metadata.current_schema_id();
        Ok(snapshot.with_manifest_list(path).with_summary(summary).with_schema_id(schema).build())
    }

    fn sequence_number(&self) -> i64 {
        self.live.table.metadata().next_sequence_number()
    }

    /// Counts by the names that the format gives them.
    fn summary(&self, change: &Change) -> Summary {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.live.files().partition(|file| change.removed.contains(file.file_path()));
        let after: Vec<&DataFile> = kept.into_iter().chain(&change.added).collect();
        let added: Vec<&DataFile> = change.added.iter().collect();
        let counts = [
            ("added-data-files", "added-records", "added-files-size", &added),
            ("deleted-data-files", "deleted-records", "removed-files-size", &gone),
            ("total-data-files", "total-records", "total-files-size", &after),
        ];
        let mut properties = HashMap::new();
        for (number, records, bytes, files) in counts {
            properties.insert(number.to_owned(), files.len().to_string());
            properties
                .insert(records.to_owned(), files.iter().map(|file| file.record_count()).sum::<u64>().to_string());
            let size = files.iter().map(|file| file.file_size_in_bytes()).sum::<u64>();
            properties.insert(bytes.to_owned(), size.to_string());
        }
        Summary { operation: change.operation.clone(), additional_properties: properties }
    }
}

fn random_id() -> Result<i64, LakeError> {
    let mut bytes = [0; 8];
    let failed = |error: getrandom::Error| LakeError::of_file("random bytes", std::io::Error::other(error.to_string()));
    getrandom::fill(&mut bytes).map_err(failed)?;
    Ok(i64::from_le_bytes(bytes) & i64::MAX)
}

fn is_removed(change: &Change, entry: &ManifestEntryRef) -> bool {
    entry.is_alive() && change.removed.contains(entry.file_path())
}

/// What remains of a file that goes: its name and counts, no value of any row.
fn without_bounds(file: &DataFile, partition_spec_id: i32) -> iceberg::Result<DataFile> {
    let mut builder = DataFileBuilder::default();
    builder
        .content(file.content_type())
        .file_path(file.file_path().to_owned())
        .file_format(file.file_format())
        .partition(file.partition().clone())
        .partition_spec_id(partition_spec_id)
        .record_count(file.record_count())
        .file_size_in_bytes(file.file_size_in_bytes());
    builder.build().map_err(|error| iceberg::Error::new(iceberg::ErrorKind::Unexpected, error.to_string()))
}
