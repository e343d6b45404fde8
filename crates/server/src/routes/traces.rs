//! `/api/v1/traces` and `/api/v1/feedback`: the caller's own records, and what is said about them.

use std::sync::Arc;

use app::listing::{Listing, Slice};
use app::{App, FeedbackRequest, TraceView};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Deserialize;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Parameters, from_text};

/// Which traces are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceFilter {
    /// How many at most: 1 to 1,000.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
    /// The last id of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Only those of this task or model.
    #[serde(default)]
    task: Option<String>,
    /// Only those that ended like this: `answered`, `refused` or `failed`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    outcome: Option<domain::Outcome>,
    /// Only those received at this moment or later.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<domain::Timestamp>,
    /// Only those received before this moment.
    #[serde(default)]
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<domain::Timestamp>,
}

/// List your traces, newest first.
#[utoipa::path(
    get, path = "/api/v1/traces", tag = "Traces", params(TraceFilter),
    responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(filter): Parameters<TraceFilter>,
) -> Answer<Json<Slice<TraceView>>> {
    let TraceFilter { limit, after, task, outcome, since, until } = filter;
    let listing = Listing { limit, after };
    let filter = app::TraceFilter { listing, task, outcome, since, until };
    Ok(Json(app::traces(&app, &asker, filter).await?))
}

/// One of your traces.
#[utoipa::path(
    get, path = "/api/v1/traces/{trace}", tag = "Traces", params(("trace" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<TraceView>> {
    Ok(Json(app::trace(&app, &asker, &id).await?))
}

/// Say something about a trace: a rating, a correction, an outcome or a comment.
#[utoipa::path(
    post, path = "/api/v1/feedback", tag = "Traces", request_body = serde_json::Value,
    responses((status = 201, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn give_feedback(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<FeedbackRequest>,
) -> Answer<Response> {
    let feedback = app::give_feedback(&app, &asker, request).await?;
    Ok((StatusCode::CREATED, Json(feedback)).into_response())
}
