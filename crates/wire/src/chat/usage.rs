//! Tokens an exchange took, as OpenAI counts them.

use serde::{Deserialize, Serialize};

use crate::strict::null_is_default;

/// Tokens an exchange took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Of the prompt, cached ones included.
    #[serde(default, deserialize_with = "null_is_default")]
    pub prompt_tokens: u32,
    /// Of all answers.
    #[serde(default, deserialize_with = "null_is_default")]
    pub completion_tokens: u32,
    /// The sum.
    #[serde(default, deserialize_with = "null_is_default")]
    pub total_tokens: u32,
    /// Of the prompt, in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptTokensDetails>,
    /// Of the answers, in part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionTokensDetails>,
}

impl Usage {
    /// Counts with their sum and the cached part.
    #[must_use]
    pub fn new(prompt_tokens: u32, cached_tokens: u32, completion_tokens: u32) -> Self {
        Self {
            prompt_tokens,
            completion_tokens,
            total_tokens: prompt_tokens.saturating_add(completion_tokens),
            prompt_tokens_details: Some(PromptTokensDetails { cached_tokens }),
            completion_tokens_details: Some(CompletionTokensDetails::default()),
        }
    }

    /// Tokens of the prompt that came from a cache.
    #[must_use]
    pub fn cached_tokens(&self) -> u32 {
        self.prompt_tokens_details.map_or(0, |details| details.cached_tokens)
    }
}

/// Tokens of the prompt, in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PromptTokensDetails {
    /// Taken from a cache.
    #[serde(default, deserialize_with = "null_is_default")]
    pub cached_tokens: u32,
}

/// Tokens of the answers, in part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CompletionTokensDetails {
    /// Spent on reasoning that is not shown.
    #[serde(default, deserialize_with = "null_is_default")]
    pub reasoning_tokens: u32,
}
