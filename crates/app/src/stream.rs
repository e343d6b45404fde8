//! An answer as it is made. The last chunk waits until the trace is durable: what leaves whole was recorded.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use models::{AnsweredBy, ModelsError};
use tokio::sync::oneshot;
use wire::chat::{ChatChunk, Usage};
use wire::completion::CompletionResponse;
use wire::freehold::{Additions, ChunkAdditions};

use crate::error::AppError;
use crate::exchange::Exchange;
use crate::transcript::Transcript;

/// A piece of a streamed answer: a chat chunk or a piece of a text completion.
pub trait Chunk: Default + Send + 'static {
    /// Adds what is new to the transcript.
    fn add_to(&self, transcript: &mut Transcript);
    /// Names the model as the client did.
    fn set_model(&mut self, model: &str);
    /// The usage, on the chunk that carries it.
    fn usage_mut(&mut self) -> &mut Option<Usage>;
    /// Whether there is nothing of an answer in it.
    fn has_no_choices(&self) -> bool;
    /// Whether it only opens the answer: quotes, and no words yet.
    fn opens(&self) -> bool {
        false
    }
    /// Whether an answer ends with it.
    fn ends_an_answer(&self) -> bool;
    /// Puts Freehold's additions on it.
    fn close(&mut self, additions: Additions);
}

impl Chunk for ChatChunk {
    fn add_to(&self, transcript: &mut Transcript) {
        transcript.add(self);
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn usage_mut(&mut self) -> &mut Option<Usage> {
        &mut self.usage
    }

    fn has_no_choices(&self) -> bool {
        self.choices.is_empty()
    }

    fn ends_an_answer(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }

    fn opens(&self) -> bool {
        matches!(self.freehold, Some(ChunkAdditions::Opening { .. }))
    }

    fn close(&mut self, additions: Additions) {
        self.freehold = Some(ChunkAdditions::Closing(additions));
    }
}

impl Chunk for CompletionResponse {
    fn add_to(&self, transcript: &mut Transcript) {
        transcript.add_text(self);
    }

    fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    fn usage_mut(&mut self) -> &mut Option<Usage> {
        &mut self.usage
    }

    fn has_no_choices(&self) -> bool {
        self.choices.is_empty()
    }

    fn ends_an_answer(&self) -> bool {
        self.choices.iter().any(|choice| choice.finish_reason.is_some())
    }

    fn close(&mut self, additions: Additions) {
        self.freehold = Some(ChunkAdditions::Closing(additions));
    }
}

/// What comes next of an answer.
pub(crate) enum Piece<C> {
    /// More of it.
    More(C),
    /// The last of it, which must not go out before its exchange is recorded.
    Last(C, Box<Exchange>),
    /// It ends here with an error.
    Failed(AppError),
}

/// The chunks of an answer, until the end or one error. Dropped before that, it leaves a failed trace.
pub struct ReplyStream<C: Chunk> {
    chunks: BoxStream<'static, Result<C, ModelsError>>,
    exchange: Option<Exchange>,
    transcript: Transcript,
    /// The last chunk so far, where it may be the last of all.
    held: Option<C>,
    /// Who answers, where that is not known before the first chunk.
    answered_by: Option<oneshot::Receiver<AnsweredBy>>,
    model: String,
    shows_usage: bool,
}

impl<C: Chunk> ReplyStream<C> {
    pub(crate) fn new(
        chunks: impl Stream<Item = Result<C, ModelsError>> + Send + 'static,
        exchange: Exchange,
        model: &str,
        shows_usage: bool,
    ) -> Self {
        Self {
            chunks: chunks.boxed(),
            exchange: Some(exchange),
            transcript: Transcript::default(),
            held: None,
            answered_by: None,
            model: model.to_owned(),
            shows_usage,
        }
    }

    /// The same where it is told later who answers.
    pub(crate) fn answered_later(mut self, answered_by: oneshot::Receiver<AnsweredBy>) -> Self {
        self.answered_by = Some(answered_by);
        self
    }

    /// The next chunk; `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<C, AppError>> {
        Some(match self.advance().await? {
            Piece::More(chunk) => Ok(chunk),
            Piece::Last(chunk, exchange) => match exchange.answered().await {
                Ok(()) => Ok(chunk),
                Err(unanswered) => Err(unanswered.error),
            },
            Piece::Failed(error) => Err(error),
        })
    }

    /// The same for whoever has something to keep with the exchange before the last chunk goes out.
    pub(crate) async fn advance(&mut self) -> Option<Piece<C>> {
        while self.exchange.is_some() {
            let next = self.chunks.next().await;
            self.note_who_answers();
            match next {
                Some(Ok(chunk)) => {
                    if let Some(Err(changed)) = self.exchange.as_mut().map(Exchange::recheck) {
                        return Some(Piece::Failed(self.fail(changed).await));
                    }
                    if let Some(ready) = self.take(chunk) {
                        return Some(Piece::More(ready));
                    }
                }
                Some(Err(error)) => {
                    if let (Some(exchange), true) = (&mut self.exchange, self.answered_by.is_some()) {
                        exchange.set_asked(false);
                    }
                    return Some(Piece::Failed(self.fail(error.into()).await));
                }
                None => return self.finish().await,
            }
        }
        None
    }

    fn note_who_answers(&mut self) {
        let known = self.answered_by.as_mut().and_then(|answered_by| answered_by.try_recv().ok());
        if let (Some(by), Some(exchange)) = (known, &mut self.exchange) {
            self.answered_by = None;
            exchange.answered_by(&by);
        }
    }

    /// What was said so far.
    #[must_use]
    pub const fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Notes a chunk and gives back what may go out now. A chunk that ends an answer or carries usage may be the last
    /// of all: it waits for the one behind it.
    fn take(&mut self, mut chunk: C) -> Option<C> {
        if let Some(exchange) = self.exchange.as_mut().filter(|_| !chunk.opens()) {
            exchange.first_token();
        }
        chunk.add_to(&mut self.transcript);
        chunk.set_model(&self.model);
        if !self.shows_usage {
            *chunk.usage_mut() = None;
            if chunk.has_no_choices() {
                return None;
            }
        }
        let may_be_last = chunk.usage_mut().is_some() || chunk.ends_an_answer();
        match (self.held.take(), may_be_last) {
            (None, false) => Some(chunk),
            (held, _) => {
                self.held = Some(chunk);
                held
            }
        }
    }

    async fn finish(&mut self) -> Option<Piece<C>> {
        let mut exchange = self.exchange.take()?;
        exchange.said(&self.transcript);
        if let Err(changed) = exchange.recheck() {
            return Some(Piece::Failed(exchange.unanswered(changed).await.error));
        }
        let mut last = self.held.take().unwrap_or_default();
        last.close(exchange.additions());
        Some(Piece::Last(last, Box::new(exchange)))
    }

    async fn fail(&mut self, error: AppError) -> AppError {
        match self.exchange.take() {
            Some(mut exchange) => {
                exchange.said(&self.transcript);
                exchange.unanswered(error).await.error
            }
            None => error,
        }
    }
}

impl<C: Chunk> Drop for ReplyStream<C> {
    /// The client left: what was said until then is part of the failed trace.
    fn drop(&mut self) {
        if let Some(exchange) = &mut self.exchange {
            exchange.said(&self.transcript);
        }
    }
}
