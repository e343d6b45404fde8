//! Embeddings: the flow of `answer.rs` with vectors for an answer. The vectors themselves are not kept: they can be
//! made again from the input.

use std::sync::Arc;

use bytes::Bytes;
use domain::TraceId;
use serde_json::json;
use wire::embedding::{EmbeddingRequest, EmbeddingResponse};

use crate::admission::{admit, subject};
use crate::answer::Unanswered;
use crate::app::App;
use crate::completion::{most_tokens, words};
use crate::error::AppError;
use crate::exchange::{Asker, Exchange};
use crate::prompt::{call_context, keyed_hash, worst_case};

/// Vectors for texts, and the trace of it.
///
/// # Errors
/// [`Unanswered`], whatever stands in the way; it leaves a trace too.
pub async fn embed(
    app: &Arc<App>,
    asker: &Asker,
    body: &Bytes,
) -> Result<(EmbeddingResponse, Option<TraceId>), Unanswered> {
    let mut exchange = Exchange::begin(app, asker);
    let trace = exchange.trace_id();
    match vectors(app, &mut exchange, asker, body).await {
        Ok(mut reply) => {
            reply.freehold = Some(exchange.additions());
            exchange.answered().await?;
            Ok((reply, trace))
        }
        Err(error) => Err(exchange.unanswered(error).await),
    }
}

async fn vectors(
    app: &App,
    exchange: &mut Exchange,
    asker: &Asker,
    body: &[u8],
) -> Result<EmbeddingResponse, AppError> {
    let request: EmbeddingRequest = wire::strict::read(body)?;
    exchange.set_subject(subject(asker, request.user.as_deref()));
    exchange.set_input(|| json!({ "input": request.input }));
    exchange.takes_words(request.input.iter().filter_map(words).collect()).await?;
    exchange.places_all_words();
    let route = admit(app, exchange, &request.model)?;
    exchange.trace_mut().prompt_hash = Some(keyed_hash(&app.hash_key, &request.input));
    if exchange.is_limited() {
        let prompt = request.input.iter().map(most_tokens).sum();
        exchange.reserve(app, worst_case(&route, prompt, 0)).await?;
    }
    let upstream = EmbeddingRequest { user: None, ..request.clone() };
    let context = call_context(exchange, 0);
    let mut reply = exchange.ask(route.embeddings(&upstream, context)).await?;
    reply.model = request.model;
    exchange.took(u64::from(reply.usage.prompt_tokens), 0, 0);
    exchange.recheck()?;
    Ok(reply)
}
