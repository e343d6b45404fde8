//! `/api/v1/upstreams`: the servers that answer for models.

use std::sync::Arc;

use app::App;
use app::listing::Slice;
use app::upstreams::{self, UpstreamConfig, UpstreamView};
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Paging, Parameters};

/// List the upstreams.
#[utoipa::path(
    get, path = "/api/v1/upstreams", tag = "Models", params(Paging), responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<UpstreamView>>> {
    Ok(Json(upstreams::list(&app, &paging.into()).await?))
}

/// One upstream: its configuration without secrets, and how it stands.
#[utoipa::path(
    get, path = "/api/v1/upstreams/{upstream}", tag = "Models", params(("upstream" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, Named(name): Named) -> Answer<Json<UpstreamView>> {
    Ok(Json(upstreams::show(&app, &name).await?))
}

/// Write an upstream: any OpenAI-compatible server.
#[utoipa::path(
    put, path = "/api/v1/upstreams/{upstream}", tag = "Models", params(("upstream" = String, Path)),
    request_body(content = serde_json::Value, description = "The fields of an upstream as in the settings file, `name` as in the path"),
    responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(name): Named,
    Payload(config): Payload<UpstreamConfig>,
) -> Answer<Json<UpstreamView>> {
    Ok(Json(upstreams::put(&app, &asker.caller, &name, config).await?))
}

/// Take an upstream away.
#[utoipa::path(
    delete, path = "/api/v1/upstreams/{upstream}", tag = "Models", params(("upstream" = String, Path)),
    responses((status = 204), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn remove(State(app): State<Arc<App>>, By(asker): By, Named(name): Named) -> Answer<StatusCode> {
    upstreams::remove(&app, &asker.caller, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
