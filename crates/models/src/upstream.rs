//! [`Upstream`]: one OpenAI-compatible server, over TCP or a Unix socket. An embedded engine is one like any other.

mod attempt;
mod chunks;
mod client;
mod engine;
mod held;
mod probe;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Client;
use serde::Serialize;
use sha2::Sha256;
use tokio::time::Instant;
use wire::chat::{ChatRequest, ChatResponse};
use wire::completion::{CompletionRequest, CompletionResponse};
use wire::embedding::{EmbeddingRequest, EmbeddingResponse};
use wire::engine::EngineExtras;
use wire::model::Locality;

use crate::breaker::Breaker;
use crate::config::{CacheSeparation, ModelConfig, UpstreamConfig};
use crate::counters::{Counters, UpstreamSnapshot};
use crate::dialect::failure::{Failure, Speaker, failure};
use crate::dialect::reply::{self, Flaw};
use crate::dialect::request::{self, Additions};
use crate::error::{ModelsError, Unavailability};
use crate::queue::Queue;
use crate::route::CallContext;

pub(crate) use attempt::Outgoing;
pub use chunks::{ChatChunks, Chunks, CompletionChunks};
pub(crate) use client::Addresses;
pub use engine::Engine;
pub(crate) use held::Held;

/// What the supervisor says of an upstream. An outside server counts as ready until its breaker says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum UpstreamState {
    /// Its model is being loaded.
    Loading,
    /// Requests are taken.
    Ready,
    /// It is not running.
    Down {
        /// Why, for the operator.
        reason: String,
    },
}

/// One server that answers for models.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) config: UpstreamConfig,
    client: Client,
    addresses: Addresses,
    queue: Arc<Queue>,
    breaker: Mutex<Breaker>,
    state: RwLock<UpstreamState>,
    /// Context lengths that the server itself lists, by its own names; empty until it was asked.
    lengths: RwLock<HashMap<String, u32>>,
    counters: Arc<Counters>,
    /// Where the breaker's clock begins.
    started: Instant,
    rules: Rules,
}

/// What holds for all upstreams of an installation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) offline: bool,
    pub(crate) salt_key: [u8; 32],
}

/// An answer, and how long it waited for a place.
pub(crate) struct Given<T> {
    pub(crate) value: T,
    pub(crate) queue_ms: f64,
}

impl Upstream {
    /// Puts a checked configuration to work. Nothing is called yet.
    pub(crate) fn new(config: UpstreamConfig, counters: Arc<Counters>, rules: Rules) -> Result<Self, ModelsError> {
        config.validate()?;
        let client = client::build(&config)?;
        let addresses = Addresses::of(&config)?;
        let state = if config.is_embedded() { UpstreamState::Loading } else { UpstreamState::Ready };
        Ok(Self {
            client,
            addresses,
            queue: Queue::new(config.max_concurrent, config.max_waiting),
            breaker: Mutex::new(Breaker::new(config.breaker)),
            state: RwLock::new(state),
            lengths: RwLock::default(),
            counters,
            started: Instant::now(),
            rules,
            config,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// A whole chat completion.
    pub(crate) async fn chat(
        self: &Arc<Self>,
        model: &ModelConfig,
        request: &ChatRequest,
        context: &CallContext,
    ) -> Result<Given<ChatResponse>, ModelsError> {
        let engine = self.engine_extras(context, request.messages.len(), request.tools().is_empty());
        let salt = self.salt(&context.caller);
        let body = request::chat(request, &self.additions(model, false, salt.as_deref(), engine.as_ref()));
        let asked = request.n.unwrap_or(1) as usize;
        let outgoing = Outgoing::new(&self.addresses.chat, body, false);
        self.whole(outgoing, context, |bytes| reply::chat(bytes, &model.name, asked)).await
    }

    /// A chat completion as it is made; resolves with its first piece.
    pub(crate) async fn chat_stream(
        self: &Arc<Self>,
        model: &ModelConfig,
        request: &ChatRequest,
        context: &CallContext,
    ) -> Result<Given<ChatChunks>, ModelsError> {
        let engine = self.engine_extras(context, request.messages.len(), request.tools().is_empty());
        let salt = self.salt(&context.caller);
        let body = request::chat(request, &self.additions(model, true, salt.as_deref(), engine.as_ref()));
        let outgoing = Outgoing::new(&self.addresses.chat, body, true);
        self.stream(outgoing, context, model, request.n.unwrap_or(1)).await
    }

    /// A whole completion.
    pub(crate) async fn completion(
        self: &Arc<Self>,
        model: &ModelConfig,
        request: &CompletionRequest,
        context: &CallContext,
    ) -> Result<Given<CompletionResponse>, ModelsError> {
        let engine = self.engine_extras(context, request.prompt.len(), true);
        let salt = self.salt(&context.caller);
        let body = request::completion(request, &self.additions(model, false, salt.as_deref(), engine.as_ref()));
        let asked = answers(request) as usize;
        let outgoing = Outgoing::new(&self.addresses.completion, body, false);
        self.whole(outgoing, context, |bytes| reply::completion(bytes, &model.name, asked)).await
    }

    /// A completion as it is made; resolves with its first piece.
    pub(crate) async fn completion_stream(
        self: &Arc<Self>,
        model: &ModelConfig,
        request: &CompletionRequest,
        context: &CallContext,
    ) -> Result<Given<CompletionChunks>, ModelsError> {
        let engine = self.engine_extras(context, request.prompt.len(), true);
        let salt = self.salt(&context.caller);
        let body = request::completion(request, &self.additions(model, true, salt.as_deref(), engine.as_ref()));
        let outgoing = Outgoing::new(&self.addresses.completion, body, true);
        self.stream(outgoing, context, model, answers(request)).await
    }

    /// Embeddings.
    pub(crate) async fn embeddings(
        self: &Arc<Self>,
        model: &ModelConfig,
        request: &EmbeddingRequest,
        context: &CallContext,
    ) -> Result<Given<EmbeddingResponse>, ModelsError> {
        let body = request::embedding(request, &self.additions(model, false, None, None));
        let outgoing = Outgoing::new(&self.addresses.embedding, body, false);
        self.whole(outgoing, context, |bytes| reply::embeddings(bytes, &model.name, request, model.dimensions)).await
    }

    fn additions<'a>(
        &self,
        model: &'a ModelConfig,
        stream: bool,
        cache_salt: Option<&'a str>,
        engine: Option<&'a EngineExtras>,
    ) -> Additions<'a> {
        Additions { model, quirks: self.config.dialect.quirks(), stream, cache_salt, engine }
    }

    /// What only an embedded engine is told: the adapter, and whose words each message holds.
    fn engine_extras(&self, context: &CallContext, parts: usize, template_alone: bool) -> Option<EngineExtras> {
        if !self.config.is_embedded() {
            return None;
        }
        let mut labels = context.labels.clone();
        labels.truncate(parts);
        // What a template writes by itself is the same for everybody; tools are the caller's words.
        let preamble = if template_alone { "public:template" } else { &context.caller };
        Some(EngineExtras {
            adapter: context.adapter.clone(),
            labels,
            preamble_label: Some(preamble.to_owned()),
            ..EngineExtras::default()
        })
    }

    /// A caller's own salt: a keyed hash, so that it betrays nobody and cannot be guessed (docs/access.md, rule 12).
    fn salt(&self, caller: &str) -> Option<String> {
        if self.config.cache_separation() != CacheSeparation::Salt {
            return None;
        }
        // INVARIANT: HMAC takes a key of any length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.rules.salt_key).ok()?;
        for part in ["cache salt", self.name(), caller] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        Some(mac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(crate) fn set_state(&self, state: UpstreamState) {
        if state == UpstreamState::Ready {
            self.breaker().reset();
        }
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(crate) fn state(&self) -> UpstreamState {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn snapshot(&self) -> UpstreamSnapshot {
        let (running, waiting) = self.queue.counts();
        UpstreamSnapshot {
            name: self.name().to_owned(),
            models: self.config.models.iter().map(|model| model.name.clone()).collect(),
            locality: self.config.locality,
            reachable: self.may_be_called().is_ok(),
            cache_separation: self.config.cache_separation(),
            state: self.state(),
            breaker: self.breaker().state(self.now_ms()),
            running,
            waiting,
            counts: self.counters.read(),
        }
    }

    /// Whether words may go there at all.
    pub(crate) fn may_be_called(&self) -> Result<(), ModelsError> {
        let refused = |why| Err(ModelsError::EgressRefused { upstream: self.name().to_owned(), why });
        match (self.config.is_embedded(), self.config.locality) {
            (true, _) => Ok(()),
            (false, _) if self.rules.offline => refused("this installation runs with --offline; use an embedded model"),
            (false, Locality::External) if !self.config.egress_allowed => {
                refused("it is external and an administrator has not set `egress_allowed` for it; use a local model")
            }
            _ => Ok(()),
        }
    }

    fn check_state(&self) -> Result<(), ModelsError> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let reason = match &*state {
            UpstreamState::Ready => return Ok(()),
            UpstreamState::Loading => Unavailability::Loading,
            UpstreamState::Down { .. } => Unavailability::Down,
        };
        Err(self.speaker().unavailable(reason, Some(2)))
    }

    fn speaker(&self) -> Speaker<'_> {
        Speaker { upstream: self.name(), embedded: self.config.is_embedded() }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// What a flawed answer means for the caller and for the breaker.
    fn failure_of(&self, flaw: Flaw) -> Failure {
        let speaker = self.speaker();
        match flaw {
            Flaw::Says(words) => failure(speaker, words.status(), None, words),
            Flaw::Unreadable(detail) => Failure::blamed(speaker.invalid_reply(detail)),
            Flaw::Broken => Failure::blamed(speaker.interrupted()),
            Flaw::TooFew { given, asked } => Failure::blameless(ModelsError::Rejected {
                message: format!(
                    "the server behind this model gave {given} of {asked} answers: ask for fewer at a time"
                ),
                param: Some("n".to_owned()),
                code: "unsupported_parameter",
            }),
        }
    }
}

/// How many answers a completion asks for: `n` to each prompt.
fn answers(request: &CompletionRequest) -> u32 {
    request.n.unwrap_or(1).saturating_mul(u32::try_from(request.prompt.len()).unwrap_or(u32::MAX))
}
