//! The flow, read aloud: Request -> Caller -> Access -> Prompt -> Reply -> Trace. Where the assistant is asked, Passages
//! and need to know stand between Access and Prompt ([`crate::assistant`]).

use std::sync::Arc;

use bytes::Bytes;
use domain::{Outcome, TraceId};
use serde_json::{Value, json};
use wire::chat::{ChatChunk, ChatRequest, ChatResponse, Message};

use crate::admission::{admit, subject};
use crate::app::App;
use crate::assistant;
use crate::error::AppError;
use crate::exchange::{Asker, Exchange};
use crate::prompt::Prompt;
use crate::stream::ReplyStream;
use crate::transcript::Transcript;

/// A request that ends without an answer, and the trace that says so.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Unanswered {
    /// What went wrong.
    #[source]
    pub error: AppError,
    /// The record of it, where one is kept.
    pub trace: Option<TraceId>,
}

/// An answer: whole, or on its way.
pub enum Reply {
    /// The whole answer; its trace is durable.
    Whole(Box<ChatResponse>, Option<TraceId>),
    /// The answer as it is made; its trace is durable before the last chunk.
    Stream(Box<ReplyStream<ChatChunk>>, Option<TraceId>),
}

/// Answers a chat completion: `body` is the request as the client sent it.
///
/// # Errors
/// [`Unanswered`], whatever stands in the way; it leaves a trace too.
pub async fn answer(app: &Arc<App>, asker: &Asker, body: &Bytes) -> Result<Reply, Unanswered> {
    let mut exchange = Exchange::begin(app, asker);
    let trace = exchange.trace_id();
    let request = match read(&mut exchange, asker, body).await {
        Ok(request) => request,
        Err(error) => return Err(exchange.unanswered(error).await),
    };
    if request.streams() {
        let reply = stream(app, exchange, &request).await?;
        return Ok(Reply::Stream(Box::new(reply), trace));
    }
    let reply = whole(app, exchange, &request).await?;
    Ok(Reply::Whole(Box::new(reply), trace))
}

/// Records a request that was turned away before its body could be read as one.
pub async fn turn_away(app: &Arc<App>, asker: &Asker, outcome: Outcome, code: &str) -> Option<TraceId> {
    Exchange::begin(app, asker).turned_away(outcome, code).await
}

/// Whether a body asks for a stream; what cannot be read does not.
#[must_use]
pub fn streams(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Wish {
        #[serde(default)]
        stream: Option<bool>,
    }
    serde_json::from_slice::<Wish>(body).is_ok_and(|wish| wish.stream == Some(true))
}

/// The body as a request, noted in the books.
async fn read(exchange: &mut Exchange, asker: &Asker, body: &[u8]) -> Result<ChatRequest, AppError> {
    let request: ChatRequest = wire::strict::read(body)?;
    note(exchange, asker, &request);
    exchange.takes_words(request.messages.iter().map(Message::all_words).collect()).await?;
    Ok(request)
}

/// Notes what is asked, and for whom.
pub(crate) fn note(exchange: &mut Exchange, asker: &Asker, request: &ChatRequest) {
    if request.store == Some(false) {
        exchange.narrow_capture(domain::Capture::Usage);
    }
    exchange.set_subject(subject(asker, request.user.as_deref()));
    exchange.set_input(|| input(request));
    exchange.set_metadata(|| request.metadata.as_ref().and_then(|metadata| serde_json::to_value(metadata).ok()));
}

/// The whole answer to a request that has been noted.
async fn whole(app: &Arc<App>, mut exchange: Exchange, request: &ChatRequest) -> Result<ChatResponse, Unanswered> {
    match generate(app, &mut exchange, request).await {
        Ok(reply) => exchange.answered().await.map(|()| reply),
        Err(error) => Err(exchange.unanswered(error).await),
    }
}

/// The answer, before its trace is durable.
pub(crate) async fn generate(
    app: &App,
    exchange: &mut Exchange,
    request: &ChatRequest,
) -> Result<ChatResponse, AppError> {
    let mut reply = match assistant::is_asked(app, &request.model) {
        true => assistant::generate(app, exchange, request).await?,
        false => ask(app, exchange, request).await?,
    };
    reply.model.clone_from(&request.model);
    exchange.said(&Transcript::of(&reply));
    exchange.recheck()?;
    reply.freehold = Some(exchange.additions());
    Ok(reply)
}

/// What a model says by itself.
async fn ask(app: &App, exchange: &mut Exchange, request: &ChatRequest) -> Result<ChatResponse, AppError> {
    exchange.places_all_words();
    let route = admit(app, exchange, &request.model)?;
    let prompt = Prompt::compose(app, exchange, request, &route);
    prompt.reserve(app, exchange, &route).await?;
    Ok(exchange.ask(route.chat(&prompt.request, prompt.context)).await?)
}

/// The answer to a noted request as it is made.
pub(crate) async fn stream(
    app: &Arc<App>,
    mut exchange: Exchange,
    request: &ChatRequest,
) -> Result<ReplyStream<ChatChunk>, Unanswered> {
    if assistant::is_asked(app, &request.model) {
        return match assistant::open(app, &mut exchange, request).await {
            Ok(opened) => Ok(opened.into_stream(exchange, request)),
            Err(error) => Err(exchange.unanswered(error).await),
        };
    }
    exchange.places_all_words();
    let opened = async {
        let route = admit(app, &mut exchange, &request.model)?;
        let prompt = Prompt::compose(app, &mut exchange, request, &route);
        prompt.reserve(app, &mut exchange, &route).await?;
        let chunks = exchange.ask(route.chat_stream(&prompt.request, prompt.context)).await?;
        Ok(chunks.into_stream())
    };
    match opened.await {
        Ok(chunks) => Ok(ReplyStream::new(chunks, exchange, &request.model, request.wants_usage())),
        Err(error) => Err(exchange.unanswered(error).await),
    }
}

/// The input before templating.
fn input(request: &ChatRequest) -> Value {
    let mut input = json!({ "messages": request.messages });
    if let (Some(fields), Some(tools)) = (input.as_object_mut(), &request.tools) {
        fields.insert("tools".to_owned(), json!(tools));
    }
    if let (Some(fields), Some(format)) = (input.as_object_mut(), &request.response_format) {
        fields.insert("response_format".to_owned(), json!(format));
    }
    input
}
