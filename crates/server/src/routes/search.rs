//! `/api/v1/search`: what the company knows, as far as the caller may read it.

use std::sync::Arc;

use app::App;
use app::search::{self, SearchAnswer, SearchRequest};
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;

/// Passages that answer a question, best first, of those that the caller may read now.
#[utoipa::path(
    post, path = "/api/v1/search", tag = "Search", request_body = SearchRequest,
    responses((status = 200, body = SearchAnswer), (status = 400, body = serde_json::Value))
)]
pub(crate) async fn search(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<SearchRequest>,
) -> Answer<Json<SearchAnswer>> {
    Ok(Json(search::search(&app, &asker, request).await?))
}
