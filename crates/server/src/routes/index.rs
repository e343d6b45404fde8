//! `/api/v1/index`: how far documents are findable, and making the index again.

use std::sync::Arc;

use app::App;
use app::index::{self, IndexStatus};
use axum::Json;
use axum::extract::State;

use crate::error::Answer;

/// How far the index is, over the whole installation.
#[utoipa::path(get, path = "/api/v1/index", tag = "Search", responses((status = 200, body = IndexStatus)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Answer<Json<IndexStatus>> {
    Ok(Json(index::status(&app).await?))
}

/// Make the index again from the records, in the background; the present one serves until then.
#[utoipa::path(post, path = "/api/v1/index/rebuild", tag = "Search", responses((status = 200, body = IndexStatus)))]
pub(crate) async fn rebuild(State(app): State<Arc<App>>) -> Answer<Json<IndexStatus>> {
    Ok(Json(index::rebuild(&app).await?))
}
