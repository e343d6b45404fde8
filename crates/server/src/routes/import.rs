//! `POST /api/v1/directory/import`.

use std::sync::Arc;

use app::App;
use app::import::{self as imports, ImportCounts, ImportOptions, Line};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::body::Lines;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Parameters, from_text};

/// How to import.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImportQuery {
    /// The source of all lines; `local` unless given here or in the lines.
    source: Option<String>,
    /// The lines are everybody: people of the source who are absent are deactivated, absent groups are emptied.
    #[serde(default, deserialize_with = "from_text")]
    complete: Option<bool>,
}

/// Import people and groups of one source: NDJSON, one transaction, all or nothing.
#[utoipa::path(
    post, path = "/api/v1/directory/import", tag = "People", params(ImportQuery),
    request_body(content = Line, content_type = "application/x-ndjson"),
    responses((status = 200, body = ImportCounts), (status = 400, description = "A line is wrong; nothing was imported"))
)]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(ImportQuery { source, complete }): Parameters<ImportQuery>,
    Lines(body): Lines,
) -> Answer<Json<ImportCounts>> {
    let options = ImportOptions { source, complete: complete.unwrap_or(false) };
    Ok(Json(imports::import(&app, &asker.caller, &body, &options).await?))
}
