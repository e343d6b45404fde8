//! `GET /v1/models`: the models that the caller may use.

use std::sync::Arc;

use app::App;
use axum::Json;
use axum::extract::State;
use wire::model::{ModelEntry, ModelList};

use crate::caller::By;
use crate::error::Answer;
use crate::query::Named;

/// List the models that you may use.
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn list(State(app): State<Arc<App>>, By(asker): By) -> Json<ModelList> {
    Json(ModelList { data: app::models(&app, &asker), ..ModelList::default() })
}

/// One model that you may use.
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "OpenAI", params(("model" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(name): Named) -> Answer<Json<ModelEntry>> {
    Ok(Json(app::model(&app, &asker, &name)?))
}
