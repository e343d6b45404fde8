//! The request of `/v1/embeddings`.

use serde::{Deserialize, Serialize};

use crate::completion::{Prompt, prompts};

/// Embeddings as asked for. Absent and `null` mean the same.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmbeddingRequest {
    /// An embedding model.
    pub model: String,
    /// What to embed, 1 to 2,048 texts or token lists, none empty.
    #[serde(with = "prompts")]
    pub input: Vec<Prompt>,
    /// How vectors are written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding_format: Option<EncodingFormat>,
    /// Must equal the model's, or be one it was trained to be cut to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// What the texts are, for models that embed questions and passages differently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_type: Option<InputType>,
    /// Whom the client asks for: an opaque id, at most 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// How vectors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncodingFormat {
    /// An array of numbers.
    #[default]
    Float,
    /// Base64 of little-endian 32-bit floats.
    Base64,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputType {
    /// A question.
    Query,
    /// A text that may answer one.
    Passage,
}
