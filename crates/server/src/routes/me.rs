//! What the caller sees of themselves: who they are, and what was done in their name.

use std::sync::Arc;

use app::App;
use app::audit::{self, NoticeRecord};
use app::listing::Slice;
use app::me::{self, Me};
use axum::Json;
use axum::extract::State;

use crate::caller::By;
use crate::error::Answer;
use crate::query::{Paging, Parameters};

/// Who you are on this request, and with which roles.
#[utoipa::path(get, path = "/api/v1/me", tag = "Me", responses((status = 200, body = Me)))]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By) -> Answer<Json<Me>> {
    Ok(Json(me::me(&app, &asker.caller)?))
}

/// What others did in your name, newest first: keys and sign-in links that were made for you.
#[utoipa::path(
    get, path = "/api/v1/notices", tag = "Me", params(Paging),
    responses((status = 200, body = Slice<NoticeRecord>))
)]
pub(crate) async fn notices(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<NoticeRecord>>> {
    Ok(Json(audit::notices(&app, &asker.caller, &paging.into()).await?))
}
