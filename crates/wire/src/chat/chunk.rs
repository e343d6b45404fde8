//! The stream of `/v1/chat/completions`: one chunk per `data:` line.

use serde::{Deserialize, Serialize};

use crate::chat::{AssistantRole, FinishReason, Logprobs, ToolKind, Usage};
use crate::freehold::ChunkAdditions;
use crate::literal::literals;
use crate::strict::null_is_default;

literals! {
    /// Always `chat.completion.chunk`.
    ChatChunkObject = "chat.completion.chunk";
}

/// One chunk. `choices` is always there; it is empty on the chunk that carries `usage`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChatChunk {
    /// Names this answer; the same on every chunk.
    #[serde(default)]
    pub id: String,
    /// Always `chat.completion.chunk`.
    #[serde(default)]
    pub object: ChatChunkObject,
    /// Unix time in seconds; the same on every chunk.
    #[serde(default)]
    pub created: i64,
    /// What answers, by the name the client used.
    #[serde(default)]
    pub model: String,
    /// What is new in each answer.
    #[serde(default)]
    pub choices: Vec<ChunkChoice>,
    /// Tokens it took, on a chunk of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that serves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// Changes when the weights or the engine change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<ChunkAdditions>,
}

/// What is new in one answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ChunkChoice {
    /// Its place among `n`, from 0.
    #[serde(default)]
    pub index: u32,
    /// What is new.
    #[serde(default)]
    pub delta: Delta,
    /// Log-probabilities of what is new, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Logprobs>,
    /// Why it ended; `null` until then.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// What is new in a message.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Delta {
    /// On the first chunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<AssistantRole>,
    /// More words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// More words of a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// More of the calls.
    #[serde(default, deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
}

/// More of one call: `index` says which, always; the id, type and name come once.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ToolCallDelta {
    /// Which call of the message, from 0.
    #[serde(default)]
    pub index: u32,
    /// Names the call; on its first delta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Always `function`; on the call's first delta.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ToolKind>,
    /// More of the function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<FunctionDelta>,
}

impl ToolCallDelta {
    /// The first delta of a call: its id and name, and no arguments yet.
    pub fn opening(index: u32, id: impl Into<String>, name: impl Into<String>) -> Self {
        let function = FunctionDelta { name: Some(name.into()), arguments: Some(String::new()) };
        Self { index, id: Some(id.into()), kind: Some(ToolKind::Function), function: Some(function) }
    }

    /// A later delta of a call: more of its arguments.
    pub fn arguments(index: u32, more: impl Into<String>) -> Self {
        let function = FunctionDelta { name: None, arguments: Some(more.into()) };
        Self { index, id: None, kind: None, function: Some(function) }
    }
}

/// More of the function of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FunctionDelta {
    /// Its name, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the JSON text of its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}
