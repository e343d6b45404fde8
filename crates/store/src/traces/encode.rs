//! From a [`TraceEntry`] to rows of text and numbers, made in the caller's task so that the writer only writes.

use domain::{Capture, Principal, Trace, TraceContent};

use super::{Kept, Spending, TraceEntry};
use crate::conversations::ItemRow;
use crate::database::{Value, json, values};
use crate::decisions;
use crate::error::StoreError;
use crate::responses::rows_of;

/// What one call adds: rows of each table, or none, and its key's spending.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) trace: Option<Vec<Value>>,
    pub(super) decisions: Vec<Vec<Value>>,
    pub(super) response: Option<Vec<Value>>,
    pub(super) contents: Vec<Vec<Value>>,
    pub(super) items: Vec<ItemRow>,
    pub(super) spending: Option<Spending>,
}

impl Rows {
    /// What the capture mode does not keep never gets as far as a row.
    pub(super) fn encode(entry: TraceEntry) -> Result<Self, StoreError> {
        let TraceEntry { mut trace, content, kept, decisions } = entry;
        let mut rows = Self { spending: spending_of(&trace), ..Self::default() };
        if trace.capture == Capture::None {
            return Ok(rows);
        }
        if let Some(content) = content.filter(|_| trace.capture >= Capture::Redacted) {
            rows.contents.push(content_row(&trace, content)?);
        }
        if trace.capture == Capture::Full {
            rows.keep(kept, trace.caller.principal)?;
        }
        rows.decisions = decisions.iter().map(decisions::row_of).collect::<Result<_, _>>()?;
        make_finite(&mut trace);
        rows.trace = Some(trace_row(&trace)?);
        Ok(rows)
    }

    fn keep(&mut self, Kept { response, turn }: Kept, owner: Principal) -> Result<(), StoreError> {
        if let Some(response) = response {
            let (row, content) = rows_of(response)?;
            self.response = Some(row);
            self.contents.push(content);
        }
        if let Some((conversation, items)) = turn {
            let items = items.iter().map(|item| ItemRow::encode(conversation, owner, item));
            self.items = items.collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Gives the exchange and its decisions their places in the order in which they roll into the open tables.
    pub(super) fn number(&mut self, next: &mut i64) {
        for row in self.trace.iter_mut().chain(&mut self.decisions) {
            row.push((*next).into());
            *next += 1;
        }
    }

    /// Bytes of text, roughly: batches are bounded by it.
    pub(super) fn size(&self) -> usize {
        let rows = self.trace.iter().chain(&self.decisions).chain(&self.response).chain(&self.contents);
        let items: usize = self.items.iter().map(ItemRow::size).sum();
        rows.flatten().map(Value::size).sum::<usize>() + items
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
        trace.caller.subject.as_deref().map(without_nul),
        without_nul(&trace.task),
        trace.outcome.as_str(),
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
pub(crate) fn without_nul(text: &str) -> String {
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
