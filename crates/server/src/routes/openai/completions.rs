//! `POST /v1/completions`.

use std::sync::Arc;

use app::{App, Completion};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::{refused, traced};
use crate::body::Lines;
use crate::caller::By;
use crate::stream::{ChunkFrames, Identified, event_stream};

/// Continue text.
#[utoipa::path(
    post, path = "/v1/completions", tag = "OpenAI",
    request_body(content = serde_json::Value, description = "OpenAI's completion request; every parameter is honoured or refused"),
    responses((status = 200, description = "A completion, or server-sent chunks with `stream: true`", body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Identified(request): Identified,
    Lines(body): Lines,
) -> Response {
    match app::complete(&app, &asker, &body).await {
        Ok(Completion::Whole(reply, trace)) => traced(Json(reply), trace),
        Ok(Completion::Stream(chunks, trace)) => traced(event_stream(ChunkFrames::new(*chunks, request)), trace),
        Err(unanswered) => refused(unanswered),
    }
}
