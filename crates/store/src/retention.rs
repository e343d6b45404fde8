//! Retention: exchanges older than their task allows go, with content and feedback, so that no byte remains.

use std::collections::BTreeMap;

use domain::Timestamp;

use crate::database::{Backend, Sql, values};
use crate::error::StoreError;
use crate::store::Store;

/// Exchanges in one transaction: others get their turn in between.
const BATCH: u32 = 500;

/// How long exchanges are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionRules {
    /// Days, for tasks without a rule of their own.
    pub default_days: u32,
    /// Days by task.
    pub per_task: BTreeMap<String, u32>,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Exchanges.
    pub traces: u64,
    /// Of them, with content.
    pub contents: u64,
    /// Feedback on them.
    pub feedback: u64,
    /// Stored replies of the Responses API that had expired.
    pub responses: u64,
    /// Whether the write-ahead log was emptied too. A reader in the middle can prevent it: then the next sweep does.
    pub log_emptied: bool,
}

impl Store {
    /// Removes what is older than the rules allow at `now`, in bounded batches. With SQLite the removed bytes are
    /// overwritten and the write-ahead log is emptied; PostgreSQL reuses the space when it vacuums.
    ///
    /// # Errors
    /// Where the state cannot be written; batches done before stay done.
    pub async fn sweep_retention(&self, rules: RetentionRules, now: Timestamp) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        for (task, days) in &rules.per_task {
            let mut which = Sql::from("SELECT id FROM traces WHERE task = ");
            which.bind(task.as_str()).push(" AND created_at < ").bind(before(now, *days));
            self.remove_traces(which, &mut swept).await?;
        }
        let mut which = Sql::from("SELECT id FROM traces WHERE created_at < ");
        which.bind(before(now, rules.default_days));
        if !rules.per_task.is_empty() {
            which.push(" AND task NOT IN ").bind_list(rules.per_task.keys().map(String::as_str));
        }
        self.remove_traces(which, &mut swept).await?;
        swept.responses = self.remove_expired_responses(now).await?;
        swept.log_emptied = self.empty_log().await?;
        Ok(swept)
    }

    async fn remove_traces(&self, which: Sql, swept: &mut Swept) -> Result<(), StoreError> {
        let mut which = which;
        which.push(" ORDER BY created_at LIMIT ").bind(BATCH);
        loop {
            let mut writing = self.database().write().await?;
            let rows = writing.fetch_all(which.clone()).await?;
            let ids = rows.iter().map(|row| Ok(row.text("id")?.to_owned())).collect::<Result<Vec<_>, StoreError>>()?;
            if ids.is_empty() {
                return writing.commit().await;
            }
            let of = |start| {
                let mut delete = Sql::from(start);
                delete.bind_list(ids.iter().cloned());
                delete
            };
            swept.feedback += writing.execute(of("DELETE FROM feedback WHERE trace_id IN ")).await?;
            swept.contents += writing.execute(of("DELETE FROM trace_contents WHERE trace_id IN ")).await?;
            swept.traces += writing.execute(of("DELETE FROM traces WHERE id IN ")).await?;
            writing.commit().await?;
        }
    }

    async fn remove_expired_responses(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut writing = self.database().write().await?;
        let delete = "DELETE FROM responses WHERE expires_at IS NOT NULL AND expires_at <= $1";
        let removed = writing.execute((delete, values![now])).await?;
        writing.commit().await?;
        Ok(removed)
    }

    /// The log still holds pages as they were before they were overwritten.
    async fn empty_log(&self) -> Result<bool, StoreError> {
        if self.database().backend() == Backend::Postgres {
            return Ok(true);
        }
        let rows = self.database().maintain("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        rows.first().map_or(Ok(true), |row| Ok(row.number("busy")? == 0))
    }
}

fn before(now: Timestamp, days: u32) -> Timestamp {
    now.plus_seconds(-i64::from(days) * 86_400)
}
