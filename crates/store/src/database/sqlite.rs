//! SQLite: write-ahead log, every commit synced, deleted content overwritten.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, SqlSafeStr};

use crate::database::{Backend, Database, failure, quiet};
use crate::error::StoreError;
use crate::folder::Folder;

/// Readers do not block the writer, nor each other; more than the cores of a small machine would only wait.
const READERS: u32 = 4;

/// `synchronous=FULL`: a commit is on the disk when it returns. `secure_delete`: deleted bytes become zeros.
/// `temp_store=MEMORY`: no content in temporary files elsewhere. The log is folded in every 16 MiB (4,096 pages):
/// fewer syncs than with SQLite's 4 MiB, and still quick to recover.
const WRITER: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
    PRAGMA busy_timeout = 5000; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; \
    PRAGMA wal_autocheckpoint = 4096; PRAGMA journal_size_limit = 67108864";

const READER: &str = "PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA query_only = ON";

pub(super) async fn open(folder: &Folder) -> Result<Database, StoreError> {
    let path = folder.private_file("state.db")?;
    let place: Arc<str> = path.display().to_string().into();
    let address = address_of(&path)?;
    let writer = connect(&address, 1, WRITER, &place).await?;
    // The log and its index take their mode from the database file, made 0600 above.
    let readers = connect(&address, READERS, READER, &place).await?;
    Ok(Database { backend: Backend::Sqlite, writer, readers, place })
}

async fn connect(address: &str, most: u32, settings: &'static str, place: &str) -> Result<AnyPool, StoreError> {
    let pool = AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(30))
        // A file does not hang up: no ping before each use, no age limit.
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .after_connect(move |connection, _| Box::pin(prepare(connection, settings)));
    pool.connect_with(quiet(address)?).await.map_err(|error| failure::classify(error, place))
}

async fn prepare(connection: &mut AnyConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(settings.into_sql_str()).execute(connection).await.map(|_| ())
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
    use super::*;

    #[test]
    fn names_of_folders_may_hold_any_character() {
        let address = address_of(Path::new("/a b/ü?#%/state.db")).unwrap();
        assert_eq!(address, "sqlite:///a%20b/%C3%BC%3F%23%25/state.db?mode=rw");
    }
}
