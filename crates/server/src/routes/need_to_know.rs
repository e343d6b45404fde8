//! `/api/v1/need_to_know`: what is taken out of what people may read.

use std::sync::Arc;

use app::App;
use app::need_to_know::{self, NeedToKnow};
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;

/// Sealed matters, canaries and guarded forms, as they are registered.
#[utoipa::path(get, path = "/api/v1/need_to_know", tag = "Access", responses((status = 200, body = NeedToKnow)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Answer<Json<NeedToKnow>> {
    Ok(Json(need_to_know::get(&app).await?))
}

/// Replace what is registered; in force from the next answer on.
#[utoipa::path(
    put, path = "/api/v1/need_to_know", tag = "Access", request_body = NeedToKnow,
    responses((status = 200, body = NeedToKnow), (status = 400, description = "It could not work; nothing changed"))
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(wanted): Payload<NeedToKnow>,
) -> Answer<Json<NeedToKnow>> {
    Ok(Json(need_to_know::put(&app, &asker.caller, wanted).await?))
}
