//! Decisions: recorded with the exchange that they are about or by themselves, read from the state and the open tables
//! together. Ids and rules, no content.

use std::collections::BTreeMap;

use domain::{Decision, DecisionId};
use lake::{DecisionQuery, Table};

use crate::database::{Database, Insert, Row, Sql, Value, json, values};
use crate::error::StoreError;
use crate::roll::HotRecord;
use crate::store::{Page, Store, bounded};
use crate::traces::without_nul;

pub(crate) static INSERT_DECISIONS: Insert =
    Insert::new("INSERT INTO decisions (id, created_at, owner, trace_id, task, allowed, record, number) VALUES", 8);

/// All but the number, which the writer gives.
pub(crate) fn row_of(decision: &Decision) -> Result<Vec<Value>, StoreError> {
    let (owner, trace) = (decision.question.caller.principal, decision.trace.map(|trace| trace.to_string()));
    let allowed = i64::from(decision.verdict.allowed);
    let task = without_nul(&decision.task);
    Ok(values![decision.id, decision.created_at, owner, trace, task, allowed, json(decision)?])
}

impl Store {
    /// Records a decision that is about no exchange, for a caller who does not wait: durable within about a tenth of a
    /// second. Those of who was erased are not kept.
    ///
    /// # Errors
    /// Where the store is closed.
    pub async fn record_decision(&self, decision: &Decision) -> Result<(), StoreError> {
        if self.refuses_records_of(decision.question.caller.principal) {
            return Ok(());
        }
        self.trace_writer().write_decision_behind(row_of(decision)?).await
    }

    /// One decision.
    ///
    /// # Errors
    /// Where the state or the open tables cannot be read.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<Decision>, StoreError> {
        let query = DecisionQuery { id: Some(id), limit: 1, ..DecisionQuery::default() };
        Ok(self.decisions(query).await?.data.pop())
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// Where the state or the open tables cannot be read.
    pub async fn decisions(&self, query: DecisionQuery) -> Result<Page<Decision>, StoreError> {
        let limit = bounded(query.limit);
        let rows = self.database().fetch_all(hot_page(limit + 1, &query)).await?;
        let hot = rows.iter().map(|row| row.json::<Decision>("record")).collect::<Result<Vec<_>, _>>()?;
        // The state was read first: what left it meanwhile is in the tables already.
        let rolled = self.lake().decisions(DecisionQuery { limit: limit + 1, ..query }).await?;
        let found: BTreeMap<_, _> = rolled.into_iter().chain(hot).map(|decision| (decision.id, decision)).collect();
        Ok(Page::cut(found.into_values().rev().collect(), limit))
    }
}

fn hot_page(rows: u32, query: &DecisionQuery) -> Sql {
    let mut select = Sql::from("SELECT record FROM decisions WHERE number > 0");
    if let Some(id) = query.id {
        select.push(" AND id = ").bind(id);
    }
    if let Some(after) = query.after {
        select.push(" AND id < ").bind(after);
    }
    if let Some(owner) = query.owner {
        select.push(" AND owner = ").bind(owner);
    }
    if let Some(trace) = query.trace {
        select.push(" AND trace_id = ").bind(trace);
    }
    if let Some(allowed) = query.allowed {
        select.push(" AND allowed = ").bind(i64::from(allowed));
    }
    select.push(" ORDER BY id DESC LIMIT ").bind(rows);
    select
}

/// The number of the next decision: after all in the state and all that ever rolled.
pub(crate) async fn first_number(database: &Database, lake: &lake::Lake) -> Result<i64, StoreError> {
    let row = database.fetch_optional("SELECT MAX(number) AS number FROM decisions").await?;
    let newest = row.map(|row| row.maybe_number("number")).transpose()?.flatten().unwrap_or(0);
    Ok(newest.max(lake.watermark(Table::Decisions)) + 1)
}

/// Decisions in the state after a number, in the order of their numbers, as records of the open table.
pub(crate) async fn hot_records(database: &Database, after: i64, most: u32) -> Result<Vec<HotRecord>, StoreError> {
    let select = "SELECT number, record FROM decisions WHERE number > $1 ORDER BY number LIMIT $2";
    database.fetch_all((select, values![after, most])).await?.iter().map(hot_record).collect()
}

fn hot_record(row: &Row) -> Result<HotRecord, StoreError> {
    Ok(HotRecord { number: row.number("number")?, entry: row.json("record")?, content: None })
}
