//! Log-probabilities of the tokens of an answer (natural logarithm).

use serde::{Deserialize, Serialize};

/// Log-probabilities of an answer, token by token.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Logprobs {
    /// Of the tokens of the content.
    #[serde(default)]
    pub content: Option<Vec<TokenLogprob>>,
    /// Of the tokens of a refusal.
    #[serde(default)]
    pub refusal: Option<Vec<TokenLogprob>>,
}

/// One token that was chosen, and the likeliest at its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token as text; a piece of a character shows as a replacement character.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its bytes, exact.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at this place, likeliest first.
    #[serde(default)]
    pub top_logprobs: Vec<TopLogprob>,
}

/// A token that could have been chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token as text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f32,
    /// Its bytes, exact.
    #[serde(default)]
    pub bytes: Option<Vec<u8>>,
}
