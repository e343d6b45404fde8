//! What is said about an exchange afterwards: appended, never changed.

use domain::{Feedback, FeedbackKind, Trace, TraceId};
use lake::Table;
use serde_json::json;

use crate::database::{Database, Row, Sql, values};
use crate::error::StoreError;
use crate::roll::HotRecord;
use crate::store::Store;

impl Store {
    /// Adds feedback on an exchange of its owner; it is read with that.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where the exchange is not there any more, [`StoreError::Conflict`] for an id that is
    /// there already.
    pub async fn add_feedback(&self, feedback: Feedback, on: &Trace) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO feedback \
            (number, id, trace_id, trace_created_at, task, owner, subject, author, created_at, kind) \
            SELECT CASE WHEN COALESCE(MAX(number), 0) > $1 THEN MAX(number) ELSE $1 END + 1, \
            $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM feedback";
        // Nothing is forgotten between the look and the write.
        let _kept = self.keeping().await;
        if self.trace(on.caller.principal, feedback.trace).await?.is_none() {
            return Err(StoreError::Missing { what: "the exchange that this is about" });
        }
        let rolled = self.lake().watermark(Table::Feedback).max(self.lake().watermark(Table::FeedbackContents));
        let Feedback { id, trace, by, created_at, kind, value } = feedback;
        let (owner, subject) = (on.caller.principal, on.caller.subject.clone());
        let task = on.task.as_str();
        let row = values![rolled, id, trace, on.created_at, task, owner, subject, by, created_at, kind.as_str()];
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, row)).await?;
        self.contents().add(&mut writing, id.to_string(), &value).await?;
        writing.commit().await
    }
}

const SELECT: &str = "SELECT f.number, f.id, f.trace_id, f.trace_created_at, f.task, f.owner, f.subject, f.author, \
    f.created_at, f.kind, COALESCE(a.body, b.body) AS value \
    FROM feedback f LEFT JOIN contents_a a ON a.id = f.id LEFT JOIN contents_b b ON b.id = f.id";

/// The feedback on these traces, oldest first.
pub(crate) async fn feedback_of(database: &Database, traces: &[TraceId]) -> Result<Vec<Feedback>, StoreError> {
    if traces.is_empty() {
        return Ok(Vec::new());
    }
    let mut select = Sql::from(SELECT);
    select.push(" WHERE f.trace_id IN ").bind_list(traces.iter().copied()).push(" ORDER BY f.id");
    database.fetch_all(select).await?.iter().map(feedback).collect()
}

/// The number of the newest feedback in the state; 0 where there is none.
pub(crate) async fn newest_number(database: &Database) -> Result<i64, StoreError> {
    let row = database.fetch_optional("SELECT MAX(number) AS number FROM feedback").await?;
    Ok(row.map(|row| row.maybe_number("number")).transpose()?.flatten().unwrap_or(0))
}

/// Feedback in the state after one number, up to another, in the order of its numbers, as records of the open tables.
pub(crate) async fn hot_records(
    database: &Database,
    (after, up_to): (i64, i64),
    most: u32,
) -> Result<Vec<HotRecord>, StoreError> {
    let mut select = Sql::from(SELECT);
    select.push(" WHERE f.number > ").bind(after).push(" AND f.number <= ").bind(up_to);
    select.push(" ORDER BY f.number LIMIT ").bind(most);
    database.fetch_all(select).await?.iter().map(hot_record).collect()
}

fn hot_record(row: &Row) -> Result<HotRecord, StoreError> {
    let entry = json!({
        "id": row.text("id")?,
        "trace": row.text("trace_id")?,
        "trace_created_at": row.time("trace_created_at")?,
        "task": row.text("task")?,
        "owner": row.text("owner")?,
        "subject": row.maybe_text("subject")?,
        "by": row.text("author")?,
        "created_at": row.time("created_at")?,
        "kind": row.text("kind")?,
    });
    let mut content = entry.clone();
    content["value"] = row.json("value")?;
    Ok(HotRecord { number: row.number("number")?, entry, content: Some(content) })
}

fn feedback(row: &Row) -> Result<Feedback, StoreError> {
    let word = row.text("kind")?;
    let known = [FeedbackKind::Rating, FeedbackKind::Correction, FeedbackKind::Outcome, FeedbackKind::Comment];
    let kind = known.into_iter().find(|kind| kind.as_str() == word);
    Ok(Feedback {
        id: row.parsed("id")?,
        trace: row.parsed("trace_id")?,
        by: row.parsed("author")?,
        created_at: row.time("created_at")?,
        kind: kind.ok_or_else(|| row.damaged("kind", &"not a kind of feedback"))?,
        value: row.json("value")?,
    })
}
