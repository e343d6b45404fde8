//! `/api/v1/backups`: state and open tables, copied to a folder of this machine.

use app::backup::{self, BackupRecord, NewBackup};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ErrorKind;
use http::StatusCode;

use crate::body::Payload;
use crate::caller::By;
use crate::door::{Door, Entrance};
use crate::error::{Answer, Refusal};

/// Make a backup in a folder of the server's machine. Only from that machine: `freehold backup`.
#[utoipa::path(
    post, path = "/api/v1/backups", tag = "Backups", request_body = NewBackup,
    responses((status = 201, body = BackupRecord), (status = 403, body = serde_json::Value))
)]
pub(crate) async fn create(
    State(door): State<Door>,
    By(asker): By,
    Payload(new): Payload<NewBackup>,
) -> Answer<Response> {
    if door.entrance != Entrance::ControlSocket {
        let message = "a backup is written to a folder of the server's machine: run `freehold backup FOLDER` there";
        return Err(Refusal::new(ErrorKind::Forbidden, "local_only", message));
    }
    let made = backup::back_up(&door.app, &asker.caller, new).await?;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}
