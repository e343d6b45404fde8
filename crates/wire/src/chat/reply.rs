//! The whole answer of `/v1/chat/completions`.

use serde::{Deserialize, Serialize};

use crate::chat::{Logprobs, ToolCall, Usage};
use crate::freehold::Additions;
use crate::literal::literals;
use crate::strict::null_is_default;

literals! {
    /// Always `chat.completion`.
    ChatObject = "chat.completion";
    /// Always `assistant`.
    AssistantRole = "assistant";
}

/// A chat completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// Names this answer.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion`.
    #[serde(default)]
    pub object: ChatObject,
    /// Unix time in seconds.
    #[serde(default)]
    pub created: i64,
    /// What answered, by the name the client used.
    #[serde(default)]
    pub model: String,
    /// The answers.
    #[serde(default)]
    pub choices: Vec<Choice>,
    /// Tokens it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that served it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Changes when the weights or the engine change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<Additions>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Its place among `n`, from 0.
    #[serde(default)]
    pub index: u32,
    /// What is said.
    pub message: AssistantMessage,
    /// Log-probabilities, where asked for; else `null`.
    #[serde(default)]
    pub logprobs: Option<Logprobs>,
    /// Why it ended.
    pub finish_reason: FinishReason,
}

/// What the model says: `content` is `null` where it only calls functions.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// Always `assistant`.
    #[serde(default)]
    pub role: AssistantRole,
    /// The words.
    #[serde(default)]
    pub content: Option<String>,
    /// The words of a refusal.
    #[serde(default)]
    pub refusal: Option<String>,
    /// The functions called.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
}

impl AssistantMessage {
    /// Everything that is said in it, a line each: the words, a refusal, the arguments of calls.
    #[must_use]
    pub fn all_words(&self) -> String {
        let calls = self.tool_calls.iter().map(|call| call.function.arguments.as_str());
        let words: Vec<&str> =
            self.content.as_deref().into_iter().chain(self.refusal.as_deref()).chain(calls).collect();
        words.join("\n")
    }
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// The limit of tokens, or of the context.
    Length,
    /// The model called functions.
    #[serde(alias = "function_call")]
    ToolCalls,
    /// A filter took words out.
    ContentFilter,
    /// By itself or at a `stop` text. Upstreams' own words for an end are read as this.
    #[serde(other)]
    Stop,
}

impl FinishReason {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Stop => "stop",
        }
    }
}
