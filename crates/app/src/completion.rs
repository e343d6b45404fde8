//! Text completions: the flow of `answer.rs` without messages.

use std::sync::Arc;

use bytes::Bytes;
use domain::TraceId;
use models::{CompletionChunks, Route};
use serde_json::json;
use wire::chat::StreamOptions;
use wire::completion::{CompletionRequest, CompletionResponse, Prompt};
use wire::freehold::ChunkAdditions;

use crate::admission::{admit, subject};
use crate::answer::Unanswered;
use crate::app::App;
use crate::error::AppError;
use crate::exchange::{Asker, Exchange};
use crate::prompt::{call_context, keyed_hash, worst_case};
use crate::stream::ReplyStream;
use crate::transcript::Transcript;

/// Most tokens of a completion where the client names none: OpenAI's own default for this endpoint.
const DEFAULT_COMPLETION_TOKENS: u32 = 16;

/// A completion: whole, or on its way.
pub enum Completion {
    /// The whole answer; its trace is durable.
    Whole(Box<CompletionResponse>, Option<TraceId>),
    /// The answer as it is made.
    Stream(Box<ReplyStream<CompletionResponse>>, Option<TraceId>),
}

/// Continues text.
///
/// # Errors
/// [`Unanswered`], whatever stands in the way; it leaves a trace too.
pub async fn complete(app: &Arc<App>, asker: &Asker, body: &Bytes) -> Result<Completion, Unanswered> {
    let mut exchange = Exchange::begin(app, asker);
    let trace = exchange.trace_id();
    let (request, route) = match admitted(app, &mut exchange, asker, body).await {
        Ok(admitted) => admitted,
        Err(error) => return Err(exchange.unanswered(error).await),
    };
    if request.streams() {
        return match open(&mut exchange, &request, &route).await {
            Ok(chunks) => {
                let stream = ReplyStream::new(chunks.into_stream(), exchange, &request.model, request.wants_usage());
                Ok(Completion::Stream(Box::new(stream), trace))
            }
            Err(error) => Err(exchange.unanswered(error).await),
        };
    }
    match whole(&mut exchange, &request, &route).await {
        Ok(reply) => exchange.answered().await.map(|()| Completion::Whole(Box::new(reply), trace)),
        Err(error) => Err(exchange.unanswered(error).await),
    }
}

/// The request read, noted, routed and within its limits.
async fn admitted(
    app: &App,
    exchange: &mut Exchange,
    asker: &Asker,
    body: &[u8],
) -> Result<(CompletionRequest, Route), AppError> {
    let request: CompletionRequest = wire::strict::read(body)?;
    exchange.set_subject(subject(asker, request.user.as_deref()));
    exchange.set_input(|| json!({ "prompt": request.prompt }));
    exchange.takes_words(request.prompt.iter().filter_map(words).collect()).await?;
    exchange.places_all_words();
    let route = admit(app, exchange, &request.model)?;
    exchange.trace_mut().prompt_hash = Some(keyed_hash(&app.hash_key, &request.prompt));
    if exchange.is_limited() {
        let answers = u64::from(request.n.unwrap_or(1)) * request.prompt.len() as u64;
        let longest = u64::from(request.max_tokens.unwrap_or(DEFAULT_COMPLETION_TOKENS));
        let prompt = request.prompt.iter().map(most_tokens).sum();
        exchange.reserve(app, worst_case(&route, prompt, answers.saturating_mul(longest))).await?;
    }
    Ok((request, route))
}

async fn whole(
    exchange: &mut Exchange,
    request: &CompletionRequest,
    route: &Route,
) -> Result<CompletionResponse, AppError> {
    let context = call_context(exchange, request.prompt.len());
    let mut reply = exchange.ask(route.completion(&upstream_request(request), context)).await?;
    reply.model.clone_from(&request.model);
    let mut transcript = Transcript::default();
    transcript.add_text(&reply);
    exchange.said(&transcript);
    exchange.recheck()?;
    reply.freehold = Some(ChunkAdditions::Closing(exchange.additions()));
    Ok(reply)
}

async fn open(
    exchange: &mut Exchange,
    request: &CompletionRequest,
    route: &Route,
) -> Result<CompletionChunks, AppError> {
    let context = call_context(exchange, request.prompt.len());
    Ok(exchange.ask(route.completion_stream(&upstream_request(request), context)).await?)
}

/// The request without what only the door needs to know.
fn upstream_request(request: &CompletionRequest) -> CompletionRequest {
    let mut upstream = request.clone();
    upstream.user = None;
    upstream.max_tokens = upstream.max_tokens.or(Some(DEFAULT_COMPLETION_TOKENS));
    if upstream.streams() {
        upstream.stream_options = Some(StreamOptions { include_usage: Some(true), include_obfuscation: None });
    }
    upstream
}

/// The words of a prompt, where it is sent as words.
pub(crate) fn words(prompt: &Prompt) -> Option<String> {
    match prompt {
        Prompt::Text(text) => Some(text.clone()),
        Prompt::Tokens(_) => None,
    }
}

/// No tokenizer makes more tokens than bytes, but for the one or two it puts around a text.
pub(crate) fn most_tokens(prompt: &Prompt) -> u64 {
    match prompt {
        Prompt::Text(text) => text.len() as u64 + 2,
        Prompt::Tokens(tokens) => tokens.len() as u64,
    }
}
