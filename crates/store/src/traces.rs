//! Exchanges: recorded by group commit, read under seal.

mod batch;
mod encode;
mod query;
mod record;
mod writer;

use domain::{ConversationId, Decision, KeyId, Timestamp, Trace, TraceContent};

use crate::conversations::ConversationItem;
use crate::responses::StoredResponse;

pub(crate) use encode::without_nul;
pub(crate) use query::{first_number, hot_records};
pub(crate) use writer::TraceWriter;

/// One exchange to record.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEntry {
    /// Counts, ids and timings.
    pub trace: Trace,
    /// What was said; kept only where the trace's capture mode is `redacted` or `full`.
    pub content: Option<TraceContent>,
    /// What it leaves for later; kept only where the trace's capture mode is `full`.
    pub kept: Kept,
    /// Who may: what was asked about it, and the answers. Kept unless the trace's capture mode is `none`.
    pub decisions: Vec<Decision>,
}

/// What an exchange leaves for later, in the transaction of its trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// The reply.
    pub response: Option<StoredResponse>,
    /// What was said, for the end of a conversation of the caller's. One that was deleted meanwhile stays so.
    pub turn: Option<(ConversationId, Vec<ConversationItem>)>,
}

/// What one exchange adds to its key's month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spending {
    /// The key that opened the door.
    pub(crate) key: KeyId,
    /// When: its calendar month in UTC counts.
    pub(crate) at: Timestamp,
    /// Millionths of a US dollar.
    pub(crate) micro_usd: u64,
    /// Prompt and completion tokens.
    pub(crate) tokens: u64,
}
