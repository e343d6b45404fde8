//! `/health`, `/props` and `/stats`: whether the engine is ready, what it holds, what it does.

use serde::{Deserialize, Serialize};

/// `GET /health`: 200 when ready, else 503.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// Whether requests are taken.
    pub state: HealthState,
    /// How much of the model is loaded, 0 to 1.
    pub progress: f32,
}

/// Whether requests are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// The model is being loaded.
    Loading,
    /// Requests are taken.
    Ready,
    /// Running requests are finished, new ones are not taken.
    Stopping,
}

/// `GET /props`: the model and how it is served.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineProps {
    /// Of the model file, hex, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sha256: Option<String>,
    /// As the file names it (`llama`, `qwen2`).
    pub architecture: String,
    /// Number of weights.
    pub parameters: u64,
    /// Most tokens of prompt and answer of one request.
    pub context_length: u32,
    /// What the model was trained for, in tokens.
    pub train_context_length: u32,
    /// Requests that run at once.
    pub slots: u32,
    /// Tokens of the vocabulary.
    pub vocabulary: u32,
    /// What the chat template knows.
    pub template: TemplateProps,
    /// Numbers in an embedding, where it is an embedding model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_dimensions: Option<u32>,
    /// What computes.
    pub build: Build,
}

/// What a chat template knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TemplateProps {
    /// Functions.
    pub has_tools: bool,
    /// System messages.
    pub has_system: bool,
}

/// What computes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Build {
    /// Version of llama.cpp.
    pub llama_cpp: String,
    /// Instructions of the CPU that are used.
    pub cpu_flags: String,
}

/// `GET /stats`: gauges of now and counters since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineStats {
    /// Requests that run now.
    pub running: u32,
    /// Requests that wait now.
    pub waiting: u32,
    /// Tokens of KV state in use now.
    pub kv_tokens_used: u64,
    /// Tokens of KV state there is room for.
    pub kv_tokens_total: u64,
    /// Prompt tokens taken in, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens generated.
    pub generated_tokens: u64,
    /// Prompt tokens taken from cached KV state.
    pub cache_hit_tokens: u64,
    /// Decode steps.
    pub steps: u64,
    /// Requests answered to their end.
    pub finished: u64,
    /// Requests whose client left.
    pub cancelled: u64,
    /// Requests refused because the queue was full.
    pub refused: u64,
}
