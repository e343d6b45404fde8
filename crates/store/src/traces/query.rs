//! The verbs that read: one exchange, or a list of one's own, from the state and from the open tables together. Content
//! leaves sealed.
//!
//! The state is read first: what leaves it meanwhile is in the tables already.

use std::collections::{BTreeMap, HashMap};

use access::{Access, Sealed};
use domain::{Feedback, Principal, Trace, TraceContent, TraceId};
use lake::{StoredTrace, Table, TraceQuery};
use serde_json::{Value as Json, json};

use super::encode::without_nul;
use crate::database::{Database, Row, Sql, values};
use crate::error::StoreError;
use crate::feedback::feedback_of;
use crate::roll::HotRecord;
use crate::store::{Page, Store, bounded};

const SELECT: &str = "SELECT t.number, t.record, COALESCE(a.body, b.body) AS body FROM traces t \
    LEFT JOIN contents_a a ON a.id = t.id LEFT JOIN contents_b b ON b.id = t.id";

/// Bytes of text that roll at once, roughly: they are in memory as rows, records and columns.
const MOST_BYTES: i64 = 64 << 20;

impl Store {
    /// One exchange of this owner, sealed with its owner and its provenance.
    ///
    /// # Errors
    /// Where the state or the open tables cannot be read.
    pub async fn trace(&self, owner: Principal, id: TraceId) -> Result<Option<Sealed<StoredTrace>>, StoreError> {
        let mut select = Sql::from(SELECT);
        select.push(" WHERE t.id = ").bind(id).push(" AND t.owner = ").bind(owner);
        if let Some(row) = self.database().fetch_optional(select).await? {
            let mut feedback = self.hot_feedback(&[id]).await?;
            let feedback = feedback.remove(&id).unwrap_or_default();
            return Ok(Some(StoredTrace { feedback, ..stored_trace(&row)? }.seal()));
        }
        let Some(sealed) = self.lake().trace(owner, id).await? else { return Ok(None) };
        let said_since = self.hot_feedback(&[id]).await?.remove(&id).unwrap_or_default();
        Ok(Some(sealed.with(said_since, add_feedback)))
    }

    /// The caller's own exchanges, newest first.
    ///
    /// # Errors
    /// Where the state or the open tables cannot be read.
    pub async fn traces(&self, access: &Access, query: TraceQuery) -> Result<Page<Sealed<StoredTrace>>, StoreError> {
        let (owner, limit) = (access.principal(), bounded(query.limit));
        let rows = self.database().fetch_all(hot_page(owner, limit + 1, &query)).await?;
        let hot = rows.iter().map(stored_trace).collect::<Result<Vec<_>, _>>()?;
        let mut ids: Vec<TraceId> = hot.iter().map(|stored| stored.trace.id).collect();
        let mut found: BTreeMap<TraceId, Sealed<StoredTrace>> = BTreeMap::new();
        // A page of what is hot is whole where nothing in the tables is newer than its last.
        let whole = ids.len() > limit as usize
            && ids.last().zip(self.lake().newest_id()).is_some_and(|(last, newest)| last.to_string() > newest);
        let rolled = match whole {
            true => Vec::new(),
            false => self.lake().traces(owner, TraceQuery { limit: limit + 1, ..query }).await?,
        };
        ids.extend(rolled.iter().map(|(id, _)| *id));
        found.extend(rolled);
        // What is in both is the same.
        found.extend(hot.into_iter().map(|stored| (stored.trace.id, stored.seal())));
        let mut said = self.hot_feedback(&ids).await?;
        let newest_first = found.into_iter().rev();
        let with_feedback = newest_first.map(|(id, sealed)| match said.remove(&id) {
            Some(feedback) => sealed.with(feedback, add_feedback),
            None => sealed,
        });
        Ok(Page::cut(with_feedback.collect(), limit))
    }

    /// What was said about exchanges and is in the state still, by exchange.
    async fn hot_feedback(&self, ids: &[TraceId]) -> Result<HashMap<TraceId, Vec<Feedback>>, StoreError> {
        let mut said: HashMap<TraceId, Vec<Feedback>> = HashMap::new();
        for entry in feedback_of(self.database(), ids).await? {
            said.entry(entry.trace).or_default().push(entry);
        }
        Ok(said)
    }
}

/// Some of it may be there already, from the open tables.
fn add_feedback(stored: &mut StoredTrace, more: Vec<Feedback>) {
    stored.feedback.extend(more);
    stored.feedback.sort_by_key(|feedback| feedback.id);
    stored.feedback.dedup_by_key(|feedback| feedback.id);
}

fn hot_page(owner: Principal, rows: u32, query: &TraceQuery) -> Sql {
    let mut select = Sql::from(SELECT);
    select.push(" WHERE t.owner = ").bind(owner);
    if let Some(after) = query.after {
        select.push(" AND t.id < ").bind(after);
    }
    if let Some(task) = &query.task {
        select.push(" AND t.task = ").bind(without_nul(task));
    }
    if let Some(outcome) = query.outcome {
        select.push(" AND t.outcome = ").bind(outcome.as_str());
    }
    if let Some(since) = query.since {
        select.push(" AND t.created_at >= ").bind(since);
    }
    if let Some(until) = query.until {
        select.push(" AND t.created_at < ").bind(until);
    }
    select.push(" ORDER BY t.id DESC LIMIT ").bind(rows);
    select
}

fn stored_trace(row: &Row) -> Result<StoredTrace, StoreError> {
    let trace: Trace = row.json("record")?;
    let content: Option<TraceContent> = row.maybe_json("body")?;
    Ok(StoredTrace { trace, content, feedback: Vec::new() })
}

/// The number of the next exchange: after all in the state and all that ever rolled.
pub(crate) async fn first_number(database: &Database, lake: &lake::Lake) -> Result<i64, StoreError> {
    let row = database.fetch_optional("SELECT MAX(number) AS number FROM traces").await?;
    let newest = row.map(|row| row.maybe_number("number")).transpose()?.flatten().unwrap_or(0);
    Ok(newest.max(lake.watermark(Table::Traces)).max(lake.watermark(Table::TraceContents)) + 1)
}

/// Exchanges in the state after a number, in the order of their numbers, as records of the open tables.
pub(crate) async fn hot_records(database: &Database, after: i64, most: u32) -> Result<Vec<HotRecord>, StoreError> {
    let sizes = "SELECT t.number, CAST(LENGTH(t.record) + COALESCE(LENGTH(a.body), LENGTH(b.body), 0) AS BIGINT) AS size \
        FROM traces t LEFT JOIN contents_a a ON a.id = t.id LEFT JOIN contents_b b ON b.id = t.id \
        WHERE t.number > $1 ORDER BY t.number LIMIT $2";
    let sizes = database.fetch_all((sizes, values![after, most])).await?;
    let Some(last) = last_within(&sizes, MOST_BYTES)? else { return Ok(Vec::new()) };
    let mut select = Sql::from(SELECT);
    select.push(" WHERE t.number > ").bind(after).push(" AND t.number <= ").bind(last).push(" ORDER BY t.number");
    let rows = database.fetch_all(select).await?;
    rows.iter().map(hot_record).collect()
}

/// The number of the last row up to which all have so many bytes together, or of the first one.
fn last_within(rows: &[Row], bytes: i64) -> Result<Option<i64>, StoreError> {
    let (mut last, mut sum) = (None, 0);
    for row in rows {
        sum += row.number("size")?;
        if last.is_some() && sum > bytes {
            break;
        }
        last = Some(row.number("number")?);
    }
    Ok(last)
}

fn hot_record(row: &Row) -> Result<HotRecord, StoreError> {
    let entry: Json = row.json("record")?;
    let content = row.maybe_json::<Json>("body")?.map(|content| content_record(&entry, content));
    Ok(HotRecord { number: row.number("number")?, entry, content })
}

/// What a row of content says of its exchange, so that it can be erased and kept by itself.
fn content_record(trace: &Json, content: Json) -> Json {
    let caller = &trace["caller"];
    json!({
        "id": trace["id"],
        "created_at": trace["created_at"],
        "task": trace["task"],
        "owner": caller["principal"],
        "subject": caller.get("subject"),
        "provenance": trace["provenance"],
        "content": content,
    })
}
