//! The records of an exchange. Counts, ids and timings ([`Trace`]) stand apart from content
//! ([`TraceContent`]), as their tables do: one can be granted without the other.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Capture, Cost, DocumentId, FeedbackId, KeyId, Principal, Provenance, ServiceId, Timestamp, TraceId};

/// One exchange: who, what, when, how it went. No content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// Its id, which begins with the time.
    pub id: TraceId,
    /// When the request was received.
    pub created_at: Timestamp,
    /// The task, or the model where none is named.
    pub task: String,
    /// The version of the task; 0 for a base model.
    pub task_version: u32,
    /// Who asked, and through whom.
    pub caller: CallerRecord,
    /// The epoch at which the request began.
    pub epoch: u64,
    /// How much was kept.
    pub capture: Capture,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, where it was refused or failed: an error code, never content.
    pub reason: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The adapter on top of it.
    pub adapter: Option<String>,
    /// Hash of the weights that answered, hex.
    pub weights_hash: Option<String>,
    /// The upstream that answered.
    pub upstream: Option<String>,
    /// Keyed hash of the rendered prompt, hex.
    pub prompt_hash: Option<String>,
    /// Hash of the configuration in force (task version, parameters, route), hex.
    pub configuration_hash: Option<String>,
    /// What everything placed in context was made from.
    pub provenance: Provenance,
    /// Tokens in and out.
    pub tokens: TokenCounts,
    /// Summary of the log-probabilities of the answer, where they were computed.
    pub logprobs: Option<LogprobSummary>,
    /// Where the time went, in order.
    pub stages: Vec<Stage>,
    /// What it cost.
    pub cost_micro_usd: Cost,
}

/// Who asked: a person or a service, the chain of services in between, the key, and the purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerRecord {
    /// For whom the request counts: the person, or the service for itself.
    pub principal: Principal,
    /// The services that carried it, outermost first; empty for a person's own key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<ServiceId>,
    /// The key that opened the door; none for the local control socket and sign-in sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What the request is for, where the client says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The outside customer a service speaks with: erasable, without rights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An answer left the door whole.
    Answered,
    /// The door said no: limits, rights, a bad request.
    Refused,
    /// Something broke, or the client left.
    Failed,
}

impl Outcome {
    /// The name in JSON and in the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Tokens of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Of the prompt, cached ones included.
    pub prompt: u64,
    /// Of the prompt, taken from a cache.
    pub cached: u64,
    /// Of the answer.
    pub completion: u64,
}

/// Log-probabilities of an answer in three numbers (natural logarithm).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LogprobSummary {
    /// Mean per token.
    pub mean: f64,
    /// The least likely token.
    pub min: f64,
    /// How many tokens.
    pub tokens: u64,
}

/// One stage of an exchange and how long it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// `queue`, `first_token`, `total`, ...
    pub name: String,
    /// Milliseconds.
    pub ms: f64,
}

/// A passage that was placed in context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PassageRecord {
    /// The document it comes from.
    pub document: DocumentId,
    /// Its score in the search.
    pub score: f64,
}

/// What was said: kept in full or redacted, or not at all.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TraceContent {
    /// The input before templating: messages, or a task's input.
    pub input: Value,
    /// The output: the assistant's message, or the error's code where there is none.
    pub output: Value,
    /// Passages placed in context.
    #[serde(default)]
    pub passages: Vec<PassageRecord>,
    /// What the client attached under `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// Something said about a trace afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// Its id.
    pub id: FeedbackId,
    /// The exchange it is about.
    pub trace: TraceId,
    /// Who said it: a person, or a service for its own traces.
    pub by: Principal,
    /// When.
    pub created_at: Timestamp,
    /// What kind.
    pub kind: FeedbackKind,
    /// `rating` -1 or 1; `correction` the ideal output; `outcome` `{name, value}`; `comment` a string.
    pub value: Value,
}

/// The kinds of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeedbackKind {
    /// -1 or 1.
    Rating,
    /// The ideal output.
    Correction,
    /// A fact that arrives later: accepted, reopened, reverted.
    Outcome,
    /// Free words.
    Comment,
}

impl FeedbackKind {
    /// The name in JSON and in the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rating => "rating",
            Self::Correction => "correction",
            Self::Outcome => "outcome",
            Self::Comment => "comment",
        }
    }
}
