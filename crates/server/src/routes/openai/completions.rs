//! `POST /v1/completions`.

use std::sync::Arc;

use app::{App, Completion};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::traced;
use crate::body::ExchangeBody;
use crate::caller::By;
use crate::stream::{Begun, ChunkFrames, Identified, begun};

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
    ExchangeBody(body): ExchangeBody,
) -> Response {
    let streams = app::streams(&body);
    let answering = async move {
        match app::complete(&app, &asker, &body).await? {
            Completion::Whole(reply, trace) => Ok(Begun::Whole(traced(Json(reply), trace))),
            Completion::Stream(chunks, trace) => Ok(Begun::Stream(ChunkFrames::new(*chunks, request), trace)),
        }
    };
    begun(answering, streams, request).await
}
