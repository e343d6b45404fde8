//! `/score`: how likely a given continuation is.

use serde::{Deserialize, Serialize};

use crate::completion::Prompt;

/// `POST /score`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreRequest {
    /// What comes before.
    pub prompt: Prompt,
    /// What is scored.
    pub continuation: Prompt,
    /// The adapter that scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
}

/// The continuation's tokens with their log-probabilities (natural logarithm).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScoreReply {
    /// The continuation's tokens.
    pub tokens: Vec<u32>,
    /// One per token.
    pub logprobs: Vec<f32>,
    /// Their sum.
    pub sum: f64,
}
