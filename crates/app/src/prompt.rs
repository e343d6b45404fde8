//! [`Prompt`]: what the model gets. Built from the request alone; what only the door needs to know (who asks for whom,
//! what is attached, whether it is stored) stays behind.

use hmac::{Hmac, KeyInit as _, Mac as _};
use models::{CallContext, Route};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use wire::chat::{ChatRequest, StreamOptions};

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Exchange;
use crate::limiter::WorstCase;

/// Most tokens of an answer where the client names none.
pub(crate) const DEFAULT_ANSWER_TOKENS: u32 = 1024;

/// What the model gets, and for whom.
pub(crate) struct Prompt {
    /// The request as it goes upstream.
    pub(crate) request: ChatRequest,
    /// For whom, for the queue and the cache.
    pub(crate) context: CallContext,
}

impl Prompt {
    /// Composes the prompt and notes its keyed hash and that of the configuration.
    pub(crate) fn compose(app: &App, exchange: &mut Exchange, request: &ChatRequest, route: &Route) -> Self {
        let mut upstream = request.clone();
        upstream.user = None;
        upstream.metadata = None;
        upstream.store = None;
        upstream.service_tier = None;
        if upstream.token_limit().is_none() {
            upstream.max_tokens = Some(DEFAULT_ANSWER_TOKENS);
        }
        if upstream.streams() {
            // Usage is what limits and costs are settled by, whether or not the client wants to see it.
            upstream.stream_options = Some(StreamOptions { include_usage: Some(true), include_obfuscation: None });
        }
        let context = call_context(exchange, upstream.messages.len());
        let trace = exchange.trace_mut();
        trace.prompt_hash = Some(keyed_hash(&app.hash_key, &(&upstream.messages, &upstream.tools)));
        trace.configuration_hash = Some(configuration_hash(&upstream, route));
        Self { request: upstream, context }
    }

    /// So many messages at the head are the same for everybody who calls this task: their state may be shared among them.
    pub(crate) fn share_first(&mut self, messages: usize, task: &str) {
        for label in self.context.labels.iter_mut().take(messages) {
            *label = Some(format!("task:{task}"));
        }
    }

    /// Reserves the worst case within the key's limits: the prompt, and every answer at its longest.
    pub(crate) async fn reserve(&self, app: &App, exchange: &mut Exchange, route: &Route) -> Result<(), AppError> {
        if !exchange.is_limited() {
            return Ok(());
        }
        let prompt = prompt_tokens(route, &self.request).await;
        let answers = u64::from(self.request.n.unwrap_or(1));
        let answer = u64::from(self.request.token_limit().unwrap_or(DEFAULT_ANSWER_TOKENS));
        exchange.reserve(app, worst_case(route, prompt, answers.saturating_mul(answer))).await
    }
}

/// Whose words these are: the label of cached KV state (docs/access.md, rule 12), and who waits in the queue.
pub(crate) fn call_context(exchange: &Exchange, parts: usize) -> CallContext {
    let label = exchange.access().principal().to_string();
    CallContext { labels: vec![Some(label.clone()); parts], caller: label, adapter: None }
}

/// What a request takes at most, in tokens and money.
pub(crate) fn worst_case(route: &Route, prompt_tokens: u64, answer_tokens: u64) -> WorstCase {
    WorstCase {
        tokens: prompt_tokens.saturating_add(answer_tokens),
        cost_micro_usd: route.price().cost_micro_usd(prompt_tokens, answer_tokens),
    }
}

/// The prompt's tokens: counted by the engine where it can, else at most one for each byte of the request.
async fn prompt_tokens(route: &Route, request: &ChatRequest) -> u64 {
    match route.count_prompt_tokens(request).await {
        Some(count) => count,
        None => serde_json::to_vec(&(&request.messages, &request.tools)).map_or(0, |bytes| bytes.len() as u64),
    }
}

/// HMAC-SHA-256 under the installation's key: equal prompts show as equal here, and nowhere else.
pub(crate) fn keyed_hash(key: &[u8; 32], value: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    // INVARIANT: HMAC takes a key of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(&bytes);
    hex(&mac.finalize().into_bytes())
}

/// SHA-256 over what decides the answer besides the words: the route and the parameters.
fn configuration_hash(request: &ChatRequest, route: &Route) -> String {
    let sampling = (request.temperature, request.top_p, request.top_k, request.min_p, request.seed, request.n);
    let penalties = (request.presence_penalty, request.frequency_penalty, &request.logit_bias, &request.stop);
    let shape = (request.token_limit(), &request.tool_choice, request.parallel_tool_calls, &request.response_format);
    let configuration = (route.model(), route.upstream(), sampling, penalties, shape);
    hex(&Sha256::digest(serde_json::to_vec(&configuration).unwrap_or_default()))
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}
