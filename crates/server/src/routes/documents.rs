//! `/api/v1/documents`: documents as who may read them sees them.

use std::sync::Arc;

use app::App;
use app::documents::{self, DocumentText, DocumentView};
use axum::Json;
use axum::extract::State;

use crate::caller::By;
use crate::error::Answer;
use crate::query::Named;

/// A document that you may read, without its text.
#[utoipa::path(
    get, path = "/api/v1/documents/{document}", tag = "Documents", params(("document" = String, Path)),
    responses((status = 200, body = DocumentView), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<DocumentView>> {
    Ok(Json(documents::document(&app, &asker, &id).await?))
}

/// The text of a document that you may read.
#[utoipa::path(
    get, path = "/api/v1/documents/{document}/text", tag = "Documents", params(("document" = String, Path)),
    responses((status = 200, body = DocumentText), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn text(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<DocumentText>> {
    Ok(Json(documents::text(&app, &asker, &id).await?))
}
