//! Traces as their owners see them, and feedback on them.

use std::sync::Arc;

use access::{Access, Checked, Sealed, open};
use domain::{
    Action, Capture, Feedback, FeedbackId, FeedbackKind, Outcome, PassageRecord, Resource, Timestamp, Trace,
    TraceContent, TraceId,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Page, StoredTrace, TraceQuery};

use crate::app::App;
use crate::decisions;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::listing::{Listing, Slice};
use crate::need_to_know;
use crate::redact::redact;

/// Which traces are asked for.
#[derive(Debug, Clone, Default)]
pub struct TraceFilter {
    /// Which part of the list.
    pub listing: Listing,
    /// Only those of this task or model.
    pub task: Option<String>,
    /// Only those that ended like this.
    pub outcome: Option<Outcome>,
    /// Only those received at this moment or later.
    pub since: Option<Timestamp>,
    /// Only those received before this moment.
    pub until: Option<Timestamp>,
}

/// A trace as its owner sees it (`GET traces/{id}`).
#[derive(Debug, Clone, Serialize)]
pub struct TraceView {
    /// The record without content; the caller's purpose stands beside it.
    #[serde(flatten)]
    trace: Trace,
    purpose: Option<String>,
    input: Value,
    output: Value,
    passages: Vec<PassageRecord>,
    metadata: Option<Value>,
    feedback: Vec<Feedback>,
}

impl TraceView {
    /// As far as the rules of need to know of today leave it.
    fn of(app: &App, access: &Access, stored: StoredTrace) -> Self {
        let StoredTrace { trace, content, feedback } = stored;
        let TraceContent { input, output, passages, metadata } = content.unwrap_or_default();
        let left = |value| need_to_know::left_of_value(app, access, (value, &trace.provenance)).unwrap_or_default();
        let (input, output, metadata) = (left(input), left(output), metadata.map(left));
        Self { purpose: trace.caller.purpose.clone(), trace, input, output, passages, metadata, feedback }
    }
}

/// A trace that the asker may see.
///
/// # Errors
/// Not found, also where it is somebody else's or no id at all.
pub async fn trace(app: &App, asker: &Asker, id: &str) -> Result<TraceView, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    let stored = opened(app, asker, id).await?.into_inner();
    Ok(TraceView::of(app, &asker.access(app), stored))
}

async fn opened(app: &App, asker: &Asker, id: TraceId) -> Result<Checked<StoredTrace>, AppError> {
    let access = asker.access(app);
    let sealed = app.store.trace(access.principal(), id).await?;
    let (owner, provenance) = sealed.as_ref().map(Sealed::facts).unwrap_or_default();
    match sealed.and_then(|sealed| open(&access, sealed).ok()) {
        Some(opened) => Ok(opened),
        None => {
            // The same for somebody else's and for none at all: neither is among the asker's own.
            let resource = Resource::Trace { trace: id, owner, provenance, facts: Vec::new() };
            decisions::refused(app, decisions::question(asker, Action::Read, resource)).await;
            Err(AppError::not_found())
        }
    }
}

/// The asker's traces, newest first.
///
/// # Errors
/// A limit out of range, or the state could not be read.
pub async fn traces(app: &App, asker: &Asker, filter: TraceFilter) -> Result<Slice<TraceView>, AppError> {
    let access = asker.access(app);
    let Page { data, has_more } = app.store.traces(&access, query(filter)?).await?;
    // The late check: what the state's filter let through is opened one by one.
    let opened = data.into_iter().filter_map(|sealed| open(&access, sealed).ok());
    Ok(Slice { data: opened.map(|trace| TraceView::of(app, &access, trace.into_inner())).collect(), has_more })
}

fn query(filter: TraceFilter) -> Result<TraceQuery, AppError> {
    let TraceFilter { listing, task, outcome, since, until } = filter;
    let limit = listing.limit()?;
    let unknown = |_| AppError::invalid("after", "after is the id of a trace: the last one of the page before");
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(unknown)?;
    Ok(TraceQuery { after, limit, task, outcome, since, until })
}

/// Feedback as a client sends it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct FeedbackRequest {
    /// The exchange it is about.
    pub trace: TraceId,
    /// What kind.
    pub kind: FeedbackKind,
    /// The value: see [`FeedbackKind`].
    pub value: Value,
}

/// Keeps feedback on a trace that the asker may see.
///
/// # Errors
/// Not found, or a value that is not of its kind.
pub async fn give_feedback(app: &Arc<App>, asker: &Asker, request: FeedbackRequest) -> Result<Feedback, AppError> {
    let about = opened(app, asker, request.trace).await?.into_inner().trace;
    check_value(request.kind, &request.value)?;
    let value = kept(about.capture, request.kind, request.value)?;
    let now = app.now();
    let feedback = Feedback {
        id: FeedbackId::from_uuid(app.ids.uuid(now)),
        trace: request.trace,
        by: asker.caller.principal(),
        created_at: now,
        kind: request.kind,
        value,
    };
    app.store.add_feedback(feedback.clone(), &about).await?;
    Ok(feedback)
}

/// What the trace's capture mode lets be kept of it: words only where the exchange's own were kept.
fn kept(capture: Capture, kind: FeedbackKind, value: Value) -> Result<Value, AppError> {
    let words = matches!(kind, FeedbackKind::Correction | FeedbackKind::Comment);
    match capture {
        Capture::Full => Ok(value),
        Capture::Redacted => Ok(redact(value)),
        Capture::Usage | Capture::None if words => Err(AppError::invalid(
            "kind",
            "this exchange kept counts only, so no words about it are kept: give a rating or an outcome",
        )),
        Capture::Usage | Capture::None => Ok(value),
    }
}

const MAX_COMMENT_CHARACTERS: usize = 10_000;

fn check_value(kind: FeedbackKind, value: &Value) -> Result<(), AppError> {
    let wrong = |message: &str| Err(AppError::invalid("value", message));
    match (kind, value) {
        (FeedbackKind::Rating, value) if matches!(value.as_i64(), Some(-1 | 1)) => Ok(()),
        (FeedbackKind::Rating, _) => wrong("a rating is -1 or 1"),
        (FeedbackKind::Correction, Value::String(text)) if !text.is_empty() => Ok(()),
        (FeedbackKind::Correction, _) => wrong("a correction is the ideal output, a string that is not empty"),
        (FeedbackKind::Comment, Value::String(text)) if text.chars().count() <= MAX_COMMENT_CHARACTERS => Ok(()),
        (FeedbackKind::Comment, _) => wrong("a comment is a string of at most 10,000 characters"),
        (FeedbackKind::Outcome, Value::Object(fields)) if is_outcome(fields) => Ok(()),
        (FeedbackKind::Outcome, _) => wrong("an outcome is {\"name\": \"...\", \"value\": ...} and nothing else"),
    }
}

fn is_outcome(fields: &serde_json::Map<String, Value>) -> bool {
    let named = fields.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty() && name.len() <= 64);
    named && fields.contains_key("value") && fields.len() == 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_kind_takes_its_own_values_only() {
        let check = |kind, value: Value| check_value(kind, &value).is_ok();
        assert!(check(FeedbackKind::Rating, json!(1)) && check(FeedbackKind::Rating, json!(-1)));
        for value in [json!(0), json!(2), json!("1"), json!(1.5), json!(null)] {
            assert!(!check(FeedbackKind::Rating, value));
        }
        assert!(check(FeedbackKind::Correction, json!("Paris")));
        assert!(!check(FeedbackKind::Correction, json!("")));
        assert!(check(FeedbackKind::Outcome, json!({"name": "reopened", "value": true})));
        assert!(!check(FeedbackKind::Outcome, json!({"name": "reopened"})));
        assert!(!check(FeedbackKind::Outcome, json!({"name": "reopened", "value": 1, "more": 2})));
        assert!(check(FeedbackKind::Comment, json!("")));
        assert!(!check(FeedbackKind::Comment, json!("x".repeat(10_001))));
    }
}
