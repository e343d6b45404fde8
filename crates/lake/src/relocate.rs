//! Tables whose folder was moved, or restored elsewhere: the format names files by whole addresses, so metadata is
//! written anew for the new place. The data files stay as they are.

use std::path::Path;

use domain::Timestamp;
use iceberg::spec::{DataFile, DataFileBuilder, Operation};

use crate::catalog::CatalogStore;
use crate::commit::{Change, draft, publish, write_metadata};
use crate::error::{LakeError, of_table};
use crate::files::{LocalFiles, address, path_of};
use crate::live::Live;
use crate::schema::new_table;
use crate::tables::Definition;

/// Where the metadata file that the catalog names is here, if the catalog looks for it in another folder: that one may
/// be there still, and is not ours to read or write.
pub(crate) fn moved_to(folder: &Path, definition: &Definition, location: &str) -> Result<Option<String>, LakeError> {
    let (named, ours) = (path_of(location), folder.join(definition.name).join("metadata"));
    if named.starts_with(&ours) {
        return Ok(None);
    }
    let here = ours.join(named.file_name().unwrap_or_default());
    if here.exists() {
        return address(&here).map(Some);
    }
    let detail = format!("its catalog names {}, which did not come along", named.display());
    Err(LakeError::Damaged { table: definition.name, detail })
}

/// Makes the table that lies at `here`, and that the catalog looks for at `location`, a table of its new place: one
/// snapshot of the same files, with the same watermark.
pub(crate) async fn relocate(
    definition: &'static Definition,
    (location, here): (String, String),
    (folder, now): (&Path, Timestamp),
    catalog: &dyn CatalogStore,
    files: &LocalFiles,
) -> Result<Live, LakeError> {
    let failed = of_table(definition.name);
    let old_folder = path_of(&location).parent().and_then(Path::parent).map(Path::to_owned);
    let new_folder = folder.join(definition.name);
    let reading = files.clone().moved(old_folder.unwrap_or_default(), new_folder.clone());
    let old = Live::load(definition, reading.for_tables(), here).await?;
    let place = address(&new_folder)?;
    let empty = new_table(definition, place.clone()).map_err(&failed)?;
    let first = write_metadata(&files.for_tables(), &empty, 0).await.map_err(&failed)?;
    let fresh = Live::of(definition, files.for_tables(), first, empty).await?;
    let mut change = Change::of(Operation::Append);
    change.watermark = Some(old.watermark());
    for file in old.files() {
        change.added.push(moved_file(file, &place, fresh.table.metadata().default_partition_spec_id(), definition)?);
    }
    let metadata = draft(&fresh, now, change).await?;
    let live = publish(&fresh, catalog, Some(&location), metadata).await?;
    tracing::warn!(table = definition.name, place, "the tables were moved: their metadata was written anew");
    Ok(live)
}

/// The same file under its new address.
fn moved_file(file: &DataFile, place: &str, spec: i32, definition: &Definition) -> Result<DataFile, LakeError> {
    let path = path_of(file.file_path());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut moved = DataFileBuilder::default();
    moved
        .content(file.content_type())
        .file_path(format!("{place}/data/{name}"))
        .file_format(file.file_format())
        .partition(file.partition().clone())
        .partition_spec_id(spec)
        .record_count(file.record_count())
        .file_size_in_bytes(file.file_size_in_bytes())
        .column_sizes(file.column_sizes().clone())
        .value_counts(file.value_counts().clone())
        .null_value_counts(file.null_value_counts().clone())
        .nan_value_counts(file.nan_value_counts().clone())
        .lower_bounds(file.lower_bounds().clone())
        .upper_bounds(file.upper_bounds().clone())
        .split_offsets(file.split_offsets().map(<[i64]>::to_vec));
    let table = definition.name;
    moved.build().map_err(|error| LakeError::Record { table, detail: error.to_string() })
}
