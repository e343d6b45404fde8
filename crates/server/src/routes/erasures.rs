//! `/api/v1/erasures`: what is to be forgotten for good.

use std::sync::Arc;

use app::App;
use app::erasures::{self, ErasureRecord, NewErasure};
use app::listing::Slice;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Paging, Parameters};

/// Erase a person, an outside customer or a document for good: when it answers, no byte of it is in the data folder.
#[utoipa::path(
    post, path = "/api/v1/erasures", tag = "Erasures", request_body = NewErasure,
    responses((status = 201, body = ErasureRecord), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(new): Payload<NewErasure>,
) -> Answer<Response> {
    let erasure = erasures::erase(&app, &asker.caller, new).await?;
    Ok((StatusCode::CREATED, Json(erasure)).into_response())
}

/// List erasures, newest first.
#[utoipa::path(
    get, path = "/api/v1/erasures", tag = "Erasures", params(Paging),
    responses((status = 200, body = Slice<ErasureRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<ErasureRecord>>> {
    Ok(Json(erasures::erasures(&app, &paging.into()).await?))
}

/// One erasure.
#[utoipa::path(
    get, path = "/api/v1/erasures/{erasure}", tag = "Erasures", params(("erasure" = String, Path)),
    responses((status = 200, body = ErasureRecord), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, Named(id): Named) -> Answer<Json<ErasureRecord>> {
    Ok(Json(erasures::erasure(&app, &id).await?))
}
