//! The demo company: an invented firm whose people, groups and papers come in with `serve --demo`, so that there is something
//! to ask. Its papers lie in a folder beside the data folder, as those of a real company would: who changes one of them, or
//! the list beside it, sees it obeyed. Doing it again changes nothing that is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use app::import::{ImportOptions, import};
use app::sources::{self, NewSource};
use app::{App, AppError, Repeat, admin};
use rust_embed::RustEmbed;

use crate::error::FreeholdError;

/// The directory's export.
const PEOPLE: &[u8] = include_bytes!("../../../../examples/company/people.ndjson");
/// What people and groups are of, in lists too.
const DIRECTORY: &str = "marrowbrook";

/// The papers: a folder for each source, with lists beside them.
#[derive(RustEmbed)]
#[folder = "../../examples/company/folders"]
struct Papers;

/// Where the papers of the demo company lie for a data folder: beside it, since nothing is read out of the data folder.
pub(crate) fn folder_of(data: &Path) -> PathBuf {
    let name = data.file_name().map_or_else(|| "freehold".into(), |name| name.to_string_lossy().into_owned());
    data.with_file_name(format!("{name}-papers"))
}

/// Brings the demo company in.
///
/// # Errors
/// Its folder cannot be written, or the state.
pub(super) async fn load(app: &App, data: &Path) -> Result<(), FreeholdError> {
    let folder = folder_of(&std::path::absolute(data).unwrap_or_else(|_| data.to_owned()));
    unpack(&folder).map_err(FreeholdError::file("write", &folder))?;
    bring_in(app, &folder).await?;
    tracing::info!(papers = %folder.display(), "the demo company is here; its papers are being read");
    Ok(())
}

/// Writes the papers that are not there.
fn unpack(folder: &Path) -> std::io::Result<()> {
    for name in Papers::iter() {
        let path = folder.join(&*name);
        let Some(paper) = Papers::get(&name).filter(|_| !path.exists()) else { continue };
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(&path, &paper.data)?;
    }
    Ok(())
}

async fn bring_in(app: &App, folder: &Path) -> Result<(), AppError> {
    let caller = admin::local_caller(&app.directory())?;
    let options = ImportOptions { source: Some(DIRECTORY.to_owned()), complete: false };
    if app.directory().people().all(|person| person.source != DIRECTORY) {
        import(app, &caller, PEOPLE, &options).await?;
    }
    let names: BTreeSet<String> = Papers::iter().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect();
    for name in names {
        let config = serde_json::json!({
            "path": folder.join(&name), "lists": "sidecar", "people_source": DIRECTORY, "group_source": DIRECTORY,
        });
        let new = NewSource { name, kind: "folder".to_owned(), config: Some(config), ..NewSource::default() };
        match sources::create(app, &caller, new, Repeat::of(caller.principal(), "source", None)).await {
            Ok(_) | Err(AppError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
