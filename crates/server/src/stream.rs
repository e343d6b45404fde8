//! Bodies of server-sent events. Silence longer than ten seconds is broken by a comment line; an error is one event,
//! then the end.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use app::{AppError, Chunk, ReplyStream, ResponseStream, Unanswered};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use domain::{RequestId, TraceId};
use futures::stream;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use serde::Serialize;
use tokio::time::timeout;
use wire::sse;

use crate::door::Door;
use crate::error::Refusal;
use crate::routes::openai::{refused, traced};

/// The id of the request, for errors inside a stream.
pub(crate) struct Identified(pub(crate) RequestId);

impl FromRequestParts<Door> for Identified {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        // INVARIANT: `envelope`, outermost of all, gives every request its id.
        parts.extensions.get::<RequestId>().copied().map(Self).ok_or_else(|| Refusal::internal(None))
    }
}

/// The longest silence on a stream: proxies and clients take a longer one for a dead connection.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

/// What writes the frames of a stream, one after the other.
pub(crate) trait Frames: Send + 'static {
    /// The next frame; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;
}

/// How an exchange began: with its whole answer, or with a stream of frames.
pub(crate) enum Begun<F> {
    /// The finished response.
    Whole(Response),
    /// The frames, and the trace they will leave.
    Stream(F, Option<TraceId>),
}

/// How long a stream may take to begin before the client hears that it is being worked on. Until then an error still
/// has a status of its own.
const PATIENCE: Duration = Duration::from_secs(5);

/// The response to an exchange. A stream that takes long to begin (a queue, a long prompt) is opened without it, so
/// that neither client nor proxy takes the silence for a dead connection.
pub(crate) async fn begun<F: Frames>(
    answering: impl Future<Output = Result<Begun<F>, Unanswered>> + Send + 'static,
    streams: bool,
    request: RequestId,
) -> Response {
    let mut answering: Answering<F> = Box::pin(answering);
    let begun = if streams {
        match timeout(PATIENCE, &mut answering).await {
            Ok(begun) => begun,
            Err(_) => return event_stream(Late { answering: Some(answering), frames: None, request }),
        }
    } else {
        answering.await
    };
    match begun {
        Ok(Begun::Whole(response)) => response,
        Ok(Begun::Stream(frames, trace)) => traced(event_stream(frames), trace),
        Err(unanswered) => refused(unanswered),
    }
}

type Answering<F> = Pin<Box<dyn Future<Output = Result<Begun<F>, Unanswered>> + Send>>;

/// Frames that had not begun when the response was opened.
struct Late<F> {
    answering: Option<Answering<F>>,
    frames: Option<F>,
    request: RequestId,
}

impl<F: Frames> Frames for Late<F> {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(answering) = self.answering.take() {
            match answering.await {
                Ok(Begun::Stream(frames, _)) => self.frames = Some(frames),
                // INVARIANT: who asks for a stream gets one, or an error.
                Ok(Begun::Whole(_)) => return None,
                Err(unanswered) => {
                    let mut frame = BytesMut::new();
                    write(&mut frame, &body_of(unanswered.error, self.request));
                    return Some(frame.freeze());
                }
            }
        }
        self.frames.as_mut()?.next().await
    }
}

/// A response whose body is a stream of frames.
pub(crate) fn event_stream(frames: impl Frames) -> Response {
    let body = Body::from_stream(stream::unfold(Waiting::new(frames), |waiting| async {
        waiting.next().await.map(|(frame, waiting)| (Ok::<_, std::convert::Infallible>(frame), waiting))
    }));
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx holds streams back unless it is told not to.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A frame that is on its way. A time-out only interrupts the wait: the work behind it goes on.
struct Waiting<F> {
    frame: Pin<Box<dyn Future<Output = (F, Option<Bytes>)> + Send>>,
}

impl<F: Frames> Waiting<F> {
    fn new(mut frames: F) -> Self {
        Self {
            frame: Box::pin(async move {
                let frame = frames.next().await;
                (frames, frame)
            }),
        }
    }

    async fn next(mut self) -> Option<(Bytes, Self)> {
        match timeout(LONGEST_SILENCE, &mut self.frame).await {
            Ok((frames, Some(frame))) => Some((frame, Self::new(frames))),
            Ok((_, None)) => None,
            Err(_) => {
                let mut comment = BytesMut::new();
                sse::comment(&mut comment, "still working");
                Some((comment.freeze(), self))
            }
        }
    }
}

/// Chunks of an OpenAI stream, then `[DONE]`.
pub(crate) struct ChunkFrames<C: Chunk> {
    chunks: ReplyStream<C>,
    request: RequestId,
    ended: bool,
}

impl<C: Chunk> ChunkFrames<C> {
    pub(crate) const fn new(chunks: ReplyStream<C>, request: RequestId) -> Self {
        Self { chunks, request, ended: false }
    }
}

impl<C: Chunk + Serialize> Frames for ChunkFrames<C> {
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        let mut frame = BytesMut::new();
        match self.chunks.next().await {
            Some(Ok(chunk)) => write(&mut frame, &chunk),
            Some(Err(error)) => {
                self.ended = true;
                write(&mut frame, &body_of(error, self.request));
            }
            None => {
                self.ended = true;
                sse::done(&mut frame);
            }
        }
        Some(frame.freeze())
    }
}

/// Named events of the Responses API, which has no `[DONE]`.
pub(crate) struct EventFrames(pub(crate) ResponseStream);

impl Frames for EventFrames {
    async fn next(&mut self) -> Option<Bytes> {
        let event = self.0.next().await?;
        let mut frame = BytesMut::new();
        if let Err(error) = sse::named(&mut frame, event.kind.name(), &event) {
            tracing::error!(%error, "an event could not be written as JSON");
            return None;
        }
        Some(frame.freeze())
    }
}

fn write(frame: &mut BytesMut, value: &impl Serialize) {
    // Our own types have text keys only: this does not happen, and must not be silent if it does.
    if let Err(error) = sse::data(frame, value) {
        tracing::error!(%error, "a chunk could not be written as JSON");
    }
}

fn body_of(error: AppError, request: RequestId) -> wire::ErrorBody {
    let refusal = Refusal::from(error);
    if let Some(cause) = refusal.cause() {
        tracing::error!(%request, %cause, "a stream failed");
    }
    refusal.into_body(request)
}
