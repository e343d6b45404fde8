//! The verbs that read: one exchange, or a list of one's own. Content leaves sealed.

use std::collections::HashMap;

use access::{Access, Sealed};
use domain::{Feedback, Outcome, Timestamp, Trace, TraceContent, TraceId};

use super::StoredTrace;
use super::encode::without_nul;
use crate::database::{Row, Sql};
use crate::error::StoreError;
use crate::feedback::feedback_of;
use crate::store::{Page, Store, bounded};

/// Which exchanges to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceQuery {
    /// Only those older than this one: the last of the page before.
    pub after: Option<TraceId>,
    /// How many, from 1 to 1,000.
    pub limit: u32,
    /// Only of this task or model.
    pub task: Option<String>,
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those received at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those received before this moment.
    pub until: Option<Timestamp>,
}

const SELECT: &str = "SELECT t.record, COALESCE(a.body, b.body) AS body FROM traces t \
    LEFT JOIN contents_a a ON a.id = t.id LEFT JOIN contents_b b ON b.id = t.id";

impl Store {
    /// One exchange, sealed with its owner and its provenance.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Sealed<StoredTrace>>, StoreError> {
        let mut select = Sql::from(SELECT);
        select.push(" WHERE t.id = ").bind(id);
        let found = self.database().fetch_optional(select).await?;
        let traces = self.with_feedback(found.as_slice()).await?;
        Ok(traces.into_iter().next().map(seal))
    }

    /// The caller's own exchanges, newest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn traces(&self, access: &Access, query: TraceQuery) -> Result<Page<Sealed<StoredTrace>>, StoreError> {
        let limit = bounded(query.limit);
        let mut select = Sql::from(SELECT);
        select.push(" WHERE t.owner = ").bind(access.principal());
        if let Some(after) = query.after {
            select.push(" AND t.id < ").bind(after);
        }
        if let Some(task) = query.task {
            select.push(" AND t.task = ").bind(without_nul(&task));
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
        select.push(" ORDER BY t.id DESC LIMIT ").bind(limit + 1);
        let page = Page::cut(self.database().fetch_all(select).await?, limit);
        let traces = self.with_feedback(&page.data).await?;
        Ok(Page { data: traces.into_iter().map(seal).collect(), has_more: page.has_more })
    }

    async fn with_feedback(&self, rows: &[Row]) -> Result<Vec<StoredTrace>, StoreError> {
        let mut traces = rows.iter().map(stored_trace).collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<TraceId> = traces.iter().map(|stored| stored.trace.id).collect();
        let mut feedback: HashMap<TraceId, Vec<Feedback>> = HashMap::new();
        for entry in feedback_of(self.database(), &ids).await? {
            feedback.entry(entry.trace).or_default().push(entry);
        }
        for stored in &mut traces {
            stored.feedback = feedback.remove(&stored.trace.id).unwrap_or_default();
        }
        Ok(traces)
    }
}

fn seal(stored: StoredTrace) -> Sealed<StoredTrace> {
    let (owner, provenance) = (stored.trace.caller.principal, stored.trace.provenance.clone());
    Sealed::new(stored, Some(owner), provenance)
}

fn stored_trace(row: &Row) -> Result<StoredTrace, StoreError> {
    let trace: Trace = row.json("record")?;
    let content: Option<TraceContent> = row.maybe_json("body")?;
    Ok(StoredTrace { trace, content, feedback: Vec::new() })
}
