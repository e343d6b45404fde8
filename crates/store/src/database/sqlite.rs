//! SQLite: write-ahead log, every commit synced, deleted content overwritten.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::database::writer::{Terms, Writer};
use crate::database::{Backend, Database, parse, readers};
use crate::error::StoreError;
use crate::folder::Folder;

/// Readers do not block the writer, nor each other; more than the cores of a small machine would only wait.
const READERS: u32 = 4;

/// `synchronous=FULL`: a commit is on the disk when it returns. `secure_delete`: deleted bytes become zeros.
/// `temp_store=MEMORY`: no content in temporary files elsewhere. The log is folded in every 16 MiB (4,096 pages):
/// fewer syncs than with SQLite's 4 MiB, and still quick to recover.
const WRITER: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; \
    PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864";

const READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON";

pub(super) async fn open(folder: &Folder, name: &str) -> Result<Database, StoreError> {
    let path = folder.private_file(name)?;
    let place: Arc<str> = path.display().to_string().into();
    let address = parse(&address_of(&path)?)?;
    // The log and its index take their mode from the database file, made 0600 above.
    let readers = readers(&address, READERS, READER, false);
    let terms = Terms { backend: Backend::Sqlite, address, settings: WRITER, place: place.clone() };
    Ok(Database { backend: Backend::Sqlite, writer: Writer::open(terms).await?, readers, place })
}

/// The driver undoes percent encoding, so everything but plain characters is encoded.
fn address_of(path: &Path) -> Result<String, StoreError> {
    let refused = |source| StoreError::Folder { path: path.to_owned(), source: Arc::new(source) };
    let absolute = std::path::absolute(path).map_err(refused)?;
    let not_text = || refused(io::Error::new(io::ErrorKind::InvalidInput, "its name is not valid UTF-8"));
    let text = absolute.to_str().ok_or_else(not_text)?;
    let encoded: String = text.bytes().map(encode).collect();
    Ok(format!("sqlite://{encoded}?mode=rw"))
}

fn encode(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn names_of_folders_may_hold_any_character() {
        let address = address_of(Path::new("/a b/ü?#%/state.db")).unwrap();
        assert_eq!(address, "sqlite:///a%20b/%C3%BC%3F%23%25/state.db?mode=rw");
    }

    #[tokio::test]
    async fn a_commit_is_synced_and_what_is_deleted_is_overwritten() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(&parent.path().join("ü ?#%")).unwrap();
        let database = Database::open(&folder, None).await.unwrap();
        let settings = [
            ("PRAGMA synchronous", "synchronous", 2),
            ("PRAGMA secure_delete", "secure_delete", 1),
            ("PRAGMA foreign_keys", "foreign_keys", 1),
            ("PRAGMA temp_store", "temp_store", 2),
        ];
        // Those of the first connection, and of one made anew after a failure.
        for _ in 0..2 {
            for (statement, column, expected) in settings {
                assert_eq!(database.maintain(statement).await.unwrap()[0].number(column).unwrap(), expected);
            }
            let mode = database.maintain("PRAGMA journal_mode").await.unwrap();
            assert_eq!(mode[0].text("journal_mode").unwrap(), "wal");
            let mut writing = database.write().await.unwrap();
            assert!(writing.execute("no such statement").await.is_err());
        }
        let mut files: Vec<_> = std::fs::read_dir(parent.path().join("ü ?#%")).unwrap().flatten().collect();
        files.retain(|file| file.metadata().unwrap().permissions().mode() & 0o077 != 0);
        assert_eq!(files.len(), 0, "{files:?}");
    }
}
