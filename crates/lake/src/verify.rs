//! Verification: every file that a table names is there, is named by what is in it, and can be read.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use iceberg::spec::{DataFile, ManifestFile};
use serde::Serialize;

use crate::error::LakeError;
use crate::files::{name_of, path_of};
use crate::lake::{Inner, Lake};
use crate::live::Live;
use crate::scan::rows;
use crate::tables::Table;

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// The table.
    pub table: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: String,
}

impl Lake {
    /// Reads every file that the tables name, whole, and says what is not as it was written.
    ///
    /// # Errors
    /// Where the catalog cannot be read.
    pub async fn verify(&self) -> Result<Vec<Flaw>, LakeError> {
        self.reading(|lake| async move {
            let mut flaws = Vec::new();
            for table in Table::ALL {
                verify_table(&lake, table, &mut flaws).await;
            }
            Ok(flaws)
        })
        .await
    }
}

async fn verify_table(lake: &Inner, table: Table, flaws: &mut Vec<Flaw>) {
    let live = lake.live(table);
    let mut checked = Checked { table, seen: HashSet::new(), flaws };
    let metadata = live.table.metadata();
    checked.is_sound(path_of(&live.location));
    for log in metadata.metadata_log() {
        checked.is_sound(path_of(&log.metadata_file));
    }
    for snapshot in metadata.snapshots() {
        let path = path_of(snapshot.manifest_list());
        if checked.is_sound(path.clone()) {
            match live.table.manifest_list_reader(snapshot).load().await {
                Ok(list) => verify_manifests(&live, list.entries(), &mut checked).await,
                Err(error) => checked.flaw(path, error.to_string()),
            }
        }
    }
    for file in live.files() {
        verify_rows(&live, file, &mut checked).await;
    }
}

async fn verify_manifests(live: &Live, manifests: &[ManifestFile], checked: &mut Checked<'_>) {
    for manifest in manifests {
        let path = path_of(&manifest.manifest_path);
        if !checked.is_sound(path.clone()) {
            continue;
        }
        match manifest.load_manifest(live.table.file_io()).await {
            Ok(manifest) => {
                for entry in manifest.entries().iter().filter(|entry| entry.is_alive()) {
                    checked.is_sound(path_of(entry.file_path()));
                }
            }
            Err(error) => checked.flaw(path, error.to_string()),
        }
    }
}

/// A sound file must also be readable as what its manifest says.
async fn verify_rows(live: &Live, file: &DataFile, checked: &mut Checked<'_>) {
    let path = path_of(file.file_path());
    if checked.flaws.iter().any(|flaw| flaw.file == path) {
        return;
    }
    match rows(live, file, None, None).await {
        Ok(batches) => {
            let found: usize = batches.iter().map(RecordBatch::num_rows).sum();
            if u64::try_from(found).ok() != Some(file.record_count()) {
                checked.flaw(path, format!("it has {found} rows; its manifest says {}", file.record_count()));
            }
        }
        Err(error) => checked.flaw(path, error.to_string()),
    }
}

/// The files that were looked at, and what was found.
struct Checked<'f> {
    table: Table,
    seen: HashSet<PathBuf>,
    flaws: &'f mut Vec<Flaw>,
}

impl Checked<'_> {
    fn flaw(&mut self, file: PathBuf, problem: String) {
        self.flaws.push(Flaw { table: self.table.name(), file, problem });
    }

    /// Whether this is a file that was not looked at before, and what is in it is what was written.
    fn is_sound(&mut self, file: PathBuf) -> bool {
        if !self.seen.insert(file.clone()) {
            return false;
        }
        let problem = problem_with(&file);
        let sound = problem.is_none();
        if let Some(problem) = problem {
            self.flaw(file, problem);
        }
        sound
    }
}

/// A file's name ends with the hash of what is in it.
fn problem_with(file: &Path) -> Option<String> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return Some(format!("it cannot be read: {error}")),
    };
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_right = name.contains(&name_of(&bytes).to_string());
    (!is_right).then(|| "what is in it is not what was written: restore it from a backup".to_owned())
}
