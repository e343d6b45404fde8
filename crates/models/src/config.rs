//! What an administrator writes about an upstream: where it is, what it serves, how long to wait, who may be told.
//!
//! Unknown fields are refused, `validate` checks the rest. Secrets never print (see [`Secret`]).

mod secret;
mod validate;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::Price;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use wire::model::Locality;

pub use crate::breaker::BreakerConfig;
pub use crate::dialect::Dialect;
pub use secret::Secret;

/// One server that answers for models: the embedded engine or any OpenAI-compatible one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamConfig {
    /// Its name here: 1 to 64 of `a-z A-Z 0-9 . _ -`.
    pub name: String,
    /// Where it is: `{"remote": {"base_url": "http://gpu-1:8000/v1"}}`.
    pub kind: UpstreamKind,
    /// What it serves.
    pub models: Vec<ModelConfig>,
    /// Which server it is: decides what may be asked of it and how.
    #[serde(default)]
    pub dialect: Dialect,
    /// Sent as `Authorization: Bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<Secret>,
    /// More headers on each request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Secret>,
    /// Whether words sent there leave the organisation; `external` where nothing is said.
    #[serde(default = "defaults::locality")]
    pub locality: Locality,
    /// Whether an administrator allows words to go to an external upstream.
    #[serde(default)]
    pub egress_allowed: bool,
    /// Whether it keeps the caches of different salts apart; absent = as its dialect does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_salt: Option<bool>,
    /// Certificates (PEM) to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long to wait.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Requests in flight at once.
    #[serde(default = "defaults::max_concurrent")]
    pub max_concurrent: usize,
    /// Requests that may wait for a place; 0 = none waits.
    #[serde(default = "defaults::max_waiting")]
    pub max_waiting: usize,
    /// How often a request is sent again where that is safe.
    #[serde(default = "defaults::retries")]
    pub retries: u32,
    /// The largest answer that is read, bytes.
    #[serde(default = "defaults::max_reply_bytes")]
    pub max_reply_bytes: usize,
    /// When to leave it alone.
    #[serde(default)]
    pub breaker: BreakerConfig,
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum UpstreamKind {
    /// A child of ours behind a Unix socket.
    Embedded {
        /// Path of the socket.
        socket: PathBuf,
    },
    /// A server of its own.
    Remote {
        /// Up to and with `/v1`, as OpenAI's clients take it.
        base_url: String,
    },
}

/// A model that an upstream serves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// What clients say.
    pub name: String,
    /// What the server calls it; absent = the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_name: Option<String>,
    /// What it does.
    #[serde(default)]
    pub kind: ModelKind,
    /// Most tokens of prompt and answer together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u32>,
    /// What its tokens cost.
    #[serde(default)]
    pub price: Price,
    /// What an embedding model wants before each text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefixes: Option<Prefixes>,
    /// Numbers in a vector of an embedding model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<u32>,
    /// SPDX identifier of its licence, or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// SHA-256 of its weights, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// How its weights are quantised, e.g. `Q4_K_M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantization: Option<String>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_by: Option<String>,
}

/// What a model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Answers, and continues text.
    #[default]
    Chat,
    /// Turns text into vectors.
    Embedding,
}

impl ModelKind {
    /// The name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Embedding => "embedding",
        }
    }
}

/// What an embedding model wants before each text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefixes {
    /// Before a question, e.g. `query: `.
    pub query: String,
    /// Before a text to be found, e.g. `passage: `.
    pub passage: String,
}

/// How long to wait, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// To open a connection.
    pub connect_ms: u64,
    /// From the request to the first byte of a stream: a long prompt on a small machine takes minutes.
    pub first_byte_ms: u64,
    /// Between two pieces of an answer.
    pub idle_ms: u64,
    /// From the request to an answer that comes in one piece, after its last token.
    pub answer_ms: u64,
    /// The whole exchange: waiting, sending again, and the last byte; absent = no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 5_000, first_byte_ms: 900_000, idle_ms: 120_000, answer_ms: 1_800_000, total_ms: None }
    }
}

mod defaults {
    pub(super) const fn locality() -> super::Locality {
        super::Locality::External
    }
    pub(super) const fn max_concurrent() -> usize {
        256
    }
    pub(super) const fn max_waiting() -> usize {
        1024
    }
    pub(super) const fn retries() -> u32 {
        2
    }
    pub(super) const fn max_reply_bytes() -> usize {
        64 << 20
    }
}

impl UpstreamConfig {
    /// An embedded engine behind a Unix socket, with every default. Nothing is sent again: what a crash cut off is told
    /// to the client, and a prompt that crashes the engine does not meet the next one.
    pub fn embedded(name: impl Into<String>, socket: PathBuf, models: Vec<ModelConfig>) -> Self {
        let place = UpstreamKind::Embedded { socket };
        let general = Self::new(name.into(), place, models);
        Self { dialect: Dialect::Freehold, locality: Locality::Local, retries: 0, ..general }
    }

    /// A server at an address that ends in `/v1`, with every default: external, and egress not allowed.
    pub fn remote(name: impl Into<String>, base_url: impl Into<String>, models: Vec<ModelConfig>) -> Self {
        Self::new(name.into(), UpstreamKind::Remote { base_url: base_url.into() }, models)
    }

    fn new(name: String, kind: UpstreamKind, models: Vec<ModelConfig>) -> Self {
        Self {
            name,
            kind,
            models,
            dialect: Dialect::default(),
            api_key: None,
            headers: BTreeMap::new(),
            locality: Locality::External,
            egress_allowed: false,
            cache_salt: None,
            ca_file: None,
            timeouts: Timeouts::default(),
            max_concurrent: defaults::max_concurrent(),
            max_waiting: defaults::max_waiting(),
            retries: defaults::retries(),
            max_reply_bytes: defaults::max_reply_bytes(),
            breaker: BreakerConfig::default(),
        }
    }

    /// Whether it is a child of ours.
    #[must_use]
    pub const fn is_embedded(&self) -> bool {
        matches!(self.kind, UpstreamKind::Embedded { .. })
    }

    /// How it keeps the caches of different callers apart (docs/access.md, rule 12).
    #[must_use]
    pub fn cache_separation(&self) -> CacheSeparation {
        match (self.is_embedded(), self.cache_salt.unwrap_or(self.dialect.quirks().cache_salt)) {
            (true, _) => CacheSeparation::Labels,
            (false, true) => CacheSeparation::Salt,
            (false, false) => CacheSeparation::NotSeparated,
        }
    }

    /// The configuration with the secrets in clear, for the state database and nothing else.
    #[must_use]
    pub fn to_stored(&self) -> Value {
        let mut stored = serde_json::to_value(self).unwrap_or_default();
        if let Some(key) = &self.api_key {
            stored["api_key"] = key.to_stored();
        }
        for (name, value) in &self.headers {
            stored["headers"][name] = value.to_stored();
        }
        stored
    }

    /// Where a listing was edited and sent back, its hidden secrets are those of `previous`.
    #[must_use]
    pub fn with_secrets_of(mut self, previous: &Self) -> Self {
        if self.api_key.as_ref().is_some_and(Secret::is_hidden) {
            self.api_key.clone_from(&previous.api_key);
        }
        for (name, value) in &mut self.headers {
            if let (true, Some(secret)) = (value.is_hidden(), previous.headers.get(name)) {
                value.clone_from(secret);
            }
        }
        self
    }
}

impl ModelConfig {
    /// A model with every default.
    pub fn new(name: impl Into<String>, kind: ModelKind) -> Self {
        Self {
            name: name.into(),
            upstream_name: None,
            kind,
            context_length: None,
            price: Price::default(),
            prefixes: None,
            dimensions: None,
            license: None,
            sha256: None,
            quantization: None,
            owned_by: None,
        }
    }

    /// What the server calls it.
    #[must_use]
    pub fn upstream_name(&self) -> &str {
        self.upstream_name.as_deref().unwrap_or(&self.name)
    }
}

/// How an upstream keeps the caches of different callers apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheSeparation {
    /// Each block of its cache carries the provenance of its tokens: the embedded engine.
    Labels,
    /// Each caller has a salt of their own.
    Salt,
    /// It does not: how fast an answer comes may betray what others asked.
    NotSeparated,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written() -> Value {
        json!({
            "name": "gpu-1",
            "kind": {"remote": {"base_url": "http://gpu-1:8000/v1"}},
            "dialect": "vllm",
            "api_key": "sk-123",
            "headers": {"X-Team": {"env": "TEAM"}},
            "locality": "local",
            "models": [{"name": "big", "upstream_name": "org/big", "context_length": 32768}],
        })
    }

    #[test]
    fn a_configuration_reads_lists_and_keeps() {
        let config: UpstreamConfig = serde_json::from_value(written()).unwrap();
        let listed = serde_json::to_value(&config).unwrap();
        assert_eq!(listed["api_key"], json!({"hidden": true}));
        assert!(!listed.to_string().contains("sk-123") && !format!("{config:?}").contains("sk-123"));
        let edited: UpstreamConfig = serde_json::from_value(listed).unwrap();
        assert_ne!(edited, config);
        assert_eq!(edited.with_secrets_of(&config), config);
        assert_eq!(serde_json::from_value::<UpstreamConfig>(config.to_stored()).unwrap(), config);
    }

    #[test]
    fn an_unknown_field_is_refused_by_name() {
        for (place, field) in [("", "retry"), ("/timeouts", "first_byte"), ("/models/0", "ctx"), ("/breaker", "max")] {
            let mut wrong = written();
            wrong["timeouts"] = json!({});
            wrong["breaker"] = json!({});
            wrong.pointer_mut(place).unwrap()[field] = json!(1);
            let error = serde_json::from_value::<UpstreamConfig>(wrong).unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn a_salt_is_sent_only_where_it_separates() {
        let mut config: UpstreamConfig = serde_json::from_value(written()).unwrap();
        assert_eq!(config.cache_separation(), CacheSeparation::Salt);
        config.dialect = Dialect::Openai;
        assert_eq!(config.cache_separation(), CacheSeparation::NotSeparated);
        config.cache_salt = Some(true);
        assert_eq!(config.cache_separation(), CacheSeparation::Salt);
        let engine = UpstreamConfig::embedded("engine", "/run/e.sock".into(), vec![]);
        assert_eq!(engine.cache_separation(), CacheSeparation::Labels);
    }
}
