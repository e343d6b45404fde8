//! One write transaction. It is durable when [`Writing::commit`] returns, and leaves nothing otherwise.

use std::sync::Arc;

use sqlx::pool::PoolConnection;
use sqlx::{Any, SqlSafeStr};

use crate::database::{Backend, Row, Sql, failure};
use crate::error::StoreError;

pub(crate) struct Writing {
    connection: PoolConnection<Any>,
    backend: Backend,
    place: Arc<str>,
    open: bool,
}

impl Writing {
    pub(super) async fn begin(
        connection: PoolConnection<Any>,
        backend: Backend,
        place: Arc<str>,
    ) -> Result<Self, StoreError> {
        let mut writing = Self { connection, backend, place, open: true };
        let begin = match backend {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        writing.attempt(begin).await?;
        Ok(writing)
    }

    /// Runs a statement; answers how many rows it changed. A failure ends the transaction.
    pub(crate) async fn execute(&mut self, sql: impl Into<Sql>) -> Result<u64, StoreError> {
        match self.attempt(sql).await {
            Ok(changed) => Ok(changed),
            Err(error) => Err(self.abort(error).await),
        }
    }

    /// Runs a statement that answers rows. A failure ends the transaction.
    pub(crate) async fn fetch_all(&mut self, sql: impl Into<Sql>) -> Result<Vec<Row>, StoreError> {
        match sql.into().into_query().fetch_all(&mut *self.connection).await {
            Ok(rows) => Ok(rows.into_iter().map(|row| Row::new(row, self.place.clone())).collect()),
            Err(error) => {
                let error = failure::classify(error, &self.place);
                Err(self.abort(error).await)
            }
        }
    }

    /// Runs a statement; a failure leaves the transaction as it is, for a savepoint to return to.
    pub(crate) async fn attempt(&mut self, sql: impl Into<Sql>) -> Result<u64, StoreError> {
        let done = sql.into().into_query().execute(&mut *self.connection).await;
        done.map(|done| done.rows_affected()).map_err(|error| failure::classify(error, &self.place))
    }

    /// Several statements without values: a migration.
    pub(crate) async fn execute_script(&mut self, script: &'static str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(script.into_sql_str()).execute(&mut *self.connection).await;
        match done {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = failure::classify(error, &self.place);
                Err(self.abort(error).await)
            }
        }
    }

    /// Makes it durable.
    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        self.attempt("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    pub(crate) const fn backend(&self) -> Backend {
        self.backend
    }

    /// A broken rule of the data leaves the connection good; after anything else it is closed (see `drop`), for
    /// SQLite may have ended the transaction by itself and PostgreSQL may have gone.
    async fn abort(&mut self, error: StoreError) -> StoreError {
        let of_the_data = matches!(error, StoreError::Conflict { .. } | StoreError::Missing { .. });
        if of_the_data && self.attempt("ROLLBACK").await.is_ok() {
            self.open = false;
        }
        error
    }
}

impl Drop for Writing {
    /// A caller who left in the middle, or a failure: closing the connection undoes what was begun, whatever state
    /// it is in.
    fn drop(&mut self) {
        if self.open {
            self.connection.close_on_drop();
        }
    }
}
