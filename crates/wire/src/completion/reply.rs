//! The answer of `/v1/completions`: one shape for the whole answer and for chunks of a stream.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::chat::{FinishReason, Usage};
use crate::freehold::ChunkAdditions;
use crate::literal::literals;

literals! {
    /// Always `text_completion`.
    CompletionObject = "text_completion";
}

/// A completion, whole or a chunk of one. `choices` is always there.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletionResponse {
    /// Names this answer.
    #[serde(default)]
    pub id: String,
    /// Always `text_completion`.
    #[serde(default)]
    pub object: CompletionObject,
    /// Unix time in seconds.
    #[serde(default)]
    pub created: i64,
    /// What answered, by the name the client used.
    #[serde(default)]
    pub model: String,
    /// The answers, or what is new in each.
    #[serde(default)]
    pub choices: Vec<CompletionChoice>,
    /// Tokens it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Changes when the weights or the engine change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_fingerprint: Option<String>,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<ChunkAdditions>,
}

/// One answer, or what is new in it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletionChoice {
    /// Its place: prompts in order, `n` answers to each.
    #[serde(default)]
    pub index: u32,
    /// The words.
    #[serde(default)]
    pub text: String,
    /// Log-probabilities, where asked for; else `null`.
    #[serde(default)]
    pub logprobs: Option<CompletionLogprobs>,
    /// Why it ended; `null` until then.
    #[serde(default)]
    pub finish_reason: Option<FinishReason>,
}

/// Log-probabilities in the older shape: four lists of equal length.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CompletionLogprobs {
    /// The tokens as text.
    #[serde(default)]
    pub tokens: Vec<String>,
    /// Natural logarithm of each token's probability; `null` for the first of an echoed prompt.
    #[serde(default)]
    pub token_logprobs: Vec<Option<f32>>,
    /// The likeliest tokens at each place.
    #[serde(default)]
    pub top_logprobs: Vec<Option<BTreeMap<String, f32>>>,
    /// Where each token begins in the text, in code points.
    #[serde(default)]
    pub text_offset: Vec<u32>,
}
