//! The built-in task `assistant`: an answer from what the asker may read, with its quotes.
//!
//! - The quotes are fixed, checked and shown before a model is asked; the answer rests on them and on nothing else.
//! - What stands in a quote is material and no instruction: who asks, what is searched and what leaves is decided before.
//! - Where nothing was found, or the model says so, the answer is the same sentence for everybody.

mod marks;
mod prompt;
mod question;
mod quotes;
mod released;
mod sentences;

use std::ops::Range;
use std::sync::Arc;

use domain::Provenance;
use futures::{StreamExt as _, stream};
use models::{AnsweredBy, ModelsError, Route};
use tokio::sync::oneshot;
use wire::chat::{
    AssistantMessage, ChatChunk, ChatRequest, ChatResponse, Choice, ChunkChoice, Delta, FinishReason, MessageRole,
};
use wire::freehold::ChunkAdditions;
use wire::model::{ModelAdditions, ModelEntry, ModelKind};

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Exchange;
use crate::limiter::WorstCase;
use crate::need_to_know;
use crate::prompt::Prompt;
use crate::search;
use crate::stream::ReplyStream;
use question::Question;
pub(crate) use question::refuse;
use quotes::{Quote, Room};
use released::Released;

/// Its name, where clients name a model.
pub const NAME: &str = "assistant";
/// The version of its instructions: grows when they change.
const VERSION: u32 = 1;

/// Whether a client asks the assistant, by its name or an alias.
pub(crate) fn is_asked(app: &App, name: &str) -> bool {
    name == NAME || app.settings.get().aliases.get(name).is_some_and(|named| named == NAME)
}

/// Whether this is what is said where nothing was found.
pub(crate) fn is_nothing_found(words: &str) -> bool {
    sentences::is_nothing_found(words)
}

/// As it stands among the models, where one of them could answer for it.
pub(crate) fn entry(app: &App) -> Option<ModelEntry> {
    let name = chat_models(app).next()?.model().to_owned();
    let model = app.models.list().into_iter().find(|model| model.id == name)?;
    let freehold = ModelAdditions { kind: ModelKind::Task, ..model.freehold? };
    Some(ModelEntry { id: NAME.to_owned(), owned_by: "freehold".to_owned(), freehold: Some(freehold), ..model })
}

/// The chat models that may answer for it: the configured one first.
fn chat_models(app: &App) -> impl Iterator<Item = Route> {
    let is_chat = |entry: &ModelEntry| entry.freehold.as_ref().is_some_and(|of| of.kind == ModelKind::Chat);
    let others = app.models.list().into_iter().filter(is_chat).map(|entry| entry.id);
    let named = app.chat_model.iter().cloned().chain(others);
    named.filter_map(|name| app.models.resolve(&name).ok())
}

/// What an answer is made from, all of it checked for the asker.
struct Grounds {
    route: Route,
    prompt: Option<Prompt>,
    quotes: Vec<Quote>,
    /// What is said where nothing was found, in the asker's language.
    nothing: &'static str,
}

impl Grounds {
    fn released(&self) -> Released {
        Released::new(self.quotes.iter().map(|quote| quote.text.clone()).collect(), self.nothing)
    }
}

/// Access -> Passages -> narrow -> Prompt.
async fn ground(app: &App, exchange: &mut Exchange, request: &ChatRequest) -> Result<Grounds, AppError> {
    let route = admit(app, exchange, &request.model)?;
    let (question, room) = (Question::read(request)?, Room::of(&route));
    if exchange.is_limited() {
        // It counts whether or not anything is found; what the model takes is reserved once that is known.
        exchange.reserve(app, WorstCase::default()).await?;
    }
    prompt::refuse_what_does_not_fit(request, &question, (&route, room)).await?;
    let question = what_is_left(app, exchange, question).await?;
    let passages = search::passages(app, &exchange.asker(), question.searches(), room.passages()).await?;
    let quotes = quotes::choose(passages, &question.text, room);
    exchange.rests_on(&quotes.iter().map(Quote::citation).collect::<Vec<_>>(), &provenance(&quotes));
    exchange.set_passages(|| quotes.iter().map(Quote::record).collect());
    let shown = quotes.iter().map(|quote| (quote.provenance(), quote.text.clone())).collect();
    app.shown.remember(app, exchange.access().principal(), shown).await?;
    exchange.mark("quotes");
    let nothing = sentences::nothing_found(&question.text);
    if quotes.is_empty() {
        return Ok(Grounds { route, prompt: None, quotes, nothing });
    }
    let composed = prompt::compose(request, &question, &quotes);
    let mut prompt = Prompt::compose(app, exchange, &composed, &route);
    prompt.share_first(prompt::PUBLIC, NAME);
    prompt.reserve(app, exchange, &route).await?;
    Ok(Grounds { route, prompt: Some(prompt), quotes, nothing })
}

/// What was said before is taken up again as far as it may be today: an answer made from what the asker may no longer read,
/// or that need to know takes away, is not, although the client sends it. What is left, and the question, are in context.
async fn what_is_left(app: &App, exchange: &mut Exchange, question: Question) -> Result<Question, AppError> {
    let Question { text, turns } = question;
    let words = turns.iter().map(|(_, words)| words.clone()).chain([text.clone()]).collect();
    let mut behind = exchange.takes_words(words).await?;
    exchange.places(&behind.pop().unwrap_or_default());
    let mut left = Vec::new();
    for ((role, words), behind) in turns.into_iter().zip(behind) {
        let access = exchange.access();
        let words = match role {
            _ if !access.reading_all(&behind).allowed => None,
            MessageRole::Assistant => need_to_know::left_of(app, access, words),
            _ => Some(words),
        };
        let Some(words) = words else { continue };
        exchange.places(&behind);
        left.push((role, words));
    }
    Ok(Question { text, turns: left })
}

/// The model that answers. The assistant may be used by whoever may use base models.
fn admit(app: &App, exchange: &mut Exchange, name: &str) -> Result<Route, AppError> {
    if !exchange.may_use(Some(NAME)) {
        return Err(ModelsError::UnknownModel { name: name.to_owned() }.into());
    }
    let route = chat_models(app).next().ok_or_else(|| {
        let message = "there is no chat model that the assistant could use: add one, or wait until it is loaded";
        AppError::Unavailable { message: message.to_owned(), code: "assistant_has_no_model" }
    })?;
    exchange.routed_to(&route);
    exchange.called(NAME, VERSION);
    Ok(route)
}

fn provenance(quotes: &[Quote]) -> Provenance {
    let mut provenance = Provenance::default();
    for quote in quotes {
        provenance.extend(&quote.provenance());
    }
    provenance
}

/// The whole answer, before its trace is durable.
pub(crate) async fn generate(
    app: &App,
    exchange: &mut Exchange,
    request: &ChatRequest,
) -> Result<ChatResponse, AppError> {
    let grounds = ground(app, exchange, request).await?;
    let Some(prompt) = &grounds.prompt else { return Ok(whole(app, exchange, request, grounds.nothing)) };
    exchange.recheck()?;
    let mut reply = exchange.ask(grounds.route.chat(&prompt.request, prompt.context.clone())).await?;
    let access = exchange.asker().access(app);
    for choice in &mut reply.choices {
        let words = grounds.released().all_of(&choice.message.content.take().unwrap_or_default());
        let content = need_to_know::left_of(app, &access, words).unwrap_or_else(|| grounds.nothing.to_owned());
        choice.message = AssistantMessage { content: Some(content), ..AssistantMessage::default() };
        (choice.logprobs, choice.finish_reason) = (None, ended(choice.finish_reason));
    }
    Ok(reply)
}

/// It calls no functions, whatever a model says.
const fn ended(reason: FinishReason) -> FinishReason {
    match reason {
        FinishReason::ToolCalls => FinishReason::Stop,
        other => other,
    }
}

/// The answer as it is made: the quotes at once, then what the model says of them.
pub(crate) async fn open(app: &Arc<App>, exchange: &mut Exchange, request: &ChatRequest) -> Result<Opened, AppError> {
    let grounds = ground(app, exchange, request).await?;
    exchange.recheck()?;
    // Who leaves after the quotes has had the model asked all the same.
    exchange.set_asked(grounds.prompt.is_some());
    let head = Head { id: exchange.reply_id(), created: app.now().seconds() };
    let citations = grounds.quotes.iter().map(Quote::citation).collect();
    let answers = 0..request.n.unwrap_or(1);
    let mut opening = head.opening(answers.clone());
    opening.freehold = Some(ChunkAdditions::Opening { citations });
    let (tell, answered_by) = oneshot::channel();
    let rest = match &grounds.prompt {
        None => {
            let said = answers.flat_map(move |index| head.said(index, grounds.nothing.to_owned(), FinishReason::Stop));
            stream::iter(said.map(Ok)).boxed()
        }
        Some(_) if need_to_know::applies(app) => at_once(app.clone(), exchange, grounds, head, tell),
        Some(_) => as_it_comes(grounds, head, tell),
    };
    Ok(Opened { chunks: stream::iter([Ok(opening)]).chain(rest).boxed(), answered_by })
}

/// An answer that has begun: chunks, and who gives them once that is known.
pub(crate) struct Opened {
    chunks: Chunks,
    answered_by: oneshot::Receiver<AnsweredBy>,
}

type Chunks = stream::BoxStream<'static, Result<ChatChunk, ModelsError>>;

impl Opened {
    pub(crate) fn into_stream(self, exchange: Exchange, request: &ChatRequest) -> ReplyStream<ChatChunk> {
        ReplyStream::new(self.chunks, exchange, &request.model, request.wants_usage()).answered_later(self.answered_by)
    }
}

fn as_it_comes(grounds: Grounds, head: Head, tell: oneshot::Sender<AnsweredBy>) -> Chunks {
    let asked = async move {
        let Some(prompt) = &grounds.prompt else { return stream::empty().boxed() };
        match grounds.route.chat_stream(&prompt.request, prompt.context.clone()).await {
            Err(error) => stream::iter([Err(error)]).boxed(),
            Ok(answered) => {
                let _ = tell.send(answered.by);
                let mut answers = Answers { grounds, head, released: Vec::new() };
                let chunks = answered.value.into_stream();
                chunks.flat_map(move |chunk| stream::iter(answers.take(chunk))).boxed()
            }
        }
    };
    stream::once(asked).flatten().boxed()
}

/// Where rules of need to know are in force, nothing leaves before all of it was looked at.
fn at_once(
    app: Arc<App>,
    exchange: &Exchange,
    grounds: Grounds,
    head: Head,
    tell: oneshot::Sender<AnsweredBy>,
) -> Chunks {
    let asker = exchange.asker();
    let asked = async move {
        let Some(prompt) = &grounds.prompt else { return Vec::new() };
        let request = ChatRequest { stream: None, stream_options: None, ..prompt.request.clone() };
        match grounds.route.chat(&request, prompt.context.clone()).await {
            Err(error) => vec![Err(error)],
            Ok(answered) => {
                let _ = tell.send(answered.by);
                let access = asker.access(&app);
                let ends = |choice: Choice| {
                    let words = grounds.released().all_of(&choice.message.content.unwrap_or_default());
                    let left = need_to_know::left_of(&app, &access, words);
                    let words = left.unwrap_or_else(|| grounds.nothing.to_owned());
                    head.said(choice.index, words, ended(choice.finish_reason)).map(Ok)
                };
                let chunks: Vec<_> = answered.value.choices.into_iter().flat_map(ends).collect();
                let usage = answered.value.usage.map(|usage| Ok(ChatChunk { usage: Some(usage), ..head.empty() }));
                chunks.into_iter().chain(usage).collect()
            }
        }
    };
    stream::once(asked).flat_map(stream::iter).boxed()
}

/// What the chunks of one answer have in common.
#[derive(Debug, Clone)]
struct Head {
    id: String,
    created: i64,
}

impl Head {
    fn empty(&self) -> ChatChunk {
        ChatChunk { id: self.id.clone(), created: self.created, ..ChatChunk::default() }
    }

    /// Every answer begins: no words yet.
    fn opening(&self, answers: Range<u32>) -> ChatChunk {
        let begins = |index| {
            let delta = Delta { role: Some(Default::default()), content: Some(String::new()), ..Delta::default() };
            ChunkChoice { index, delta, ..ChunkChoice::default() }
        };
        ChatChunk { choices: answers.map(begins).collect(), ..self.empty() }
    }

    /// More of one answer, or its end.
    fn chunk(&self, index: u32, content: Option<String>, finish_reason: Option<FinishReason>) -> ChatChunk {
        let delta = Delta { content, ..Delta::default() };
        let choice = ChunkChoice { index, delta, finish_reason, ..ChunkChoice::default() };
        ChatChunk { choices: vec![choice], ..self.empty() }
    }

    /// An answer that is known at once.
    fn said(&self, index: u32, words: String, end: FinishReason) -> [ChatChunk; 2] {
        [self.chunk(index, Some(words), None), self.chunk(index, None, Some(end))]
    }
}

/// The answers of one request as they come, by their index.
struct Answers {
    grounds: Grounds,
    head: Head,
    released: Vec<Released>,
}

impl Answers {
    fn take(&mut self, chunk: Result<ChatChunk, ModelsError>) -> Vec<Result<ChatChunk, ModelsError>> {
        let mut chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return vec![Err(error)],
        };
        (chunk.id, chunk.created) = (self.head.id.clone(), self.head.created);
        let mut before = Vec::new();
        for choice in &mut chunk.choices {
            let words = choice.delta.content.take().unwrap_or_default();
            let released = self.of(choice.index);
            let mut words = released.push(&words);
            if choice.finish_reason.is_some() {
                words.push_str(&released.finish());
            }
            (choice.delta, choice.logprobs) = (Delta::default(), None);
            choice.finish_reason = choice.finish_reason.map(ended);
            match (words.is_empty(), choice.finish_reason) {
                (true, _) => {}
                (false, None) => choice.delta.content = Some(words),
                (false, Some(_)) => before.push(Ok(self.head.chunk(choice.index, Some(words), None))),
            }
        }
        let says = |choice: &ChunkChoice| choice.delta.content.is_some() || choice.finish_reason.is_some();
        chunk.choices.retain(says);
        if !chunk.choices.is_empty() || chunk.usage.is_some() {
            before.push(Ok(chunk));
        }
        before
    }

    fn of(&mut self, index: u32) -> &mut Released {
        // A stray index of an upstream lands on the last of those that may be asked for.
        let index = (index as usize).min(MOST_ANSWERS - 1);
        while self.released.len() <= index {
            self.released.push(self.grounds.released());
        }
        &mut self.released[index]
    }
}

/// As many answers as a request may ask for.
const MOST_ANSWERS: usize = 8;

/// The answer where no model was asked.
fn whole(app: &App, exchange: &Exchange, request: &ChatRequest, words: &str) -> ChatResponse {
    let choice = |index| {
        let message = AssistantMessage { content: Some(words.to_owned()), ..AssistantMessage::default() };
        Choice { index, message, logprobs: None, finish_reason: FinishReason::Stop }
    };
    ChatResponse {
        id: exchange.reply_id(),
        object: Default::default(),
        created: app.now().seconds(),
        model: NAME.to_owned(),
        choices: (0..request.n.unwrap_or(1)).map(choice).collect(),
        usage: Some(wire::chat::Usage::default()),
        service_tier: None,
        system_fingerprint: None,
        freehold: None,
    }
}
