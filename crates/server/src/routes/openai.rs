//! OpenAI's routes, under `/v1`.

pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod conversations;
pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod responses;

use app::Unanswered;
use axum::response::{IntoResponse, Response};
use domain::TraceId;
use http::HeaderValue;

use crate::error::Refusal;

/// The header that names the trace.
pub(crate) const TRACE: &str = "freehold-trace";

/// The same response, naming the trace where one is kept.
pub(crate) fn traced(response: impl IntoResponse, trace: Option<TraceId>) -> Response {
    let mut response = response.into_response();
    if let Some(value) = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok()) {
        response.headers_mut().insert(TRACE, value);
    }
    response
}

/// A refusal that names its trace.
pub(crate) fn refused(Unanswered { error, trace }: Unanswered) -> Response {
    traced(Refusal::from(error), trace)
}
