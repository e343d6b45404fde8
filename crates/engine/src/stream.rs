//! A stream of server-sent events that never falls silent for long.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures::stream;
use tokio::sync::mpsc::UnboundedReceiver;
use wire::sse;

use crate::error::EngineError;
use crate::job::Event;

/// After this silence a comment line is sent: prompts of many tokens take their time.
const SILENCE: Duration = Duration::from_secs(5);

/// Writes the chunks of one request.
pub(crate) trait Writer: Send + 'static {
    /// Writes what an event of sequence `index` means to the client. True when the stream has ended.
    fn write(&mut self, index: usize, event: Event, out: &mut BytesMut) -> Result<bool, EngineError>;
}

struct Streaming<W> {
    events: UnboundedReceiver<(usize, Event)>,
    writer: W,
    ended: bool,
}

/// The response. Dropping it (the client is gone) closes the channel, which frees the sequences.
pub(crate) fn respond<W: Writer>(events: UnboundedReceiver<(usize, Event)>, writer: W) -> Response {
    let chunks = stream::unfold(Streaming { events, writer, ended: false }, |mut streaming| async {
        let bytes = streaming.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(bytes), streaming))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(chunks)).into_response()
}

impl<W: Writer> Streaming<W> {
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        while !self.ended && out.is_empty() {
            match tokio::time::timeout(SILENCE, self.events.recv()).await {
                Ok(Some((index, event))) => self.take(index, event, &mut out),
                Ok(None) => {
                    let error = EngineError::Computation("the engine ended".to_owned());
                    self.take(0, Event::Failed(error), &mut out);
                }
                Err(_) => sse::comment(&mut out, "waiting"),
            }
            // Events that are there already go out together.
            while !self.ended
                && let Ok((index, event)) = self.events.try_recv()
            {
                self.take(index, event, &mut out);
            }
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    fn take(&mut self, index: usize, event: Event, out: &mut BytesMut) {
        let written = match event {
            Event::Failed(error) => Err(error),
            event => self.writer.write(index, event, out),
        };
        match written {
            Ok(false) => {}
            Ok(true) => {
                sse::done(out);
                self.ended = true;
            }
            Err(error) => {
                if let Err(unwritable) = sse::data(out, &error.body()) {
                    tracing::error!(%unwritable, "an error could not be written");
                }
                sse::done(out);
                self.ended = true;
            }
        }
    }
}

/// Writes one chunk.
pub(crate) fn chunk<T: serde::Serialize>(out: &mut BytesMut, value: &T) -> Result<(), EngineError> {
    sse::data(out, value).map_err(|error| EngineError::Computation(format!("a chunk cannot be written: {error}")))
}
