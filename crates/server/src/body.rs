//! Bodies: read within a size and a time, then strictly. Whatever is wrong with one is a refusal with its place.

use app::Asker;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse as _, Response};
use bytes::{Bytes, BytesMut};
use domain::ErrorKind;
use futures::StreamExt as _;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

use crate::caller::refused_exchange;
use crate::door::{Door, ServerOptions};
use crate::error::Refusal;

/// A JSON body: unknown fields, wrong types, malformed JSON and invalid UTF-8 are refused with their place.
pub(crate) struct Payload<T>(pub(crate) T);

/// A whole body as it came, for NDJSON.
pub(crate) struct Lines(pub(crate) Bytes);

impl<T: DeserializeOwned> FromRequest<Door> for Payload<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Refusal> {
        let body = read(request, &door.options).await?;
        Ok(Self(wire::strict::parse(&body)?))
    }
}

impl FromRequest<Door> for Lines {
    type Rejection = Refusal;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Refusal> {
        read(request, &door.options).await.map(Self)
    }
}

/// The body of an exchange with a model: one that cannot be read leaves a trace too.
pub(crate) struct ExchangeBody(pub(crate) Bytes);

impl FromRequest<Door> for ExchangeBody {
    type Rejection = Response;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Response> {
        let asker = request.extensions().get::<Asker>().cloned();
        match (read(request, &door.options).await, asker) {
            (Ok(body), _) => Ok(Self(body)),
            (Err(refusal), Some(asker)) => Err(refused_exchange(door, &asker, true, refusal).await),
            (Err(refusal), None) => Err(refusal.into_response()),
        }
    }
}

async fn read(request: Request, options: &ServerOptions) -> Result<Bytes, Refusal> {
    let limit = options.body_limit_bytes;
    let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit));
    }
    let whole = Instant::now() + options.body_timeout;
    let mut pieces = Body::into_data_stream(request.into_body());
    let mut body = BytesMut::new();
    loop {
        let patience = whole.min(Instant::now() + options.body_idle_timeout);
        match timeout_at(patience, pieces.next()).await.map_err(|_| too_slow())? {
            None => return Ok(body.freeze()),
            Some(Err(_)) => return Err(cut_off()),
            Some(Ok(piece)) if body.len() + piece.len() > limit => return Err(too_large(limit)),
            Some(Ok(piece)) => body.extend_from_slice(&piece),
        }
    }
}

fn too_large(limit: usize) -> Refusal {
    let message =
        format!("the body is larger than {limit} bytes: send less at once, or raise `server.body_limit_bytes`");
    Refusal::new(ErrorKind::TooLarge, "body_too_large", message)
}

fn too_slow() -> Refusal {
    let message = "the body came too slowly: send it without pauses, or in smaller parts";
    Refusal::new(ErrorKind::Timeout, "body_timeout", message).with_status(StatusCode::REQUEST_TIMEOUT)
}

fn cut_off() -> Refusal {
    Refusal::new(ErrorKind::Invalid, "body_cut_off", "the body ended before its announced length: send it again")
}
