//! [`Live`]: one table at its newest snapshot, with the files that it names. Read without a lock; a commit makes a new one.

use iceberg::io::FileIO;
use iceberg::spec::{DataFile, ManifestEntryRef, ManifestFile, TableMetadata};
use iceberg::table::Table as IcebergTable;
use iceberg::{NamespaceIdent, Runtime, TableIdent};

use crate::catalog::NAMESPACE;
use crate::error::{LakeError, of_table};
use crate::tables::Definition;
use crate::write::Partition;

/// The table property that holds the number of the last record in the table.
pub(crate) const WATERMARK: &str = "freehold.rolled-through";

/// One table at its newest snapshot.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) definition: &'static Definition,
    pub(crate) table: IcebergTable,
    /// The metadata file.
    pub(crate) location: String,
    pub(crate) manifests: Vec<Listed>,
}

/// A manifest with its entries: the files of the table, and those that a commit removed.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) manifest: ManifestFile,
    pub(crate) entries: Vec<ManifestEntryRef>,
}

impl Live {
    /// Reads metadata, manifest list and manifests.
    pub(crate) async fn load(
        definition: &'static Definition,
        files: FileIO,
        location: String,
    ) -> Result<Self, LakeError> {
        let read = TableMetadata::read_from(&files, &location).await;
        Self::of(definition, files, location, read.map_err(of_table(definition.name))?).await
    }

    /// The table of this metadata.
    pub(crate) async fn of(
        definition: &'static Definition,
        files: FileIO,
        location: String,
        metadata: TableMetadata,
    ) -> Result<Self, LakeError> {
        let failed = of_table(definition.name);
        let table = table_of(definition, files, &location, metadata).map_err(&failed)?;
        let mut manifests = Vec::new();
        if let Some(snapshot) = table.metadata().current_snapshot() {
            let list = table.manifest_list_reader(snapshot).load().await.map_err(&failed)?;
            for manifest in list.entries().iter().cloned() {
                let entries = manifest.load_manifest(table.file_io()).await.map_err(&failed)?.into_parts().0;
                manifests.push(Listed { manifest, entries });
            }
        }
        Ok(Self { definition, table, location, manifests })
    }

    /// The files of the table.
    pub(crate) fn files(&self) -> impl Iterator<Item = &DataFile> {
        let entries = self.manifests.iter().flat_map(|listed| &listed.entries);
        entries.filter(|entry| entry.is_alive()).map(|entry| entry.data_file())
    }

    /// The files of the table with the partition of each.
    pub(crate) fn partitioned(&self) -> Result<Vec<(Partition, &DataFile)>, LakeError> {
        let strange = || LakeError::Damaged { table: self.definition.name, detail: "a file without a day".to_owned() };
        self.files().map(|file| Ok((Partition::of(file).ok_or_else(strange)?, file))).collect()
    }

    /// The number of the last record in the table; 0 where there is none.
    pub(crate) fn watermark(&self) -> i64 {
        let number = self.table.metadata().properties().get(WATERMARK).and_then(|text| text.parse().ok());
        number.unwrap_or(0)
    }
}

fn table_of(
    definition: &'static Definition,
    files: FileIO,
    location: &str,
    metadata: TableMetadata,
) -> iceberg::Result<IcebergTable> {
    let name = TableIdent::new(NamespaceIdent::new(NAMESPACE.to_owned()), definition.name.to_owned());
    let table = IcebergTable::builder().file_io(files).metadata_location(location).metadata(metadata).identifier(name);
    // What is read is kept in `Live`; what an erasure removed must not stay in a cache.
    table.disable_cache().runtime(Runtime::try_current()?).build()
}
