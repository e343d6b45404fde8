//! The Responses API: a chat under another shape, which can be kept, fetched and continued.

mod convert;
mod events;

use std::sync::Arc;

use access::{Access, open};
use bytes::Bytes;
use domain::{Capture, ConversationId, ErrorKind, Provenance, ResponseId, Timestamp, TraceId};
use serde::{Deserialize, Serialize};
use store::{Kept, StoredResponse};
use wire::chat::{ChatChunk, ChatRequest, ChatResponse, ChunkChoice, Delta, MessageRole, ToolCallDelta};
use wire::freehold::Citation;
use wire::response::{Event, EventKind, Item, Response, ResponseRequest, TextFormat};

pub(crate) use convert::with_id;

use crate::answer::{Unanswered, generate, note, stream};
use crate::app::App;
use crate::assistant;
use crate::conversation;
use crate::error::AppError;
use crate::exchange::{Asker, Exchange};
use crate::need_to_know;
use crate::stream::{Piece, ReplyStream};
use events::EventWriter;

/// How far a chain of `previous_response_id` is followed.
const LONGEST_CHAIN: usize = 1000;

/// A response: whole, or on its way.
pub enum Responding {
    /// The whole response; its trace is durable.
    Whole(Box<Response>, Option<TraceId>),
    /// The response as it is made.
    Stream(Box<ResponseStream>, Option<TraceId>),
}

/// A response as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptResponse {
    /// The response as it went out.
    pub response: Response,
    /// The new items of its request.
    pub input: Vec<Item>,
}

/// What a request becomes before the model sees it.
struct Draft {
    request: ResponseRequest,
    chat: ChatRequest,
    input: Vec<Item>,
    /// What each item of the input was made from besides its author's words.
    behind: Vec<Provenance>,
    id: ResponseId,
    keeps: bool,
    conversation: Option<ConversationId>,
}

/// Answers through the Responses API: `body` is the request as the client sent it.
///
/// # Errors
/// [`Unanswered`], whatever stands in the way; it leaves a trace too.
pub async fn respond(app: &Arc<App>, asker: &Asker, body: &Bytes) -> Result<Responding, Unanswered> {
    let mut exchange = Exchange::begin(app, asker);
    let draft = match draft(app, &mut exchange, asker, body).await {
        Ok(draft) => draft,
        Err(error) => return Err(exchange.unanswered(error).await),
    };
    note(&mut exchange, asker, &draft.chat);
    let trace = exchange.trace_id();
    let opened = convert::opened(draft.id.to_string(), &draft.request, draft.keeps, app.now());
    let writer = EventWriter::new(app, opened);
    if draft.request.streams() {
        let chunks = stream(app, exchange, &draft.chat).await?;
        let (app, asker) = (app.clone(), asker.clone());
        let stream = ResponseStream { app, asker, draft, chunks, writer, ended: false };
        return Ok(Responding::Stream(Box::new(stream), trace));
    }
    match generate(app, &mut exchange, &draft.chat).await {
        Ok(reply) => {
            let response = whole(writer, reply, app.now());
            let kept = draft.kept(app, asker, &response, &exchange);
            exchange.keep(kept);
            exchange.answered().await.map(|()| Responding::Whole(Box::new(response), trace))
        }
        Err(error) => Err(exchange.unanswered(error).await),
    }
}

async fn draft(app: &App, exchange: &mut Exchange, asker: &Asker, body: &[u8]) -> Result<Draft, AppError> {
    let request: ResponseRequest = wire::strict::read(body)?;
    let keeps = keeps(exchange, &request)?;
    if request.store == Some(false) && request.conversation.is_none() {
        exchange.narrow_capture(Capture::Usage);
    }
    let conversation = request.conversation.as_ref().map(|conversation| conversation.0.parse()).transpose();
    let conversation: Option<ConversationId> = conversation.map_err(|_| AppError::not_found())?;
    let history = match (&request.previous_response_id, &conversation) {
        (Some(previous), _) => chain(app, asker, previous).await?,
        (None, Some(id)) => conversation::turns(app, asker, &id.to_string()).await?,
        (None, None) => Vec::new(),
    };
    let take = |(item, provenance): (Item, Provenance)| {
        exchange.made_from(&provenance);
        item
    };
    let mut history: Vec<Item> = history.into_iter().map(take).collect();
    if assistant::is_asked(app, &request.model) {
        refuse_for_assistant(&request)?;
        history.retain(is_said);
    }
    let now = app.now();
    let input = convert::new_items(&request, &app.ids, now);
    let texts = input.iter().map(|item| item.text().into_owned());
    let mut behind = exchange.takes_words(texts.chain(request.instructions.clone()).collect()).await?;
    behind.truncate(input.len());
    // What its owner could not read back is not kept.
    let keeps = keeps && exchange.may_read_words_back();
    let chat = convert::to_chat(&request, &history, &input);
    let id = ResponseId::from_uuid(app.ids.uuid(now));
    Ok(Draft { request, chat, input, behind, id, keeps, conversation })
}

/// What a client of this API cannot choose where the assistant answers, under the names that it has here.
fn refuse_for_assistant(request: &ResponseRequest) -> Result<(), AppError> {
    let format = request.text.as_ref().and_then(|text| text.format.as_ref());
    let is_shaped = format.is_some_and(|format| *format != TextFormat::Text);
    assistant::refuse(&[("instructions", request.instructions.is_some()), ("text.format", is_shaped)])
}

/// Whether somebody says this to the other: instructions and calls of before were for another model.
fn is_said(item: &Item) -> bool {
    matches!(item, Item::Message(message) if matches!(message.role, MessageRole::User | MessageRole::Assistant))
}

/// Whether the response is kept. Only full capture keeps words; who insists on keeping them otherwise is refused.
fn keeps(exchange: &Exchange, request: &ResponseRequest) -> Result<bool, AppError> {
    let may_keep = exchange.capture() == Capture::Full;
    if !may_keep && request.store == Some(true) {
        return Err(AppError::invalid(
            "store",
            "the capture mode of this request keeps no words, so the response cannot be stored: send `store: false`, or \
             use a key with capture `full`",
        ));
    }
    if !may_keep && request.conversation.is_some() {
        return Err(AppError::invalid(
            "conversation",
            "the capture mode of this request keeps no words, so a conversation cannot go on: use a key with capture \
             `full`",
        ));
    }
    Ok(may_keep && request.stores())
}

/// The items of a response and of all it continues, oldest first, each with what it was made from.
async fn chain(app: &App, asker: &Asker, last: &str) -> Result<Vec<(Item, Provenance)>, AppError> {
    let mut turns = Vec::new();
    let mut next = Some(last.to_owned());
    while let Some(id) = next.take() {
        if turns.len() == LONGEST_CHAIN {
            return Err(AppError::invalid("previous_response_id", "the chain of responses is longer than 1,000"));
        }
        let (kept, provenance) =
            with_provenance(app, asker, &id).await.map_err(|error| previous_not_found(error, &id))?;
        next = kept.response.previous_response_id.clone();
        turns.push((kept, provenance));
    }
    let items = |(kept, provenance): (KeptResponse, Provenance)| {
        kept.input.into_iter().chain(kept.response.output).map(move |item| (item, provenance.clone()))
    };
    Ok(turns.into_iter().rev().flat_map(items).collect())
}

fn previous_not_found(error: AppError, id: &str) -> AppError {
    match error.kind() {
        domain::ErrorKind::NotFound => AppError::Invalid {
            param: Some("previous_response_id".to_owned()),
            message: format!("there is no response '{id}': it was not stored, or was deleted"),
            code: "previous_response_not_found",
        },
        _ => error,
    }
}

/// A kept response that the asker may see.
///
/// # Errors
/// Not found, also where it is somebody else's.
pub async fn kept(app: &App, asker: &Asker, id: &str) -> Result<KeptResponse, AppError> {
    with_provenance(app, asker, id).await.map(|(kept, _)| kept)
}

async fn with_provenance(app: &App, asker: &Asker, id: &str) -> Result<(KeptResponse, Provenance), AppError> {
    let id: ResponseId = id.parse().map_err(|_| AppError::not_found())?;
    let access = asker.access(app);
    let sealed = app.store.response(id).await?.ok_or_else(AppError::not_found)?;
    let stored = open(&access, sealed)?.into_inner();
    let kept: KeptResponse = serde_json::from_value(stored.body).map_err(|_| AppError::not_found())?;
    Ok((left_of(app, &access, kept, &stored.provenance), stored.provenance))
}

/// What is left of what was asked, said and quoted, by the rules of need to know of today.
fn left_of(app: &App, access: &Access, mut kept: KeptResponse, from: &Provenance) -> KeptResponse {
    for items in [&mut kept.response.output, &mut kept.input] {
        let narrowed = |item| need_to_know::left_of_item(app, access, (item, from));
        *items = std::mem::take(items).into_iter().filter_map(narrowed).collect();
    }
    if let Some(additions) = &mut kept.response.freehold {
        additions.citations.retain(|Citation { quote, title, external_id, url, .. }| {
            let words = [Some(quote), title.as_ref(), external_id.as_ref(), url.as_ref()];
            let is_whole = |words: &String| need_to_know::left_of(app, access, words.clone()).as_ref() == Some(words);
            words.into_iter().flatten().all(is_whole)
        });
    }
    kept
}

/// Deletes a kept response.
///
/// # Errors
/// Not found, also where it is somebody else's.
pub async fn delete(app: &App, asker: &Asker, id: &str) -> Result<ResponseId, AppError> {
    let id: ResponseId = id.parse().map_err(|_| AppError::not_found())?;
    let access = asker.access(app);
    if app.store.delete_response(&access, id).await? { Ok(id) } else { Err(AppError::not_found()) }
}

impl Draft {
    /// What is kept with the exchange once the response is whole: what was asked is the asker's own words, what was said
    /// is made from everything in context.
    fn kept(&self, app: &App, asker: &Asker, response: &Response, exchange: &Exchange) -> Kept {
        let provenance = exchange.provenance();
        let asked = self.input.iter().zip(&self.behind);
        let asked = asked.map(|(item, behind)| (item, conversation::words(asker, behind)));
        let said = response.output.iter().map(|item| (item, provenance.clone()));
        let items = asked.chain(said).map(|(item, from)| conversation::stored(app, item.clone(), from));
        let turn = self.conversation.map(|id| (id, items.collect()));
        let stored = || self.stored(app, asker, response, exchange.recorded_provenance());
        Kept { response: self.keeps.then(stored), turn }
    }

    fn stored(&self, app: &App, asker: &Asker, response: &Response, provenance: Provenance) -> StoredResponse {
        let (owner, now) = (asker.caller.principal(), app.now());
        let kept = KeptResponse { response: response.clone(), input: self.input.clone() };
        StoredResponse {
            id: self.id,
            owner,
            previous: response.previous_response_id.as_deref().and_then(|id| id.parse().ok()),
            trace: response.freehold.as_ref().and_then(|freehold| freehold.trace),
            provenance,
            body: serde_json::to_value(kept).unwrap_or_default(),
            created_at: now,
            expires_at: Some(now.plus_seconds(86_400 * i64::from(app.settings.get().retention_days.default))),
        }
    }
}

/// A whole reply takes the way of a stream in one step, so that both give the same items.
fn whole(mut writer: EventWriter, reply: ChatResponse, now: Timestamp) -> Response {
    let transcript = crate::transcript::Transcript::of(&reply);
    writer.chunk(&one_chunk(&reply));
    writer.response.freehold = reply.freehold;
    if let Some(answer) = transcript.answers().first() {
        convert::end(&mut writer.response, answer, transcript.usage(), now);
    }
    writer.response
}

fn one_chunk(reply: &ChatResponse) -> ChatChunk {
    let choices = reply.choices.iter().map(|choice| {
        let call = |(index, call): (usize, &wire::chat::ToolCall)| {
            let mut delta = ToolCallDelta::opening(index as u32, call.id.as_str(), call.function.name.as_str());
            if let Some(function) = &mut delta.function {
                function.arguments = Some(call.function.arguments.clone());
            }
            delta
        };
        let delta = Delta {
            role: None,
            content: choice.message.content.clone(),
            refusal: choice.message.refusal.clone(),
            tool_calls: choice.message.tool_calls.iter().enumerate().map(call).collect(),
        };
        let (index, logprobs) = (choice.index, choice.logprobs.clone());
        ChunkChoice { index, delta, logprobs, finish_reason: Some(choice.finish_reason) }
    });
    ChatChunk { choices: choices.collect(), ..ChatChunk::default() }
}

/// The events of a response as it is made.
pub struct ResponseStream {
    app: Arc<App>,
    asker: Asker,
    draft: Draft,
    chunks: ReplyStream<ChatChunk>,
    writer: EventWriter,
    ended: bool,
}

impl ResponseStream {
    /// The next event; `None` at the end. An error is an event too, and the last one.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.writer.pop() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            match self.chunks.advance().await {
                Some(Piece::More(chunk)) => self.take(chunk),
                Some(Piece::Last(chunk, exchange)) => self.finish(chunk, *exchange).await,
                Some(Piece::Failed(error)) => self.fail(&error),
                None => self.ended = true,
            }
        }
    }

    fn take(&mut self, chunk: ChatChunk) {
        self.writer.chunk(&chunk);
        if let Some(wire::freehold::ChunkAdditions::Closing(additions)) = chunk.freehold {
            self.writer.response.freehold = Some(additions);
        }
    }

    async fn finish(&mut self, last: ChatChunk, mut exchange: Exchange) {
        self.ended = true;
        self.take(last);
        let transcript = self.chunks.transcript();
        if let Some(answer) = transcript.answers().first() {
            convert::end(&mut self.writer.response, answer, transcript.usage(), self.app.now());
        }
        let kept = self.draft.kept(&self.app, &self.asker, &self.writer.response, &exchange);
        exchange.keep(kept);
        match exchange.answered().await {
            Ok(()) => self.writer.end(),
            Err(unanswered) => self.fail(&unanswered.error),
        }
    }

    fn fail(&mut self, error: &AppError) {
        self.ended = true;
        let message = match error.kind() {
            ErrorKind::Internal => {
                tracing::error!(%error, "a stream failed");
                "something went wrong on the server: try again".to_owned()
            }
            _ => error.to_string(),
        };
        let (code, param) = (Some(error.code().to_owned()), error.param().map(ToOwned::to_owned));
        self.writer.emit(EventKind::Error { code, message, param });
    }
}
