//! `/api/v1/break_glass`: reading what lists do not allow, with a reason, a second person, an expiry, and notice.

use std::sync::Arc;

use app::App;
use app::break_glass::{self, BreakGlassRequest, BreakGlassView};
use app::listing::Slice;
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Made, Named, Paging, Parameters};

/// Ask that a person may read some documents for a while, whatever their lists say. It opens nothing until somebody else
/// agrees.
#[utoipa::path(
    post, path = "/api/v1/break_glass", tag = "Break-glass", request_body = BreakGlassRequest,
    responses((status = 201, body = BreakGlassView), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<BreakGlassRequest>,
) -> Answer<Made<BreakGlassView>> {
    Ok(Made(break_glass::request(&app, &asker.caller, request).await?))
}

/// List what was asked for, newest first: all of it for the role `security`, for others what lets them read.
#[utoipa::path(
    get, path = "/api/v1/break_glass", tag = "Break-glass", params(Paging),
    responses((status = 200, body = Slice<BreakGlassView>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<BreakGlassView>>> {
    Ok(Json(break_glass::list(&app, &asker.caller, &paging.into()).await?))
}

/// One of them: for the role `security`, for who may read, and for owners of its documents' sources once they were told.
#[utoipa::path(
    get, path = "/api/v1/break_glass/{break_glass}", tag = "Break-glass", params(("break_glass" = String, Path)),
    responses((status = 200, body = BreakGlassView), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<BreakGlassView>> {
    Ok(Json(break_glass::get(&app, &asker.caller, &id).await?))
}

/// Agree to one, as neither who asked nor who is to read. Policies, closed and erased documents stay as they are.
#[utoipa::path(
    post, path = "/api/v1/break_glass/{break_glass}/approve", tag = "Break-glass",
    params(("break_glass" = String, Path)),
    responses(
        (status = 200, body = BreakGlassView),
        (status = 403, description = "You asked for it, or are to read"),
        (status = 404, body = serde_json::Value),
        (status = 409, description = "It is not `requested` any more")
    )
)]
pub(crate) async fn approve(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
) -> Answer<Json<BreakGlassView>> {
    Ok(Json(break_glass::approve(&app, &asker.caller, &id).await?))
}

/// End one at once, or take a request back: the next read obeys.
#[utoipa::path(
    delete, path = "/api/v1/break_glass/{break_glass}", tag = "Break-glass", params(("break_glass" = String, Path)),
    responses((status = 200, body = BreakGlassView), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn end(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<BreakGlassView>> {
    Ok(Json(break_glass::end(&app, &asker.caller, &id).await?))
}
