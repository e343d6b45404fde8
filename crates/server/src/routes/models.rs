//! `/api/v1/models`: the models of this machine.

use std::sync::Arc;

use app::App;
use app::jobs::JobRecord;
use app::listing::Slice;
use app::stock::{self, ModelRecord};
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Paging, Parameters};

/// List the models that are installed on this machine or can be pulled, by name. `after` is a name.
#[utoipa::path(
    get, path = "/api/v1/models", tag = "Models", params(Paging), responses((status = 200, body = Slice<ModelRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<ModelRecord>>> {
    Ok(Json(stock::list(&app, &asker, &paging.into()).await?))
}

/// One model of this machine.
#[utoipa::path(
    get, path = "/api/v1/models/{model}", tag = "Models", params(("model" = String, Path)),
    responses((status = 200, body = ModelRecord), (status = 404, description = "No model that you may see"))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(name): Named) -> Answer<Json<ModelRecord>> {
    Ok(Json(stock::show(&app, &asker, &name).await?))
}

/// Remove the file of an installed model.
#[utoipa::path(
    delete, path = "/api/v1/models/{model}", tag = "Models", params(("model" = String, Path)),
    responses(
        (status = 204), (status = 404, description = "No such model"),
        (status = 409, description = "In use by an engine, being pulled, or not installed")
    )
)]
pub(crate) async fn remove(State(app): State<Arc<App>>, By(asker): By, Named(name): Named) -> Answer<StatusCode> {
    stock::remove(&app, &asker.caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pull a model: answers with the job that does it in the background, also where it runs already.
#[utoipa::path(
    post, path = "/api/v1/models/{model}/pull", tag = "Models", params(("model" = String, Path)),
    responses(
        (status = 202, body = JobRecord), (status = 404, description = "No such model"),
        (status = 409, description = "It was imported and has no source")
    )
)]
pub(crate) async fn pull(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(name): Named,
) -> Answer<(StatusCode, Json<JobRecord>)> {
    Ok((StatusCode::ACCEPTED, Json(stock::pull(&app, &asker.caller, &name).await?)))
}
