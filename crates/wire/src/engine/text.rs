//! `/render`, `/tokenize` and `/detokenize`: so that training sees the same tokens as serving.

use serde::{Deserialize, Serialize};

use crate::chat::{Message, Tool};

/// `POST /render`: a conversation through the model's chat template.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RenderRequest {
    /// The conversation.
    pub messages: Vec<Message>,
    /// Functions on offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// Whether to open the assistant's turn at the end; true where absent.
    #[serde(default = "yes")]
    pub add_generation_prompt: bool,
}

fn yes() -> bool {
    true
}

/// The prompt, its tokens, and which tokens came from which message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RenderReply {
    /// The prompt as text.
    pub prompt: String,
    /// Its tokens.
    pub tokens: Vec<u32>,
    /// Runs of tokens in order, which cover all of them.
    pub label_spans: Vec<LabelSpan>,
}

/// A run of tokens that one message brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSpan {
    /// The message, from 0; none for what the template writes before the first one.
    pub message: Option<u32>,
    /// The first token.
    pub start: u32,
    /// One past the last token.
    pub end: u32,
}

/// `POST /tokenize`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenizeRequest {
    /// The text.
    pub text: String,
    /// Whether to add the tokens the model puts around a text (such as a beginning).
    #[serde(default)]
    pub add_special: bool,
    /// Whether names of control tokens in the text become such tokens.
    #[serde(default)]
    pub parse_special: bool,
}

/// Tokens and their number.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenizeReply {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// How many.
    pub count: u32,
}

/// `POST /detokenize`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DetokenizeRequest {
    /// The tokens.
    pub tokens: Vec<u32>,
}

/// The text; bytes that are no UTF-8 are replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DetokenizeReply {
    /// The text.
    pub text: String,
}
