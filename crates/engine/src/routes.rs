//! All routes of the engine and how errors leave it.

mod adapters;
mod chat;
mod completion;
mod embedding;
mod score;
mod state;
mod text;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use domain::ErrorKind;
use serde::de::DeserializeOwned;

use crate::engine::Engine;
use crate::error::EngineError;

/// Largest body, in bytes: the door has checked its own limit before.
const MAX_BODY: usize = 64 << 20;

/// Shared by all handlers.
pub(crate) type Shared = axum::extract::State<Arc<Engine>>;

pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::complete))
        .route("/v1/completions", post(completion::complete))
        .route("/v1/embeddings", post(embedding::embed))
        .route("/render", post(text::render))
        .route("/tokenize", post(text::tokenize))
        .route("/detokenize", post(text::detokenize))
        .route("/score", post(score::score))
        .route("/adapters", get(adapters::list).post(adapters::load).delete(adapters::unload))
        .route("/threads", post(state::threads))
        .route("/health", get(state::health))
        .route("/props", get(state::props))
        .route("/stats", get(state::stats))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(engine)
}

/// Reads a body; nothing in it is ignored.
fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, EngineError> {
    wire::strict::parse(body).map_err(EngineError::Invalid)
}

impl IntoResponse for EngineError {
    fn into_response(self) -> Response {
        let status = match self.kind() {
            ErrorKind::Invalid => StatusCode::BAD_REQUEST,
            ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
            ErrorKind::Forbidden => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict => StatusCode::CONFLICT,
            ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
            ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let body = axum::Json(self.body());
        match self {
            Self::QueueFull { retry_after_seconds, .. } => {
                (status, [(RETRY_AFTER, retry_after_seconds.to_string())], body).into_response()
            }
            Self::Unavailable(_) => (status, [(RETRY_AFTER, "1")], body).into_response(),
            _ => (status, body).into_response(),
        }
    }
}
