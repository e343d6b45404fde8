//! One exchange with an upstream: wait for a place, send, send again where that is safe, read the answer.
//!
//! Safe is only what was not answered at all: no connection, a connection that closed before the first byte, or a
//! server that says when to come back.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Response, Url};
use tokio::time::{Instant, timeout_at};

use super::chunks::Chunks;
use super::{Given, Held, Upstream};
use crate::config::ModelConfig;
use crate::dialect::failure::{Failure, Retry, refusal};
use crate::dialect::reply::{Flaw, Piece};
use crate::error::{ModelsError, Phase, Unavailability};
use crate::route::CallContext;

/// The longest wait that a server's `Retry-After` is given where no total time-out is set.
const MAX_RETRY_WAIT: Duration = Duration::from_secs(10);

/// The pause before the first repetition; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The largest error body that is read, bytes.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// A request on its way.
pub(crate) struct Outgoing<'a> {
    address: &'a Url,
    body: Result<Bytes, ModelsError>,
    stream: bool,
}

impl<'a> Outgoing<'a> {
    pub(crate) const fn new(address: &'a Url, body: Result<Bytes, ModelsError>, stream: bool) -> Self {
        Self { address, body, stream }
    }
}

/// When something must have happened, and what to say when it has not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    pub(super) at: Instant,
    phase: Phase,
    limit_ms: u64,
}

impl Deadline {
    pub(super) fn after(from: Instant, limit_ms: u64, phase: Phase) -> Self {
        Self { at: from + Duration::from_millis(limit_ms), phase, limit_ms }
    }

    /// The earlier of two.
    pub(super) fn or(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.at < self.at => other,
            _ => self,
        }
    }
}

/// A head that arrived, and what is still held for the rest.
pub(super) struct Opened {
    pub(super) response: Response,
    pub(super) held: Held,
    pub(super) total: Option<Deadline>,
    pub(super) sent_at: Instant,
    queue_ms: f64,
}

impl Upstream {
    /// An exchange whose answer comes in one piece.
    pub(super) async fn whole<T>(
        self: &Arc<Self>,
        outgoing: Outgoing<'_>,
        context: &CallContext,
        read: impl FnOnce(&[u8]) -> Result<T, Flaw>,
    ) -> Result<Given<T>, ModelsError> {
        let Opened { response, mut held, total, sent_at, queue_ms } = self.open(outgoing, context).await?;
        let answer = Deadline::after(sent_at, self.config.timeouts.answer_ms, Phase::Answer).or(total);
        let read = match self.body(response, answer, self.config.max_reply_bytes).await {
            Ok(bytes) => read(&bytes).map_err(|flaw| self.failure_of(flaw)),
            Err(failure) => Err(failure),
        };
        match read {
            Ok(value) => {
                held.succeed();
                held.close();
                Ok(Given { value, queue_ms })
            }
            Err(failure) => Err(held.close_failed(failure)),
        }
    }

    /// An exchange whose answer comes in pieces; resolves with the first, so that an error before it is one of the
    /// request and not of the stream.
    pub(super) async fn stream<P: Piece>(
        self: &Arc<Self>,
        outgoing: Outgoing<'_>,
        context: &CallContext,
        model: &ModelConfig,
        answers: u32,
    ) -> Result<Given<Chunks<P>>, ModelsError> {
        let opened = self.open(outgoing, context).await?;
        let queue_ms = opened.queue_ms;
        let value = Chunks::begin(opened, model.name.clone(), answers).await?;
        Ok(Given { value, queue_ms })
    }

    /// Waits for a place and gets a head whose status is success.
    async fn open(self: &Arc<Self>, outgoing: Outgoing<'_>, context: &CallContext) -> Result<Opened, ModelsError> {
        self.counters.request();
        let entered_at = Instant::now();
        let total = self.config.timeouts.total_ms.map(|limit| Deadline::after(entered_at, limit, Phase::Answer));
        let entered = async {
            self.may_be_called()?;
            let body = outgoing.body?;
            let queue = total.map(|total| Deadline { phase: Phase::Queue, ..total });
            let held = match queue {
                Some(queue) => timeout_at(queue.at, self.enter(&context.caller))
                    .await
                    .unwrap_or_else(|_| Err(self.timed_out(queue)))?,
                None => self.enter(&context.caller).await?,
            };
            Ok((held, body))
        };
        let (mut held, body) = entered.await.inspect_err(|error| self.note_error(error))?;
        let queue_ms = entered_at.elapsed().as_secs_f64() * 1e3;
        let sending = Sending { address: outgoing.address, body, stream: outgoing.stream, total };
        match self.send_until_answered(&mut held, &sending).await {
            Ok((response, sent_at)) => Ok(Opened { response, held, total, sent_at, queue_ms }),
            Err(failure) => Err(held.close_failed(failure)),
        }
    }

    async fn send_until_answered(
        &self,
        held: &mut Held,
        sending: &Sending<'_>,
    ) -> Result<(Response, Instant), Failure> {
        let mut sent = 0;
        loop {
            // A place may have been waited for a long time, and a pause lies between attempts.
            self.check_state().map_err(Failure::blameless)?;
            held.ask_leave().map_err(Failure::blameless)?;
            let sent_at = Instant::now();
            let failure = match self.send(sending, sent_at).await {
                Ok(response) => return Ok((response, sent_at)),
                Err(failure) => failure,
            };
            let pause = pause(failure.retry, sent);
            sent += 1;
            let latest = sending.total.map_or(sent_at + MAX_RETRY_WAIT, |total| total.at);
            match pause {
                Some(pause) if sent <= self.config.retries && Instant::now() + pause < latest => {
                    held.fail(failure.blame);
                    self.counters.retry();
                    tracing::debug!(upstream = self.name(), code = failure.error.code(), "sending again");
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(failure),
            }
        }
    }

    /// Sends once and waits for the head.
    async fn send(&self, sending: &Sending<'_>, sent_at: Instant) -> Result<Response, Failure> {
        let timeouts = &self.config.timeouts;
        let (limit_ms, phase) = match sending.stream {
            true => (timeouts.first_byte_ms, Phase::FirstByte),
            false => (timeouts.answer_ms, Phase::Answer),
        };
        let deadline = Deadline::after(sent_at, limit_ms, phase).or(sending.total);
        self.counters.sent(sending.body.len());
        let request = self.client.post(sending.address.clone()).body(sending.body.clone());
        let response = match timeout_at(deadline.at, request.send()).await {
            Err(_) => return Err(Failure::blamed(self.timed_out(deadline))),
            Ok(Err(error)) => return Err(self.unsent(&error)),
            Ok(Ok(response)) => response,
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, retry_after) = (response.status().as_u16(), retry_after(&response));
        let said = self.body(response, deadline, MAX_ERROR_BYTES).await.unwrap_or_default();
        Err(refusal(self.speaker(), status, retry_after, &said))
    }

    /// Reads a body to its end, by `deadline` and with no silence longer than the idle time-out.
    pub(super) async fn body(
        &self,
        mut response: Response,
        deadline: Deadline,
        limit: usize,
    ) -> Result<Vec<u8>, Failure> {
        let expected = response.content_length().unwrap_or(0);
        let mut body = Vec::with_capacity(usize::try_from(expected).unwrap_or(limit).min(limit));
        loop {
            let idle = Deadline::after(Instant::now(), self.config.timeouts.idle_ms, Phase::Idle).or(Some(deadline));
            match timeout_at(idle.at, response.chunk()).await {
                Err(_) => return Err(Failure::blamed(self.timed_out(idle))),
                Ok(Err(_)) => return Err(Failure::blamed(self.speaker().interrupted())),
                Ok(Ok(None)) => return Ok(body),
                Ok(Ok(Some(bytes))) => {
                    self.counters.received(bytes.len());
                    if body.len() + bytes.len() > limit {
                        return Err(Failure::blamed(self.too_large(limit)));
                    }
                    body.extend_from_slice(&bytes);
                }
            }
        }
    }

    pub(super) fn too_large(&self, limit: usize) -> ModelsError {
        self.speaker().invalid_reply(format!("more than {limit} bytes"))
    }

    pub(super) fn timed_out(&self, deadline: Deadline) -> ModelsError {
        let Deadline { phase, limit_ms, .. } = deadline;
        ModelsError::Timeout { upstream: self.name().to_owned(), phase, limit_ms }
    }

    /// What it means that no head came back.
    pub(super) fn unsent(&self, error: &reqwest::Error) -> Failure {
        let speaker = self.speaker();
        if error.is_timeout() {
            let deadline = Deadline::after(Instant::now(), self.config.timeouts.connect_ms, Phase::Connect);
            return Failure { retry: Retry::Soon, ..Failure::blamed(self.timed_out(deadline)) };
        }
        if error.is_connect() {
            let reason = if self.config.is_embedded() { Unavailability::Down } else { Unavailability::Unreachable };
            let failure = Failure::blamed(speaker.unavailable(reason, Some(2)));
            return Failure { retry: Retry::Soon, ..failure };
        }
        if is_unreadable(error) {
            return Failure::blamed(speaker.invalid_reply("not HTTP"));
        }
        Failure { retry: Retry::Soon, ..Failure::blamed(speaker.interrupted()) }
    }
}

/// What one request is, through all its attempts.
struct Sending<'a> {
    address: &'a Url,
    body: Bytes,
    stream: bool,
    total: Option<Deadline>,
}

/// How long to wait before the next attempt, where there may be one.
fn pause(retry: Retry, sent: u32) -> Option<Duration> {
    match retry {
        Retry::No => None,
        Retry::Soon => Some(FIRST_PAUSE * 2_u32.saturating_pow(sent)),
        Retry::After(wait) => Some(wait),
    }
}

/// Whether bytes came back that are no HTTP.
fn is_unreadable(error: &reqwest::Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        source = cause.source();
    }
    false
}

/// `Retry-After` in seconds, or the finer `retry-after-ms`. A date is not read: its sender's clock is not ours.
fn retry_after(response: &Response) -> Option<Duration> {
    let number = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}
