//! `/api/v1/lake`: the open tables and their upkeep.

use std::sync::Arc;

use app::App;
use app::lake::{self, TableRecord, Tidied, Verified};
use app::listing::Slice;
use axum::Json;
use axum::extract::State;

use crate::caller::By;
use crate::error::Answer;

/// What is in the open tables.
#[utoipa::path(get, path = "/api/v1/lake", tag = "Lake", responses((status = 200, body = Slice<TableRecord>)))]
pub(crate) async fn status(State(app): State<Arc<App>>) -> Json<Slice<TableRecord>> {
    Json(Slice { data: lake::status(&app), has_more: false })
}

/// Roll what was recorded so far into the tables and join small files.
#[utoipa::path(post, path = "/api/v1/lake/compact", tag = "Lake", responses((status = 200, body = Tidied)))]
pub(crate) async fn compact(State(app): State<Arc<App>>, By(asker): By) -> Answer<Json<Tidied>> {
    Ok(Json(lake::compact(&app, &asker.caller).await?))
}

/// Read every file of the tables and say what is not as it was written.
#[utoipa::path(post, path = "/api/v1/lake/verify", tag = "Lake", responses((status = 200, body = Verified)))]
pub(crate) async fn verify(State(app): State<Arc<App>>) -> Answer<Json<Verified>> {
    Ok(Json(lake::verify(&app).await?))
}
