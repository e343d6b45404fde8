//! `/v1/models`: what can be named in `model`, with what a client must know before it asks.

use serde::{Deserialize, Serialize};

use crate::list::ListObject;
use crate::literal::literals;

literals! {
    /// Always `model`.
    ModelObject = "model";
}

/// The list of models. It is not paged.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelList {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The models.
    #[serde(default)]
    pub data: Vec<ModelEntry>,
}

/// One model or task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModelEntry {
    /// The name to put in `model`.
    pub id: String,
    /// Always `model`.
    #[serde(default)]
    pub object: ModelObject,
    /// Unix time in seconds.
    #[serde(default)]
    pub created: i64,
    /// Who made it, or `freehold` for a task.
    #[serde(default)]
    pub owned_by: String,
    /// Most tokens of prompt and answer together, as it is served here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
    /// The same, under the name other servers use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_model_len: Option<u32>,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<ModelAdditions>,
}

/// What Freehold adds about a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelAdditions {
    /// What it is for.
    pub kind: ModelKind,
    /// SPDX id of the weights' licence.
    #[serde(default)]
    pub license: Option<String>,
    /// Of the weights, hex.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The weights' number format (`Q4_K_M`).
    #[serde(default)]
    pub quantization: Option<String>,
    /// Where it runs.
    pub locality: Locality,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Chat and completions.
    Chat,
    /// Embeddings.
    Embedding,
    /// A task: a named job, whatever model does it.
    Task,
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locality {
    /// On the organisation's own machines.
    Local,
    /// Elsewhere: text leaves the house.
    External,
}

impl ModelKind {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
            Self::Task => "task",
        }
    }
}

impl Locality {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::External => "external",
        }
    }
}
