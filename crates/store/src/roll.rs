//! Rolling: what is hot in the state goes into the open tables, in the order of its numbers, exactly once. What is known
//! is copied there in the same way, and stays in the state.
//!
//! Each table's own commit carries the number of its last record, so that a crash between the tables, or before the
//! state lets go of what rolled, repeats nothing and leaves nothing out. Feedback rolls after the exchanges that it is
//! about: what is hot never has feedback in the tables.

mod known;

use lake::Table;
use serde_json::Value as Json;

use crate::contents;
use crate::database::Sql;
use crate::decisions;
use crate::error::StoreError;
use crate::feedback;
use crate::retention::ids_of;
use crate::store::Store;
use crate::traces;

/// Exchanges in one file, at most.
const BATCH: u32 = 10_000;
/// Rows that leave the state in one transaction: others get their turn in between.
const LEAVING: u32 = 500;

/// A record on its way into a pair of open tables: counts, ids and timings in one, what was said in the other.
#[derive(Debug)]
pub(crate) struct HotRecord {
    pub(crate) number: i64,
    pub(crate) entry: Json,
    pub(crate) content: Option<Json>,
}

/// What rolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rolled {
    /// Exchanges.
    pub traces: u64,
    /// Feedback.
    pub feedback: u64,
    /// Decisions.
    pub decisions: u64,
    /// Rows of what is known that were copied: versions of documents, what was said of their rights, passages, vectors.
    pub known: u64,
}

impl Store {
    /// Rolls all that was recorded before the call into the open tables. Can be repeated after a failure: what rolled
    /// stays, and nothing rolls twice.
    ///
    /// # Errors
    /// Where the state or the tables cannot be read or written.
    pub async fn roll(&self) -> Result<Rolled, StoreError> {
        let _turn = self.upkeep().lock().await;
        let newest_feedback = feedback::newest_number(self.database()).await?;
        let mut rolled = Rolled::default();
        while let Some(exchanges) = self.roll_traces().await? {
            rolled.traces += exchanges;
        }
        while let Some(entries) = self.roll_feedback(newest_feedback).await? {
            rolled.feedback += entries;
        }
        while let Some(decisions) = self.roll_decisions().await? {
            rolled.decisions += decisions;
        }
        rolled.known = self.copy_known().await?;
        Ok(rolled)
    }

    /// A batch of exchanges; answers how many, none at the end.
    async fn roll_traces(&self) -> Result<Option<u64>, StoreError> {
        let pair = [Table::TraceContents, Table::Traces];
        let records = traces::hot_records(self.database(), self.rolled_through(pair), BATCH).await?;
        let rolled = self.append(pair, records).await?;
        self.let_go("traces", self.rolled_through(pair)).await?;
        Ok(rolled)
    }

    /// A batch of feedback up to a number; answers how many, none at the end.
    async fn roll_feedback(&self, up_to: i64) -> Result<Option<u64>, StoreError> {
        let pair = [Table::FeedbackContents, Table::Feedback];
        let records = feedback::hot_records(self.database(), (self.rolled_through(pair), up_to), BATCH).await?;
        let rolled = self.append(pair, records).await?;
        self.let_go("feedback", self.rolled_through(pair)).await?;
        Ok(rolled)
    }

    /// A batch of decisions; answers how many, none at the end.
    async fn roll_decisions(&self) -> Result<Option<u64>, StoreError> {
        let rolled = self.lake().watermark(Table::Decisions);
        let records = decisions::hot_records(self.database(), rolled, BATCH).await?;
        let (last, count) = (records.last().map(|record| record.number), count_of(&records));
        if let Some(last) = last {
            let records = records.into_iter().map(|record| record.entry).collect();
            self.lake().append(Table::Decisions, records, (rolled, last)).await?;
        }
        self.let_go("decisions", self.lake().watermark(Table::Decisions)).await?;
        Ok(last.map(|_| count))
    }

    /// Up to which number both tables have everything.
    fn rolled_through(&self, [contents, entries]: [Table; 2]) -> i64 {
        self.lake().watermark(contents).min(self.lake().watermark(entries))
    }

    /// Appends records to a pair of tables; answers how many, none where there are none.
    async fn append(&self, pair: [Table; 2], records: Vec<HotRecord>) -> Result<Option<u64>, StoreError> {
        match records.last().map(|record| record.number) {
            Some(last) => self.append_through(pair, records, last).await.map(Some),
            None => Ok(None),
        }
    }

    /// What was said goes first: an entry in the tables has its content there. Answers how many.
    async fn append_through(
        &self,
        [contents, entries]: [Table; 2],
        records: Vec<HotRecord>,
        last: i64,
    ) -> Result<u64, StoreError> {
        let count = count_of(&records);
        let (has_contents, has_entries) = (self.lake().watermark(contents), self.lake().watermark(entries));
        let (mut said, mut counted) = (Vec::new(), Vec::with_capacity(records.len()));
        for HotRecord { number, entry, content } in records {
            said.extend(content.filter(|_| number > has_contents));
            counted.extend(Some(entry).filter(|_| number > has_entries));
        }
        for (table, records, has) in [(contents, said, has_contents), (entries, counted, has_entries)] {
            if has < last {
                self.lake().append(table, records, (has, last)).await?;
            }
        }
        Ok(count)
    }

    /// Removes from the state what is in the tables.
    async fn let_go(&self, table: &'static str, through: i64) -> Result<(), StoreError> {
        loop {
            let mut select = Sql::from("SELECT id FROM ");
            select.push(table).push(" WHERE number <= ").bind(through).push(" ORDER BY number LIMIT ").bind(LEAVING);
            let mut writing = self.database().write().await?;
            let ids = ids_of(&writing.fetch_all(select).await?)?;
            if ids.is_empty() {
                return writing.commit().await;
            }
            contents::remove(&mut writing, &ids).await?;
            let mut delete = Sql::from("DELETE FROM ");
            delete.push(table).push(" WHERE id IN ").bind_list(ids);
            writing.execute(delete).await?;
            writing.commit().await?;
        }
    }
}

fn count_of(records: &[HotRecord]) -> u64 {
    u64::try_from(records.len()).unwrap_or(u64::MAX)
}
