//! One write transaction. It is durable when [`Writing::commit`] returns, and leaves nothing otherwise.

use sqlx::AssertSqlSafe;

use crate::database::writer::Taken;
use crate::database::{Backend, Row, Sql, failure};
use crate::error::StoreError;

pub(crate) struct Writing {
    taken: Taken,
    open: bool,
}

impl Writing {
    pub(super) async fn begin(taken: Taken) -> Result<Self, StoreError> {
        let begin = match taken.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN",
        };
        let mut writing = Self { taken, open: true };
        let begun = writing.attempt(begin).await;
        // A server that restarted has hung up: nothing was begun, so a second attempt is safe.
        if matches!(begun, Err(StoreError::Unavailable { .. })) && writing.taken.backend() == Backend::Postgres {
            writing.taken.discard();
            writing.attempt(begin).await?;
            return Ok(writing);
        }
        begun.map(|_| writing)
    }

    /// Runs all of a transaction as one piece of text.
    pub(super) async fn run_whole(taken: Taken, transaction: Sql) -> Result<(), StoreError> {
        let mut writing = Self { taken, open: true };
        match writing.attempt(transaction).await {
            Ok(_) => writing.open = false,
            Err(error) => return Err(writing.abort(error).await),
        }
        Ok(())
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
        let place = self.taken.place().clone();
        match sql.into().into_query().fetch_all(self.taken.connection().await?).await {
            Ok(rows) => Ok(rows.into_iter().map(|row| Row::new(row, place.clone())).collect()),
            Err(error) => Err(self.abort(failure::classify(error, &place)).await),
        }
    }

    /// Runs a statement; a failure leaves the transaction as it is, for a savepoint to return to.
    pub(crate) async fn attempt(&mut self, sql: impl Into<Sql>) -> Result<u64, StoreError> {
        let done = sql.into().into_query().execute(self.taken.connection().await?).await;
        done.map(|done| done.rows_affected()).map_err(|error| failure::classify(error, self.taken.place()))
    }

    /// Several statements of ours without values. A failure ends the transaction.
    pub(crate) async fn execute_script(&mut self, script: &str) -> Result<(), StoreError> {
        let done = sqlx::raw_sql(AssertSqlSafe(script.to_owned())).execute(self.taken.connection().await?).await;
        match done {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = failure::classify(error, self.taken.place());
                Err(self.abort(error).await)
            }
        }
    }

    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        self.commit_and(|| ()).await
    }

    /// Makes it durable, then does what memory needs to agree, before anybody else writes.
    pub(crate) async fn commit_and(mut self, then: impl FnOnce() + Send) -> Result<(), StoreError> {
        self.attempt("COMMIT").await?;
        self.open = false;
        then();
        Ok(())
    }

    /// A broken rule of the data leaves the connection good; after anything else it is given up (see `drop`), for
    /// SQLite may have ended the transaction by itself and PostgreSQL may have gone.
    pub(crate) async fn abort(&mut self, error: StoreError) -> StoreError {
        let of_the_data = matches!(error, StoreError::Conflict { .. } | StoreError::Missing { .. });
        if of_the_data && self.attempt("ROLLBACK").await.is_ok() {
            self.open = false;
        }
        error
    }
}

impl Drop for Writing {
    /// A caller who left in the middle, or a failure: giving the connection up undoes what was begun, whatever state
    /// it is in.
    fn drop(&mut self) {
        if self.open {
            self.taken.discard();
        }
    }
}
