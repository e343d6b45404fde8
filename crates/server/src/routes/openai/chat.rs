//! `POST /v1/chat/completions`.

use std::sync::Arc;

use app::{App, Reply};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::{refused, traced};
use crate::body::Lines;
use crate::caller::By;
use crate::stream::{ChunkFrames, Identified, event_stream};

/// Answer a conversation.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "OpenAI",
    request_body(content = serde_json::Value, description = "OpenAI's chat completion request; every parameter is honoured or refused"),
    responses((status = 200, description = "A chat completion, or server-sent chunks with `stream: true`", body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Identified(request): Identified,
    Lines(body): Lines,
) -> Response {
    match app::answer(&app, &asker, &body).await {
        Ok(Reply::Whole(reply, trace)) => traced(Json(reply), trace),
        Ok(Reply::Stream(chunks, trace)) => traced(event_stream(ChunkFrames::new(*chunks, request)), trace),
        Err(unanswered) => refused(unanswered),
    }
}
