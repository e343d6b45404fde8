//! `/api/v1/epochs` and `/api/v1/audit`: what was changed, by whom.

use std::sync::Arc;

use app::App;
use app::audit::{self, ActRecord, EpochRecord};
use app::listing::Slice;
use axum::Json;
use axum::extract::State;

use crate::error::Answer;
use crate::query::{Paging, Parameters};

/// The epoch log, oldest first: every permission-relevant change, chained by hashes. `after` is an epoch.
#[utoipa::path(
    get, path = "/api/v1/epochs", tag = "Audit", params(Paging),
    responses((status = 200, body = Slice<EpochRecord>))
)]
pub(crate) async fn epochs(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<EpochRecord>>> {
    Ok(Json(audit::epochs(&app, &paging.into()).await?))
}

/// What administrators did besides changing identity, newest first. `after` is the last number of the page before.
#[utoipa::path(
    get, path = "/api/v1/audit", tag = "Audit", params(Paging),
    responses((status = 200, body = Slice<ActRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<ActRecord>>> {
    Ok(Json(audit::acts(&app, &paging.into()).await?))
}
