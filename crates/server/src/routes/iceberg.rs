//! `/iceberg/v1`: the open tables as an Iceberg REST catalog, for reading (its OpenAPI specification, "REST Catalog").
//! Tables of counts, ids and timings only; opening one is logged.

use std::sync::Arc;

use app::{App, lake};
use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::By;
use crate::error::Answer;

/// The one namespace.
const NAMESPACE: &str = lake::NAMESPACE;

/// A namespace in a path, and a table where one is named.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    namespace: String,
    #[serde(default)]
    table: String,
}

impl Place {
    fn known(&self) -> Answer<()> {
        if self.namespace == NAMESPACE { Ok(()) } else { Err(app::AppError::not_found().into()) }
    }
}

/// What a client of the catalog needs to know: nothing has to be set, and what can be called.
#[utoipa::path(get, path = "/iceberg/v1/config", tag = "Iceberg", responses((status = 200, body = serde_json::Value)))]
pub(crate) async fn config() -> Json<Value> {
    let endpoints = [
        "GET /v1/{prefix}/namespaces",
        "GET /v1/{prefix}/namespaces/{namespace}",
        "HEAD /v1/{prefix}/namespaces/{namespace}",
        "GET /v1/{prefix}/namespaces/{namespace}/tables",
        "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
        "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    ];
    Json(json!({"defaults": {}, "overrides": {}, "endpoints": endpoints}))
}

/// The one namespace.
#[utoipa::path(
    get, path = "/iceberg/v1/namespaces", tag = "Iceberg", responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn namespaces() -> Json<Value> {
    Json(json!({"namespaces": [[NAMESPACE]]}))
}

/// The namespace's properties: none.
#[utoipa::path(
    get, path = "/iceberg/v1/namespaces/{namespace}", tag = "Iceberg", params(("namespace" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn namespace(Path(place): Path<Place>) -> Answer<Json<Value>> {
    place.known()?;
    Ok(Json(json!({"namespace": [NAMESPACE], "properties": {}})))
}

/// The tables of the namespace.
#[utoipa::path(
    get, path = "/iceberg/v1/namespaces/{namespace}/tables", tag = "Iceberg", params(("namespace" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn tables(Path(place): Path<Place>) -> Answer<Json<Value>> {
    place.known()?;
    let tables: Vec<Value> = lake::catalog().map(|name| json!({"namespace": [NAMESPACE], "name": name})).collect();
    Ok(Json(json!({"identifiers": tables})))
}

/// A table: where its metadata is, and what is in it.
#[utoipa::path(
    get, path = "/iceberg/v1/namespaces/{namespace}/tables/{table}", tag = "Iceberg",
    params(("namespace" = String, Path), ("table" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn table(State(app): State<Arc<App>>, By(asker): By, Path(place): Path<Place>) -> Answer<Json<Value>> {
    place.known()?;
    let opened = lake::open_table(&app, &asker.caller, &place.table).await?;
    Ok(Json(json!({"metadata-location": opened.location, "metadata": opened.metadata, "config": {}})))
}

/// What a client measured of a scan is taken and not kept.
#[utoipa::path(
    post, path = "/iceberg/v1/namespaces/{namespace}/tables/{table}/metrics", tag = "Iceberg",
    params(("namespace" = String, Path), ("table" = String, Path)),
    responses((status = 204), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn metrics(Path(place): Path<Place>) -> Answer<StatusCode> {
    place.known()?;
    if lake::catalog().any(|name| name == place.table) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(app::AppError::not_found().into())
}
