//! Connections to SQLite or PostgreSQL behind one face: one writer, several readers, portable SQL with `$1`.
//!
//! The `Any` driver carries text, 64-bit integers and NULL here, nothing else, so that both databases agree.

mod failure;
mod insert;
mod postgres;
mod row;
mod sqlite;
mod value;
mod writer;
mod writing;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::{AnyPool, ConnectOptions, SqlSafeStr};

pub(crate) use insert::Insert;
pub(crate) use row::Row;
pub(crate) use value::{Sql, Value, json, values};
use writer::Writer;
pub(crate) use writing::Writing;

use crate::error::StoreError;
use crate::folder::Folder;

/// How long a reader waits for a connection while all are busy or none can be made.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which database answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// The connections.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    backend: Backend,
    writer: Writer,
    readers: AnyPool,
    place: Arc<str>,
}

impl Database {
    /// Connects: to `state.db` in the folder, or to PostgreSQL where an address is given.
    pub(crate) async fn open(folder: &Folder, address: Option<&str>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match address {
            None => Self::open_file(folder, "state.db").await,
            Some(address) => postgres::open(address).await,
        }
    }

    /// Opens a SQLite file of this name in the folder; makes it where it is missing.
    pub(crate) async fn open_file(folder: &Folder, name: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        sqlite::open(folder, name).await
    }

    pub(crate) const fn backend(&self) -> Backend {
        self.backend
    }

    /// Begins the one write transaction; others wait for it. Dropped without a commit, it leaves nothing.
    pub(crate) async fn write(&self) -> Result<Writing, StoreError> {
        Writing::begin(self.writer.take().await).await
    }

    /// One transaction of statements that do not depend on each other's answers; they are made once nobody else writes.
    /// SQLite gets them in one piece: each piece wakes the connection's thread and waits for it, which for a small
    /// transaction takes longer than the work.
    pub(crate) async fn write_at_once(&self, statements: impl FnOnce() -> Vec<Sql> + Send) -> Result<(), StoreError> {
        if self.backend == Backend::Sqlite {
            let taken = self.writer.take().await;
            return Writing::run_whole(taken, Sql::transaction(statements())).await;
        }
        let mut writing = self.write().await?;
        for statement in statements() {
            writing.execute(statement).await?;
        }
        writing.commit().await
    }

    pub(crate) async fn fetch_all(&self, sql: impl Into<Sql>) -> Result<Vec<Row>, StoreError> {
        let found = sql.into().into_query().fetch_all(&self.readers).await.map_err(|error| self.fail(error))?;
        Ok(found.into_iter().map(|row| self.row(row)).collect())
    }

    pub(crate) async fn fetch_optional(&self, sql: impl Into<Sql>) -> Result<Option<Row>, StoreError> {
        let found = sql.into().into_query().fetch_optional(&self.readers).await.map_err(|error| self.fail(error))?;
        Ok(found.map(|row| self.row(row)))
    }

    /// Statements outside a transaction on the writer: maintenance.
    pub(crate) async fn maintain(&self, sql: &'static str) -> Result<Vec<Row>, StoreError> {
        let mut taken = self.writer.take().await;
        let rows = sqlx::raw_sql(sql.into_sql_str()).fetch_all(taken.connection().await?).await;
        Ok(rows.map_err(|error| self.fail(error))?.into_iter().map(|row| self.row(row)).collect())
    }

    /// Copies a SQLite database as it is now into a new file (mode 0600), durably.
    pub(crate) async fn copy_to(&self, file: &Path) -> Result<(), StoreError> {
        let failed = |source: std::io::Error| StoreError::Folder { path: file.to_owned(), source: Arc::new(source) };
        let not_text = || failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "its name is not valid UTF-8"));
        let name = file.to_str().ok_or_else(not_text)?.to_owned();
        let mut taken = self.writer.take().await;
        let copy = Sql::from(("VACUUM INTO $1", values![name]));
        copy.into_query().execute(taken.connection().await?).await.map_err(|error| self.fail(error))?;
        let copied = std::fs::File::open(file).map_err(failed)?;
        copied.set_permissions(std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
        copied.sync_all().map_err(failed)
    }

    /// Waits for what is in progress and closes all connections. The writer goes last: whoever closes a SQLite file
    /// last folds its log in.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn unavailable(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Unavailable { place: self.place.to_string(), detail: detail.into() }
    }

    fn row(&self, row: AnyRow) -> Row {
        Row::new(row, self.place.clone())
    }

    fn fail(&self, error: sqlx::Error) -> StoreError {
        failure::classify(error, &self.place)
    }
}

/// Connections that read, made when they are needed and prepared by `settings`. A `remote` one may have gone while
/// nobody used it: it is tried before each use and renewed at times.
fn readers(address: &AnyConnectOptions, most: u32, settings: &'static str, remote: bool) -> AnyPool {
    let pool = AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(remote)
        .after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(settings.into_sql_str()).execute(connection).await.map(drop) })
        });
    let pool = if remote { pool } else { pool.idle_timeout(None).max_lifetime(None) };
    pool.connect_lazy_with(address.clone())
}

/// Statements are not logged: their texts help nobody and their slowness is measured elsewhere.
fn parse(address: &str) -> Result<AnyConnectOptions, StoreError> {
    let options: AnyConnectOptions =
        address.parse().map_err(|error: sqlx::Error| StoreError::Address { detail: error.to_string() })?;
    Ok(options.disable_statement_logging())
}
