//! `/api/v1/settings`.

use std::sync::Arc;

use app::App;
use app::settings::{self, Settings, SettingsChange};
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;

/// The settings in force.
#[utoipa::path(get, path = "/api/v1/settings", tag = "Settings", responses((status = 200, body = Settings)))]
pub(crate) async fn show(State(app): State<Arc<App>>) -> Json<Settings> {
    Json(Settings::clone(&app.settings.get()))
}

/// Change settings: a field that is given replaces that one whole, the others stay.
#[utoipa::path(
    put, path = "/api/v1/settings", tag = "Settings", request_body = SettingsChange,
    responses((status = 200, body = Settings), (status = 400, description = "A value cannot work"))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(wanted): Payload<SettingsChange>,
) -> Answer<Json<Settings>> {
    let settings = settings::update(&app, &asker.caller, wanted).await?;
    Ok(Json(Settings::clone(&settings)))
}
