//! `/api/v1/groups` and their members.

use std::sync::Arc;

use app::App;
use app::groups::{self, GroupChange, GroupRecord, NewGroup};
use app::listing::Slice;
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{At, Gone, Made, Named, NamedPair, Paging, Parameters, RepeatKey};

/// Make a group.
#[utoipa::path(
    post, path = "/api/v1/groups", tag = "Groups", params(RepeatKey), request_body = NewGroup,
    responses((status = 201, body = GroupRecord), (status = 409, description = "The group exists in this source"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    repeat: RepeatKey,
    Payload(new): Payload<NewGroup>,
) -> Answer<Made<GroupRecord>> {
    let repeat = repeat.of(&asker, "group");
    Ok(Made(groups::create(&app, &asker.caller, new, repeat).await?))
}

/// List groups, in the order in which they were made.
#[utoipa::path(
    get, path = "/api/v1/groups", tag = "Groups", params(Paging),
    responses((status = 200, body = Slice<GroupRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<GroupRecord>>> {
    Ok(Json(groups::list(&app, &paging.into())?))
}

/// One group, with its direct members.
#[utoipa::path(
    get, path = "/api/v1/groups/{group}", tag = "Groups", params(("group" = String, Path)),
    responses((status = 200, body = GroupRecord), (status = 404, description = "No group that you may see"))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(group): Named) -> Answer<Json<GroupRecord>> {
    Ok(Json(groups::get(&app, &asker.caller, &group)?))
}

/// Rename a group or change its roles.
#[utoipa::path(
    patch, path = "/api/v1/groups/{group}", tag = "Groups", params(("group" = String, Path)),
    request_body = GroupChange,
    responses((status = 200, body = GroupRecord), (status = 404, description = "No group that you may see"))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(group): Named,
    Payload(wanted): Payload<GroupChange>,
) -> Answer<Json<GroupRecord>> {
    Ok(Json(groups::update(&app, &asker.caller, &group, wanted).await?))
}

/// Remove a group with its memberships and roles.
#[utoipa::path(
    delete, path = "/api/v1/groups/{group}", tag = "Groups", params(("group" = String, Path)),
    responses((status = 200, body = Gone), (status = 404, description = "No group that you may see"))
)]
pub(crate) async fn remove(State(app): State<Arc<App>>, By(asker): By, Named(group): Named) -> Answer<Json<Gone>> {
    let (id, epoch) = groups::remove(&app, &asker.caller, &group).await?;
    Ok(Json(Gone { id: id.to_string(), epoch }))
}

/// Put a person or a group into a group.
#[utoipa::path(
    put, path = "/api/v1/groups/{group}/members/{member}", tag = "Groups",
    params(("group" = String, Path), ("member" = String, Path)),
    responses((status = 200, body = At), (status = 404, description = "No group or member that you may see"))
)]
pub(crate) async fn add_member(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(group, member): NamedPair,
) -> Answer<Json<At>> {
    Ok(Json(At { epoch: groups::add_member(&app, &asker.caller, &group, &member).await? }))
}

/// Take a member out of a group.
#[utoipa::path(
    delete, path = "/api/v1/groups/{group}/members/{member}", tag = "Groups",
    params(("group" = String, Path), ("member" = String, Path)),
    responses((status = 200, body = At), (status = 404, description = "No such group, or the member is not in it"))
)]
pub(crate) async fn remove_member(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(group, member): NamedPair,
) -> Answer<Json<At>> {
    Ok(Json(At { epoch: groups::remove_member(&app, &asker.caller, &group, &member).await? }))
}
