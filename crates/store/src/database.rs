//! Connections to SQLite or PostgreSQL behind one face: one writer, several readers, portable SQL with `$1`.
//!
//! The `Any` driver carries text, 64-bit integers and NULL here, nothing else, so that both databases agree.

mod failure;
mod postgres;
mod row;
mod sqlite;
mod value;
mod writing;

use std::sync::Arc;

use sqlx::any::{AnyConnectOptions, AnyRow};
use sqlx::{AnyPool, SqlSafeStr};

pub(crate) use row::Row;
pub(crate) use value::{Sql, Value, json, values};
pub(crate) use writing::Writing;

use crate::error::StoreError;
use crate::folder::Folder;

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
    writer: AnyPool,
    readers: AnyPool,
    place: Arc<str>,
}

impl Database {
    /// Connects: to `state.db` in the folder, or to PostgreSQL where an address is given.
    pub(crate) async fn open(folder: &Folder, address: Option<&str>) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        match address {
            None => sqlite::open(folder).await,
            Some(address) => postgres::open(address).await,
        }
    }

    pub(crate) const fn backend(&self) -> Backend {
        self.backend
    }

    /// Begins the one write transaction; others wait for it. Dropped without a commit, it leaves nothing.
    pub(crate) async fn write(&self) -> Result<Writing, StoreError> {
        let connection = self.writer.acquire().await.map_err(|error| self.fail(error))?;
        Writing::begin(connection, self.backend, self.place.clone()).await
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
        let rows = sqlx::raw_sql(sql.into_sql_str()).fetch_all(&self.writer).await.map_err(|error| self.fail(error))?;
        Ok(rows.into_iter().map(|row| self.row(row)).collect())
    }

    /// Waits for what is in progress and closes all connections.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(crate) fn corrupt(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Corrupt { place: self.place.to_string(), detail: detail.into() }
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

/// Statements are not logged: their texts help nobody and their slowness is measured elsewhere.
fn quiet(address: &str) -> Result<AnyConnectOptions, StoreError> {
    use sqlx::ConnectOptions as _;
    let options: AnyConnectOptions =
        address.parse().map_err(|error: sqlx::Error| StoreError::Address { detail: error.to_string() })?;
    Ok(options.disable_statement_logging())
}
