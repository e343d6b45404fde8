//! [`Chunks`]: an answer as it is made. Dropped, it closes the connection, and the upstream stops its work.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt as _, Stream};
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;
use tokio::time::{Instant, timeout, timeout_at};
use wire::chat::ChatChunk;
use wire::completion::CompletionResponse;
use wire::sse::{DONE, Decoder, SseEvent};

use super::Held;
use super::attempt::{Deadline, Opened};
use crate::dialect::failure::{Failure, Words, failure};
use crate::dialect::reply::{Flaw, Piece, piece};
use crate::dialect::tools::Calls;
use crate::error::{ModelsError, Phase};

/// The largest event of a stream, bytes.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// How long the end of the body behind `[DONE]` may take, for the connection to be used again.
const LAST_BYTES: Duration = Duration::from_secs(1);

/// A chat completion as it is made.
pub type ChatChunks = Chunks<ChatChunk>;

/// A completion as it is made.
pub type CompletionChunks = Chunks<CompletionResponse>;

/// An answer as it is made: pieces until the end, or one error and then the end.
#[derive(Debug)]
pub struct Chunks<P> {
    held: Held,
    /// None once it has been read to its end.
    response: Option<Response>,
    decoder: Decoder,
    model: String,
    /// How many answers must end.
    answers: u32,
    ended: BTreeSet<u32>,
    calls: BTreeMap<u32, Calls>,
    total: Option<Deadline>,
    /// Since when something is waited for: a client that reads slowly is not the server's silence, and a `next` that
    /// was dropped half-way does not begin the wait anew.
    waits_since: Option<Instant>,
    received: usize,
    first: Option<P>,
    over: bool,
}

enum Taken<P> {
    Piece(P),
    Nothing,
    Done,
}

#[allow(private_bounds)]
impl<P: Piece> Chunks<P> {
    /// Waits for the first piece.
    pub(super) async fn begin(opened: Opened, model: String, answers: u32) -> Result<Self, ModelsError> {
        let Opened { response, held, total, sent_at, .. } = opened;
        let mut chunks = Self {
            held,
            response: Some(response),
            decoder: Decoder::new(MAX_EVENT_BYTES),
            model,
            answers,
            ended: BTreeSet::new(),
            calls: BTreeMap::new(),
            total,
            waits_since: Some(sent_at),
            received: 0,
            first: None,
            over: false,
        };
        if chunks.is_no_stream() {
            let failure = chunks.whole_instead().await;
            return Err(chunks.close_failed(failure));
        }
        match chunks.next().await {
            Some(Ok(piece)) => {
                chunks.held.succeed();
                chunks.first = Some(piece);
                Ok(chunks)
            }
            Some(Err(error)) => Err(error),
            None => Err(chunks.held.upstream().speaker().interrupted()),
        }
    }

    /// The next piece; `None` at the end. After an error there is nothing more. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<P, ModelsError>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        if self.over {
            return None;
        }
        match self.read().await {
            Ok(Some(piece)) => Some(Ok(piece)),
            Ok(None) => {
                self.over = true;
                self.held.close();
                None
            }
            Err(failure) => Some(Err(self.close_failed(failure))),
        }
    }

    /// The same as a stream.
    pub fn into_stream(self) -> impl Stream<Item = Result<P, ModelsError>> + Send {
        futures::stream::unfold(self, |mut chunks| async {
            let item = chunks.next().await?;
            Some((item, chunks))
        })
    }

    async fn read(&mut self) -> Result<Option<P>, Failure> {
        loop {
            while let Some(event) = self.decoder.next_event().map_err(|error| self.unreadable(&error))? {
                match self.take(event)? {
                    Taken::Piece(piece) => return Ok(Some(piece)),
                    Taken::Nothing => {}
                    Taken::Done => return self.finish(),
                }
            }
            if !self.more().await? {
                return self.finish_without_done();
            }
        }
    }

    /// Takes in more bytes; false at the end of the body.
    async fn more(&mut self) -> Result<bool, Failure> {
        let Some(bytes) = self.arriving().await? else { return Ok(false) };
        let limit = self.held.upstream().config.max_reply_bytes;
        if self.received > limit {
            return Err(Failure::blamed(self.held.upstream().too_large(limit)));
        }
        self.decoder.push(&bytes);
        Ok(true)
    }

    async fn arriving(&mut self) -> Result<Option<Bytes>, Failure> {
        let deadline = self.deadline();
        let upstream = self.held.upstream();
        let Some(response) = &mut self.response else { return Ok(None) };
        let arrived = match timeout_at(deadline.at, response.chunk()).await {
            Err(_) => return Err(Failure::blamed(upstream.timed_out(deadline))),
            Ok(Err(_)) => return Err(Failure::blamed(upstream.speaker().interrupted())),
            Ok(Ok(arrived)) => arrived,
        };
        self.waits_since = None;
        let length = arrived.as_ref().map_or(0, Bytes::len);
        self.received += length;
        upstream.counters.received(length);
        Ok(arrived)
    }

    fn deadline(&mut self) -> Deadline {
        let since = *self.waits_since.get_or_insert_with(Instant::now);
        let timeouts = &self.held.upstream().config.timeouts;
        let (limit_ms, phase) = match self.received {
            0 => (timeouts.first_byte_ms, Phase::FirstByte),
            _ => (timeouts.idle_ms, Phase::Idle),
        };
        Deadline::after(since, limit_ms, phase).or(self.total)
    }

    fn take(&mut self, event: SseEvent) -> Result<Taken<P>, Failure> {
        if event.data == DONE {
            return Ok(Taken::Done);
        }
        if event.name.as_deref() == Some("error") {
            return Err(self.said(event.data.as_bytes()));
        }
        let read = piece::<P>(event.data.as_bytes()).map_err(|flaw| self.held.upstream().failure_of(flaw))?;
        let Some(mut piece) = read else { return Ok(Taken::Nothing) };
        piece.put_right(&self.model, &mut self.calls);
        self.ended.extend(piece.endings().map(|(index, _)| index));
        // Thoughts of a reasoning model are no part of the answer.
        Ok(if piece.says_something() { Taken::Piece(piece) } else { Taken::Nothing })
    }

    /// After `[DONE]`: the end of an answer only if every answer has ended.
    fn finish(&mut self) -> Result<Option<P>, Failure> {
        self.check_ended()?;
        let Some(mut response) = self.response.take() else { return Ok(None) };
        // What is left is the end of the chunked body. Read, it frees the connection for the next request; mostly it is
        // here already, and nobody waits for one that is not.
        if response.chunk().now_or_never().is_none() {
            tokio::spawn(timeout(LAST_BYTES, async move { response.chunk().await }));
        }
        Ok(None)
    }

    /// Some servers close without `[DONE]`: fine where every answer has ended.
    fn finish_without_done(&mut self) -> Result<Option<P>, Failure> {
        let decoder = std::mem::replace(&mut self.decoder, Decoder::new(MAX_EVENT_BYTES));
        let last = decoder.finish().map_err(|_| self.broken_off())?;
        match last.map(|event| self.take(event)).transpose()? {
            Some(Taken::Piece(piece)) => Ok(Some(piece)),
            _ => self.check_ended().map(|()| None),
        }
    }

    fn check_ended(&self) -> Result<(), Failure> {
        if self.ended.len() >= self.answers as usize {
            return Ok(());
        }
        Err(self.broken_off())
    }

    fn broken_off(&self) -> Failure {
        Failure::blamed(self.held.upstream().speaker().interrupted())
    }

    fn unreadable(&self, error: &wire::sse::DecodeError) -> Failure {
        self.held.upstream().failure_of(Flaw::Unreadable(error.to_string()))
    }

    fn said(&self, data: &[u8]) -> Failure {
        let words = serde_json::from_slice(data).ok().and_then(|value| Words::read(&value)).unwrap_or_default();
        failure(self.held.upstream().speaker(), words.status(), None, words)
    }

    /// A server that answers a streamed request with a JSON document reports an error, or cannot stream.
    fn is_no_stream(&self) -> bool {
        let headers = self.response.as_ref().map(Response::headers);
        let kind = headers.and_then(|headers| headers.get(CONTENT_TYPE)?.to_str().ok());
        kind.is_some_and(|kind| kind.starts_with("application/json") || kind.starts_with("text/html"))
    }

    async fn whole_instead(&mut self) -> Failure {
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = self.arriving().await {
            body.extend_from_slice(&bytes);
            if body.len() > MAX_EVENT_BYTES {
                break;
            }
        }
        match serde_json::from_slice(&body).ok().and_then(|value| Words::read(&value)) {
            Some(words) => failure(self.held.upstream().speaker(), words.status(), None, words),
            None => self.held.upstream().failure_of(Flaw::Unreadable("not a stream of events".to_owned())),
        }
    }

    fn close_failed(&mut self, failure: Failure) -> ModelsError {
        self.over = true;
        self.held.close_failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Rules, Upstream};
    use super::*;
    use crate::config::{ModelConfig, ModelKind, UpstreamConfig};
    use crate::counters::Counters;

    async fn chunks(data: &'static str) -> ChatChunks {
        let models = vec![ModelConfig::new("big", ModelKind::Chat)];
        let config = UpstreamConfig::embedded("engine", "/engine.sock".into(), models);
        let rules = Rules { offline: false, salt_key: [0; 32] };
        let upstream = Arc::new(Upstream::new(config, Arc::new(Counters::default()), rules).unwrap());
        upstream.set_state(super::super::UpstreamState::Ready);
        Chunks {
            held: upstream.enter("ann").await.unwrap(),
            response: Some(axum::http::Response::new(data).into()),
            decoder: Decoder::new(MAX_EVENT_BYTES),
            model: "big".into(),
            answers: 1,
            ended: BTreeSet::new(),
            calls: BTreeMap::new(),
            total: None,
            waits_since: None,
            received: 0,
            first: None,
            over: false,
        }
    }

    #[tokio::test]
    async fn the_wait_begins_with_the_clients_question_and_only_once() {
        let mut chunks = chunks("data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n").await;
        let asked = chunks.deadline();
        assert_eq!(chunks.deadline().at, asked.at, "a `next` that was dropped began the wait anew");
        assert!(chunks.next().await.unwrap().is_ok());
        assert!(chunks.waits_since.is_none(), "a client that takes its time counts as the server's silence");
        assert!(chunks.next().await.unwrap().is_err());
    }
}
