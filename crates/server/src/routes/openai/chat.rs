//! `POST /v1/chat/completions`.

use std::sync::Arc;

use app::{App, Reply};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::traced;
use crate::body::ExchangeBody;
use crate::caller::By;
use crate::stream::{Begun, ChunkFrames, Identified, begun};

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
    ExchangeBody(body): ExchangeBody,
) -> Response {
    let streams = app::streams(&body);
    let answering = async move {
        match app::answer(&app, &asker, &body).await? {
            Reply::Whole(reply, trace) => Ok(Begun::Whole(traced(Json(reply), trace))),
            Reply::Stream(chunks, trace) => Ok(Begun::Stream(ChunkFrames::new(*chunks, request), trace)),
        }
    };
    begun(answering, streams, request).await
}
