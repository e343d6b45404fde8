//! Retention: exchanges older than their task allows go, with content and feedback, and so do conversations in which
//! nothing was said for that long, so that no byte of what was said remains. A day is a day in UTC: what has lived its days goes with the first sweep after midnight, all at once.

use std::collections::BTreeMap;

use domain::Timestamp;
use lake::Retention;

use crate::contents::{self, compact, day};
use crate::conversations::remove_conversations;
use crate::database::{Row, Sql, Writing};
use crate::error::StoreError;
use crate::store::Store;

/// Exchanges in one transaction: others get their turn in between.
const BATCH: u32 = 500;

/// Conversations in one transaction: each goes with all its items.
const BATCH_OF_CONVERSATIONS: u32 = 20;

/// How long exchanges are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetentionRules {
    /// Days, for tasks without a rule of their own and for conversations.
    pub default_days: u32,
    /// Days by task.
    pub per_task: BTreeMap<String, u32>,
}

impl RetentionRules {
    /// For each rule, the select of what is older than it allows.
    fn older(&self, start: &'static str, now: Timestamp) -> Vec<Sql> {
        let select = |days: u32| {
            let mut select = Sql::from(start);
            select.bind(before(now, days));
            select
        };
        let mut others = select(self.default_days);
        if !self.per_task.is_empty() {
            others.push(" AND task NOT IN ").bind_list(self.per_task.keys().map(String::as_str));
        }
        let of_tasks = self.per_task.iter().map(|(task, days)| {
            let mut of_task = select(*days);
            of_task.push(" AND task = ").bind(task.as_str());
            of_task
        });
        of_tasks
            .chain([others])
            .map(|mut which| {
                which.push(" LIMIT ").bind(BATCH);
                which
            })
            .collect()
    }

    fn of_tables(&self, now: Timestamp) -> Retention {
        let first_day = |days: u32| day(now) - i64::from(days);
        let per_task = self.per_task.iter().map(|(task, days)| (task.clone(), first_day(*days))).collect();
        Retention { first_day: first_day(self.default_days), per_task }
    }
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
    /// Decisions.
    pub decisions: u64,
    /// Stored replies of the Responses API that had expired.
    pub responses: u64,
    /// Conversations whose last item was old enough.
    pub conversations: u64,
    /// Whether no byte remains of the content that this and earlier removals took away. Where only single
    /// conversations or replies were deleted, the first sweep of the next day sees to it; a reader in the middle puts
    /// it off to the next sweep.
    pub clean: bool,
}

impl Store {
    /// Removes what is older than the rules allow at `now`, in bounded batches, and cleans up behind all removals.
    /// With SQLite, removed content is overwritten in every file; PostgreSQL reuses the space when it vacuums.
    ///
    /// # Errors
    /// Where the state cannot be written; batches done before stay done.
    pub async fn sweep_retention(&self, rules: RetentionRules, now: Timestamp) -> Result<Swept, StoreError> {
        let _turn = self.upkeep().lock().await;
        let _forgetting = self.forgetting().await;
        let mut swept = Swept { traces: self.lake().retain(rules.of_tables(now)).await?, ..Swept::default() };
        for which in rules.older("SELECT id FROM feedback WHERE trace_created_at < ", now) {
            self.remove_feedback(which, &mut swept).await?;
        }
        for which in rules.older("SELECT id FROM decisions WHERE created_at < ", now) {
            swept.decisions += self.remove_decisions(which).await?;
        }
        for which in rules.older("SELECT id FROM traces WHERE created_at < ", now) {
            self.remove_traces(which, &mut swept).await?;
        }
        self.remove_expired_responses(now, &mut swept).await?;
        self.remove_conversations(before(now, rules.default_days), &mut swept).await?;
        let nothing_went = swept == Swept::default();
        swept.clean = compact(self.database(), self.contents(), now, nothing_went).await?;
        Ok(swept)
    }

    async fn remove_feedback(&self, which: Sql, swept: &mut Swept) -> Result<(), StoreError> {
        loop {
            let mut writing = self.database().write().await?;
            let feedback = ids_of(&writing.fetch_all(which.clone()).await?)?;
            if feedback.is_empty() {
                return writing.commit().await;
            }
            contents::remove(&mut writing, &feedback).await?;
            swept.feedback += writing.execute(among("DELETE FROM feedback WHERE id IN ", &feedback)).await?;
            writing.commit().await?;
        }
    }

    /// Removes the decisions of a select of ids; answers how many.
    pub(crate) async fn remove_decisions(&self, which: Sql) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let mut writing = self.database().write().await?;
            let decisions = ids_of(&writing.fetch_all(which.clone()).await?)?;
            if decisions.is_empty() {
                return writing.commit().await.map(|()| removed);
            }
            removed += writing.execute(among("DELETE FROM decisions WHERE id IN ", &decisions)).await?;
            writing.commit().await?;
        }
    }

    async fn remove_traces(&self, which: Sql, swept: &mut Swept) -> Result<(), StoreError> {
        loop {
            let mut writing = self.database().write().await?;
            let traces = ids_of(&writing.fetch_all(which.clone()).await?)?;
            if traces.is_empty() {
                return writing.commit().await;
            }
            remove_exchanges(&mut writing, &traces, swept).await?;
            writing.commit().await?;
        }
    }

    async fn remove_expired_responses(&self, now: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let mut which = Sql::from("SELECT id FROM responses WHERE expires_at <= ");
        which.bind(before(now, 0)).push(" LIMIT ").bind(BATCH);
        loop {
            let mut writing = self.database().write().await?;
            let expired = ids_of(&writing.fetch_all(which.clone()).await?)?;
            if expired.is_empty() {
                return writing.commit().await;
            }
            contents::remove(&mut writing, &expired).await?;
            swept.responses += writing.execute(among("DELETE FROM responses WHERE id IN ", &expired)).await?;
            writing.commit().await?;
        }
    }

    /// A conversation lives as long as its last item, one without items from when it was made.
    async fn remove_conversations(&self, limit: Timestamp, swept: &mut Swept) -> Result<(), StoreError> {
        let mut which = Sql::from("SELECT id FROM conversations c WHERE created_at < ");
        which.bind(limit).push(" AND NOT EXISTS (SELECT 1 FROM conversation_items i WHERE i.conversation_id = c.id");
        which.push(" AND i.created_at >= ").bind(limit).push(") ORDER BY created_at LIMIT ");
        which.bind(BATCH_OF_CONVERSATIONS);
        loop {
            let mut writing = self.database().write().await?;
            let silent = ids_of(&writing.fetch_all(which.clone()).await?)?;
            if silent.is_empty() {
                return writing.commit().await;
            }
            swept.conversations += remove_conversations(&mut writing, &silent).await?;
            writing.commit().await?;
        }
    }
}

/// Removes exchanges from the state, with all that was said in and about them.
pub(crate) async fn remove_exchanges(
    writing: &mut Writing,
    ids: &[String],
    swept: &mut Swept,
) -> Result<(), StoreError> {
    let feedback = ids_of(&writing.fetch_all(among("SELECT id FROM feedback WHERE trace_id IN ", ids)).await?)?;
    contents::remove(writing, &feedback).await?;
    swept.contents += contents::remove(writing, ids).await?;
    swept.feedback += writing.execute(among("DELETE FROM feedback WHERE trace_id IN ", ids)).await?;
    swept.traces += writing.execute(among("DELETE FROM traces WHERE id IN ", ids)).await?;
    Ok(())
}

pub(crate) fn ids_of(rows: &[Row]) -> Result<Vec<String>, StoreError> {
    rows.iter().map(|row| row.text("id").map(str::to_owned)).collect()
}

pub(crate) fn among(start: &'static str, ids: &[String]) -> Sql {
    let mut statement = Sql::from(start);
    statement.bind_list(ids.iter().cloned());
    statement
}

/// The beginning of the day that lies so many days before today.
fn before(now: Timestamp, days: u32) -> Timestamp {
    let today = Timestamp::from_micros(day(now).saturating_mul(86_400_000_000));
    today.plus_seconds(-i64::from(days) * 86_400)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_at_midnight_utc() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(before(at("2026-11-21T23:59:59Z"), 2), at("2026-11-19T00:00:00Z"));
        assert_eq!(before(at("2026-11-21T00:00:00Z"), 2), at("2026-11-19T00:00:00Z"));
        assert_eq!(before(at("1970-01-01T00:00:01Z"), 1), at("1969-12-31T00:00:00Z"));
    }
}
