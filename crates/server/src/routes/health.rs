//! Open routes about the server itself: alive, ready, described.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use app::{App, Part};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;

/// Whether the server can answer questions.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Ready {
    /// Whether nothing is missing.
    ready: bool,
    /// Every part: `ready`, or what it waits for.
    parts: BTreeMap<String, String>,
}

/// The server runs.
#[utoipa::path(get, path = "/healthz", tag = "Health", security(()), responses((status = 200, body = String)))]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// The server can answer questions, or what it still waits for.
#[utoipa::path(
    get, path = "/readyz", tag = "Health", security(()),
    responses((status = 200, body = Ready), (status = 503, body = Ready, description = "Not yet; the parts say why"))
)]
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    let parts = app.readiness.parts().into_iter().map(|(name, part)| {
        let words = match part {
            Part::Ready => "ready".to_owned(),
            Part::Waiting(why) => why,
        };
        (name, words)
    });
    let ready = app.readiness.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Ready { ready, parts: parts.collect() })).into_response()
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Health", security(()),
    responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn openapi() -> impl IntoResponse {
    static DOCUMENT: LazyLock<String> = LazyLock::new(crate::openapi::text);
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str())
}
