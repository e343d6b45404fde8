//! Exchanges: recorded by group commit, read under seal.

mod batch;
mod encode;
mod query;
mod record;
mod writer;

use domain::{Feedback, KeyId, Timestamp, Trace, TraceContent};

pub use query::TraceQuery;
pub(crate) use writer::TraceWriter;

/// One exchange to record.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEntry {
    /// Counts, ids and timings.
    pub trace: Trace,
    /// What was said; kept only where the trace's capture mode is `redacted` or `full`.
    pub content: Option<TraceContent>,
}

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

/// What one exchange adds to its key's month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spending {
    /// The key that opened the door.
    pub key: KeyId,
    /// When: its calendar month in UTC counts.
    pub at: Timestamp,
    /// Millionths of a US dollar.
    pub micro_usd: u64,
    /// Prompt and completion tokens.
    pub tokens: u64,
}
