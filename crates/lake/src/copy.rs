//! A copy of the tables for a backup: the files that their newest metadata names, and the catalog.

use std::fs;
use std::path::Path;

use crate::error::LakeError;
use crate::lake::{Changing, Lake};
use crate::sweep::named_files;
use crate::tables::Table;

impl Lake {
    /// Copies tables and catalog into a folder that is there and empty, durably. Nothing changes in the tables
    /// meanwhile.
    ///
    /// # Errors
    /// A damaged table, or a disk that fails: the copy is not whole then.
    pub async fn copy_to(&self, folder: &Path) -> Result<(), LakeError> {
        let folder = folder.to_owned();
        self.changing(move |lake| async move {
            for table in Table::ALL {
                copy_table(&lake, table, &folder).await?;
            }
            lake.catalog.copy_to(&folder.join("catalog.db")).await
        })
        .await
    }
}

async fn copy_table(lake: &Changing, table: Table, folder: &Path) -> Result<(), LakeError> {
    let live = lake.live(table);
    for file in named_files(&live).await? {
        let (Some(name), Some(kind)) = (file.file_name(), file.parent().and_then(Path::file_name)) else { continue };
        let to = folder.join(table.name()).join(kind).join(name);
        let bytes = fs::read(&file).map_err(|error| LakeError::of_file(&file, error))?;
        lake.files.put(&to, &bytes).map_err(|error| LakeError::of_file(&to, error))?;
    }
    Ok(())
}
