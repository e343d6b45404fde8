//! From a [`TraceEntry`] to rows of text and numbers, made in the caller's task so that the writer only writes.

use domain::{Capture, Trace, TraceContent};

use super::{Spending, TraceEntry};
use crate::database::{Value, json, values};
use crate::error::StoreError;

/// What one call adds: a row of each table, or none, and its key's spending.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) trace: Option<Vec<Value>>,
    pub(super) content: Option<Vec<Value>>,
    pub(super) spending: Option<Spending>,
}

impl Rows {
    pub(super) const fn of_spending(spending: Spending) -> Self {
        Self { trace: None, content: None, spending: Some(spending) }
    }

    /// What the capture mode does not keep never gets as far as a row.
    pub(super) fn encode(entry: TraceEntry) -> Result<Self, StoreError> {
        let TraceEntry { mut trace, content } = entry;
        let spending = spending_of(&trace);
        if trace.capture == Capture::None {
            return Ok(Self { trace: None, content: None, spending });
        }
        let kept = content.filter(|_| trace.capture >= Capture::Redacted);
        let content = kept.map(|content| content_row(&trace, content)).transpose()?;
        make_finite(&mut trace);
        Ok(Self { trace: Some(trace_row(&trace)?), content, spending })
    }

    /// Bytes of text, roughly: batches are bounded by it.
    pub(super) fn size(&self) -> usize {
        self.trace.iter().chain(&self.content).flatten().map(Value::size).sum()
    }
}

fn spending_of(trace: &Trace) -> Option<Spending> {
    trace.caller.key.map(|key| Spending {
        key,
        at: trace.created_at,
        micro_usd: trace.cost_micro_usd,
        tokens: trace.tokens.prompt.saturating_add(trace.tokens.completion),
    })
}

fn trace_row(trace: &Trace) -> Result<Vec<Value>, StoreError> {
    let record = json(trace)?;
    Ok(values![
        trace.id,
        trace.created_at,
        trace.caller.principal,
        without_nul(&trace.task),
        trace.model.as_deref().map(without_nul),
        trace.outcome.as_str(),
        trace.tokens.prompt,
        trace.tokens.completion,
        trace.cost_micro_usd,
        record,
    ])
}

fn content_row(trace: &Trace, mut content: TraceContent) -> Result<Vec<Value>, StoreError> {
    for passage in &mut content.passages {
        passage.score = finite(passage.score);
    }
    Ok(values![trace.id, json(&content)?])
}

/// PostgreSQL's text cannot hold NUL; the record itself is JSON, which escapes it.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// JSON has no infinity: a token of probability 0 has log-probability minus infinity.
fn make_finite(trace: &mut Trace) {
    for stage in &mut trace.stages {
        stage.ms = finite(stage.ms);
    }
    if let Some(logprobs) = &mut trace.logprobs {
        logprobs.mean = finite(logprobs.mean);
        logprobs.min = finite(logprobs.min);
    }
}

const fn finite(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number.clamp(f64::MIN, f64::MAX) }
}
