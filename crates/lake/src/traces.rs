//! Exchanges out of the tables: one person's (or service's own), newest first, with content and feedback, under seal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::Sealed;
use domain::{Feedback, Outcome, Principal, Timestamp, Trace, TraceContent, TraceId};
use iceberg::expr::{Predicate, Reference};
use iceberg::spec::{DataFile, Datum};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::LakeError;
use crate::lake::{Inner, Lake};
use crate::live::Live;
use crate::scan::{equals, highest, is_in, lowest, may_hold, newest, newest_id, records, text_at};
use crate::tables::Table;
use crate::write::Partition;

/// One exchange as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredTrace {
    /// Counts, ids and timings.
    pub trace: Trace,
    /// What was said, where it was kept.
    pub content: Option<TraceContent>,
    /// What was said about it afterwards, oldest first.
    pub feedback: Vec<Feedback>,
}

impl StoredTrace {
    /// Seals it with whose it is and what it was made from.
    #[must_use]
    pub fn seal(self) -> Sealed<Self> {
        let (owner, provenance) = (self.trace.caller.principal, self.trace.provenance.clone());
        Sealed::new(self, Some(owner), provenance)
    }
}

/// Which exchanges of one's own to list, newest first.
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

impl Lake {
    /// One's own exchange.
    ///
    /// # Errors
    /// A damaged table, or a disk that cannot be read.
    pub async fn trace(&self, owner: Principal, id: TraceId) -> Result<Option<Sealed<StoredTrace>>, LakeError> {
        let owner = owner.to_string();
        self.reading(move |lake| async move {
            let (live, id) = (lake.live(Table::Traces), id.to_string());
            for file in live.files().filter(|file| may_hold(&live, file, "owner", &owner)) {
                if may_hold(&live, file, "id", &id) {
                    let matching = equals("owner", &owner).and(equals("id", &id));
                    let found = records(&live, file, matching).await?;
                    if !found.is_empty() {
                        return Ok(complete(&lake, &owner, found).await?.pop().map(StoredTrace::seal));
                    }
                }
            }
            Ok(None)
        })
        .await
    }

    /// The largest id of an exchange in the tables, as text, where every file says its own.
    #[must_use]
    pub fn newest_id(&self) -> Option<String> {
        newest_id(&self.inner.live(Table::Traces))
    }

    /// One's own exchanges by id, newest first: at most the query's limit.
    ///
    /// # Errors
    /// A damaged table, or a disk that cannot be read.
    pub async fn traces(
        &self,
        owner: Principal,
        query: TraceQuery,
    ) -> Result<Vec<(TraceId, Sealed<StoredTrace>)>, LakeError> {
        let owner = owner.to_string();
        self.reading(move |lake| async move {
            let live = lake.live(Table::Traces);
            let files = live.files().filter(|file| may_match(&live, file, &owner, &query)).collect();
            let found = newest(&live, files, &predicate(&owner, &query), query.limit).await?;
            let traces = complete(&lake, &owner, found).await?;
            Ok(traces.into_iter().map(|stored| (stored.trace.id, stored.seal())).collect())
        })
        .await
    }
}

fn may_match(live: &Live, file: &DataFile, owner: &str, query: &TraceQuery) -> bool {
    let Some(Partition { day, task }) = Partition::of(file) else { return true };
    let day_of = |time: Timestamp| time.micros().div_euclid(86_400_000_000);
    query.task.as_ref().is_none_or(|wanted| *wanted == task)
        && query.since.is_none_or(|since| day_of(since) <= i64::from(day))
        && query.until.is_none_or(|until| i64::from(day) <= day_of(until))
        && may_hold(live, file, "owner", owner)
}

fn predicate(owner: &str, query: &TraceQuery) -> Predicate {
    let time = |time: Timestamp| Datum::timestamptz_micros(time.micros());
    let parts = [
        query.after.map(|after| Reference::new("id").less_than(Datum::string(after))),
        query.task.as_ref().map(|task| equals("task", task)),
        query.outcome.map(|outcome| equals("outcome", outcome.as_str())),
        query.since.map(|since| Reference::new("created_at").greater_than_or_equal_to(time(since))),
        query.until.map(|until| Reference::new("created_at").less_than(time(until))),
    ];
    parts.into_iter().flatten().fold(equals("owner", owner), Predicate::and)
}

/// With what was said in them and about them, in the same order.
async fn complete(lake: &Arc<Inner>, owner: &str, traces: Vec<Value>) -> Result<Vec<StoredTrace>, LakeError> {
    let ids: BTreeSet<String> = traces.iter().map(|trace| text_at(trace, "/id").to_owned()).collect();
    let mut contents: BTreeMap<String, Value> = BTreeMap::new();
    for record in related(&lake.live(Table::TraceContents), owner, "id", &ids).await? {
        contents.insert(text_at(&record, "/id").to_owned(), record);
    }
    let mut said: BTreeMap<String, Vec<Feedback>> = BTreeMap::new();
    for feedback in feedback(lake, owner, &ids).await? {
        said.entry(feedback.trace.to_string()).or_default().push(feedback);
    }
    let complete = traces.into_iter().map(|trace| {
        let id = text_at(&trace, "/id").to_owned();
        let content = contents.remove(&id).and_then(|mut record| record.get_mut("content").map(Value::take));
        Ok(StoredTrace {
            trace: read(Table::Traces, trace)?,
            content: content.map(|content| read(Table::TraceContents, content)).transpose()?,
            feedback: said.remove(&id).unwrap_or_default(),
        })
    });
    complete.collect()
}

async fn feedback(lake: &Arc<Inner>, owner: &str, traces: &BTreeSet<String>) -> Result<Vec<Feedback>, LakeError> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for mut record in related(&lake.live(Table::FeedbackContents), owner, "trace", traces).await? {
        let value = record.get_mut("value").map(Value::take).unwrap_or_default();
        values.insert(text_at(&record, "/id").to_owned(), value);
    }
    let mut found = Vec::new();
    for mut record in related(&lake.live(Table::Feedback), owner, "trace", traces).await? {
        record["value"] = values.remove(text_at(&record, "/id")).unwrap_or_default();
        found.push(read::<Feedback>(Table::Feedback, record)?);
    }
    found.sort_by_key(|feedback| feedback.id);
    Ok(found)
}

/// Rows of another table that belong to these exchanges.
async fn related(live: &Live, owner: &str, column: &str, ids: &BTreeSet<String>) -> Result<Vec<Value>, LakeError> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for file in live.files().filter(|file| may_hold(live, file, "owner", owner)) {
        let below = highest(live, file, column).is_some_and(|highest| highest < first.as_str());
        let above = lowest(live, file, column).is_some_and(|lowest| lowest > last.as_str());
        if !below && !above {
            found.extend(records(live, file, equals("owner", owner).and(is_in(column, ids))).await?);
        }
    }
    Ok(found)
}

pub(crate) fn read<T: DeserializeOwned>(table: Table, record: Value) -> Result<T, LakeError> {
    serde_json::from_value(record)
        .map_err(|error| LakeError::Damaged { table: table.name(), detail: error.to_string() })
}
