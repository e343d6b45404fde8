//! What is said about an exchange afterwards: appended, never changed.

use domain::{Feedback, FeedbackKind, TraceId};

use crate::database::{Database, Row, Sql, values};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Adds feedback; it is read with its trace.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where the trace is not there, [`StoreError::Conflict`] for an id that is there already.
    pub async fn add_feedback(&self, feedback: Feedback) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO feedback (id, trace_id, author, created_at, kind) \
            VALUES ($1, $2, $3, $4, $5)";
        let Feedback { id, trace, by, created_at, kind, value } = feedback;
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, values![id, trace, by, created_at, kind.as_str()])).await?;
        self.contents().add(&mut writing, id.to_string(), &value).await?;
        writing.commit().await
    }
}

const SELECT: &str = "SELECT f.id, f.trace_id, f.author, f.created_at, f.kind, COALESCE(a.body, b.body) AS value \
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
