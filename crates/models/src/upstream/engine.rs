//! [`Engine`]: what only an embedded engine offers, beside the OpenAI routes.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::chat::{ChatRequest, Message, Tool};
use wire::engine::{
    AdapterEntry, AdapterList, AdapterName, DetokenizeReply, DetokenizeRequest, EngineProps, EngineStats, Health,
    RenderReply, RenderRequest, ScoreReply, ScoreRequest, ThreadsRequest, TokenizeReply, TokenizeRequest,
};

use super::Upstream;
use crate::dialect::failure::refusal;
use crate::dialect::reply::described;
use crate::error::ModelsError;

/// How long a control route may take: it does not wait for the model.
const CONTROL_LIMIT: Duration = Duration::from_secs(10);

/// An embedded engine's own routes.
#[derive(Debug, Clone)]
pub struct Engine {
    upstream: Arc<Upstream>,
}

/// The part of a conversation that is rendered, borrowed.
#[derive(Serialize)]
struct Rendered<'a> {
    messages: &'a [Message],
    #[serde(skip_serializing_if = "<[Tool]>::is_empty")]
    tools: &'a [Tool],
}

impl Engine {
    pub(crate) const fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream }
    }

    /// The name of the upstream.
    #[must_use]
    pub fn name(&self) -> &str {
        self.upstream.name()
    }

    /// Whether it takes requests, and how much of its model is loaded.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn health(&self) -> Result<Health, ModelsError> {
        let (status, body) = self.exchange(Method::GET, "health", Vec::new()).await?;
        // 503 is how a loading engine answers; the body says the rest.
        self.read(if status == StatusCode::SERVICE_UNAVAILABLE { StatusCode::OK } else { status }, &body)
    }

    /// The model and how it is served.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn props(&self) -> Result<EngineProps, ModelsError> {
        self.get("props").await
    }

    /// Gauges and counters.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn stats(&self) -> Result<EngineStats, ModelsError> {
        self.get("stats").await
    }

    /// A conversation through the model's chat template.
    ///
    /// # Errors
    /// When the template refuses it, or the engine cannot be reached.
    pub async fn render(&self, request: &RenderRequest) -> Result<RenderReply, ModelsError> {
        self.post("render", request).await
    }

    /// How many tokens a chat request's prompt has.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub async fn count_prompt_tokens(&self, request: &ChatRequest) -> Result<u64, ModelsError> {
        let rendered: RenderReply =
            self.post("render", &Rendered { messages: &request.messages, tools: request.tools() }).await?;
        Ok(rendered.tokens.len() as u64)
    }

    /// Text as tokens.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn tokenize(&self, request: &TokenizeRequest) -> Result<TokenizeReply, ModelsError> {
        self.post("tokenize", request).await
    }

    /// Tokens as text.
    ///
    /// # Errors
    /// When a token is not of its vocabulary, or it cannot be reached.
    pub async fn detokenize(&self, request: &DetokenizeRequest) -> Result<DetokenizeReply, ModelsError> {
        self.post("detokenize", request).await
    }

    /// How likely a given continuation is.
    ///
    /// # Errors
    /// When it does not fit the context, or the engine cannot be reached.
    pub async fn score(&self, request: &ScoreRequest) -> Result<ScoreReply, ModelsError> {
        let limit = Duration::from_millis(self.upstream.config.timeouts.answer_ms);
        let body = self.written(request)?;
        let (status, body) = self.exchange_within(Method::POST, "score", body, limit).await?;
        self.read(status, &body)
    }

    /// The adapters that are loaded.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn adapters(&self) -> Result<AdapterList, ModelsError> {
        self.get("adapters").await
    }

    /// Loads an adapter while requests run.
    ///
    /// # Errors
    /// When the file does not fit the model, or the engine cannot be reached.
    pub async fn load_adapter(&self, adapter: &AdapterEntry) -> Result<(), ModelsError> {
        self.told(Method::POST, "adapters", adapter).await
    }

    /// Unloads an adapter.
    ///
    /// # Errors
    /// When there is none of this name, or the engine cannot be reached.
    pub async fn unload_adapter(&self, adapter: &AdapterName) -> Result<(), ModelsError> {
        self.told(Method::DELETE, "adapters", adapter).await
    }

    /// Sets how many threads compute.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn set_threads(&self, threads: u32) -> Result<(), ModelsError> {
        self.told(Method::POST, "threads", &ThreadsRequest { threads }).await
    }

    async fn get<R: DeserializeOwned>(&self, route: &str) -> Result<R, ModelsError> {
        let (status, body) = self.exchange(Method::GET, route, Vec::new()).await?;
        self.read(status, &body)
    }

    async fn post<R: DeserializeOwned>(&self, route: &str, request: &impl Serialize) -> Result<R, ModelsError> {
        let (status, body) = self.exchange(Method::POST, route, self.written(request)?).await?;
        self.read(status, &body)
    }

    async fn told(&self, method: Method, route: &str, request: &impl Serialize) -> Result<(), ModelsError> {
        let (status, body) = self.exchange(method, route, self.written(request)?).await?;
        if status.is_success() { Ok(()) } else { Err(self.refused(status, &body)) }
    }

    fn written(&self, request: &impl Serialize) -> Result<Vec<u8>, ModelsError> {
        serde_json::to_vec(request).map_err(|error| self.upstream.speaker().invalid_reply(described(&error)))
    }

    async fn exchange(&self, method: Method, route: &str, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>), ModelsError> {
        self.exchange_within(method, route, body, CONTROL_LIMIT).await
    }

    async fn exchange_within(
        &self,
        method: Method,
        route: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<(StatusCode, Vec<u8>), ModelsError> {
        let mut address = self.upstream.addresses.root.clone();
        address.set_path(route);
        self.upstream.ask(method, address, body, limit).await
    }

    fn read<R: DeserializeOwned>(&self, status: StatusCode, body: &[u8]) -> Result<R, ModelsError> {
        if !status.is_success() {
            return Err(self.refused(status, body));
        }
        serde_json::from_slice(body).map_err(|error| self.upstream.speaker().invalid_reply(described(&error)))
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> ModelsError {
        refusal(self.upstream.speaker(), status.as_u16(), None, body).error
    }
}
