//! The response object.

use serde::{Deserialize, Serialize};

use crate::chat::{Metadata, Usage};
use crate::freehold::Additions;
use crate::literal::literals;
use crate::response::{FunctionTool, Item, ResponseToolChoice, TextOptions, Truncation};

literals! {
    /// Always `response`.
    ResponseObject = "response";
}

/// A response, whole or on its way. What was asked is repeated in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Response {
    /// Names it (`resp_...`).
    pub id: String,
    /// Always `response`.
    #[serde(default)]
    pub object: ResponseObject,
    /// Unix time in seconds.
    pub created_at: i64,
    /// How far it has come.
    pub status: ResponseStatus,
    /// When it was whole; Unix time in seconds.
    #[serde(default)]
    pub completed_at: Option<i64>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<ResponseError>,
    /// Why it ended early.
    #[serde(default)]
    pub incomplete_details: Option<IncompleteDetails>,
    /// As asked.
    #[serde(default)]
    pub instructions: Option<String>,
    /// As asked.
    #[serde(default)]
    pub max_output_tokens: Option<u32>,
    /// What answers, by the name the client used.
    pub model: String,
    /// What the model wrote.
    pub output: Vec<Item>,
    /// As asked, true where absent.
    pub parallel_tool_calls: bool,
    /// As asked.
    #[serde(default)]
    pub previous_response_id: Option<String>,
    /// The conversation it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationName>,
    /// Whether it is kept.
    #[serde(default)]
    pub store: bool,
    /// In force.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// In force.
    #[serde(default)]
    pub text: TextOptions,
    /// As asked, `auto` where absent.
    #[serde(default)]
    pub tool_choice: ResponseToolChoice,
    /// As asked.
    #[serde(default)]
    pub tools: Vec<FunctionTool>,
    /// As asked.
    #[serde(default)]
    pub top_logprobs: Option<u32>,
    /// In force.
    #[serde(default)]
    pub top_p: Option<f64>,
    /// Always `disabled`.
    #[serde(default)]
    pub truncation: Truncation,
    /// Tokens it took; `null` on the way.
    #[serde(default)]
    pub usage: Option<ResponseUsage>,
    /// As asked.
    #[serde(default)]
    pub user: Option<String>,
    /// As asked.
    #[serde(default)]
    pub metadata: Metadata,
    /// The tier that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<Additions>,
}

/// How far a response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseStatus {
    /// It is being written.
    #[default]
    InProgress,
    /// It is whole.
    Completed,
    /// It ended early; see `incomplete_details`.
    Incomplete,
    /// It broke; see `error`.
    Failed,
    /// The client called it off.
    Cancelled,
}

/// Why a response failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseError {
    /// The case, for programs.
    pub code: String,
    /// What was wrong and what to do.
    pub message: String,
}

/// Why a response ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncompleteDetails {
    /// The reason.
    pub reason: IncompleteReason,
}

/// Why a response ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncompleteReason {
    /// The limit of tokens, or of the context.
    MaxOutputTokens,
    /// A filter took words out.
    ContentFilter,
}

/// The conversation a response belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationName {
    /// Its id.
    pub id: String,
}

/// Tokens a response took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResponseUsage {
    /// Of the prompt, cached ones included.
    pub input_tokens: u32,
    /// Of the prompt, in part.
    #[serde(default)]
    pub input_tokens_details: InputTokensDetails,
    /// Of the answer.
    pub output_tokens: u32,
    /// Of the answer, in part.
    #[serde(default)]
    pub output_tokens_details: OutputTokensDetails,
    /// The sum.
    pub total_tokens: u32,
}

/// Tokens of the prompt, in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputTokensDetails {
    /// Taken from a cache.
    #[serde(default)]
    pub cached_tokens: u32,
    /// Put into a cache at a price; caching costs nothing here.
    #[serde(default)]
    pub cache_write_tokens: u32,
}

/// Tokens of the answer, in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputTokensDetails {
    /// Spent on reasoning that is not shown.
    #[serde(default)]
    pub reasoning_tokens: u32,
}

impl From<Usage> for ResponseUsage {
    fn from(usage: Usage) -> Self {
        let reasoning_tokens = usage.completion_tokens_details.map_or(0, |details| details.reasoning_tokens);
        Self {
            input_tokens: usage.prompt_tokens,
            input_tokens_details: InputTokensDetails { cached_tokens: usage.cached_tokens(), cache_write_tokens: 0 },
            output_tokens: usage.completion_tokens,
            output_tokens_details: OutputTokensDetails { reasoning_tokens },
            total_tokens: usage.total_tokens,
        }
    }
}
