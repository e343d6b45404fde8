//! `POST /v1/embeddings`.

use std::sync::Arc;

use app::App;
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::{refused, traced};
use crate::body::ExchangeBody;
use crate::caller::By;

/// Turn texts into vectors.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "OpenAI",
    request_body(content = serde_json::Value, description = "OpenAI's embedding request, and `input_type` (`query` or `passage`)"),
    responses((status = 200, description = "One vector for each input", body = serde_json::Value))
)]
pub(crate) async fn create(State(app): State<Arc<App>>, By(asker): By, ExchangeBody(body): ExchangeBody) -> Response {
    match app::embed(&app, &asker, &body).await {
        Ok((reply, trace)) => traced(Json(reply), trace),
        Err(unanswered) => refused(unanswered),
    }
}
