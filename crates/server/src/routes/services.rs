//! `/api/v1/services`.

use std::sync::Arc;

use app::App;
use app::listing::Slice;
use app::services::{self, NewService, ServiceChange, ServiceRecord};
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Made, Named, Paging, Parameters, RepeatKey};

/// Make a service.
#[utoipa::path(
    post, path = "/api/v1/services", tag = "Services", params(RepeatKey), request_body = NewService,
    responses((status = 201, body = ServiceRecord), (status = 409, description = "The name is taken"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    repeat: RepeatKey,
    Payload(new): Payload<NewService>,
) -> Answer<Made<ServiceRecord>> {
    let repeat = repeat.of(&asker, "service");
    Ok(Made(services::create(&app, &asker.caller, new, repeat).await?))
}

/// List services, in the order in which they were made.
#[utoipa::path(
    get, path = "/api/v1/services", tag = "Services", params(Paging),
    responses((status = 200, body = Slice<ServiceRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<ServiceRecord>>> {
    Ok(Json(services::list(&app, &paging.into())?))
}

/// One service; without the role `security`, the service itself.
#[utoipa::path(
    get, path = "/api/v1/services/{service}", tag = "Services", params(("service" = String, Path)),
    responses((status = 200, body = ServiceRecord), (status = 404, description = "No service that you may see"))
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(service): Named,
) -> Answer<Json<ServiceRecord>> {
    Ok(Json(services::get(&app, &asker.caller, &service)?))
}

/// Change a service.
#[utoipa::path(
    patch, path = "/api/v1/services/{service}", tag = "Services", params(("service" = String, Path)),
    request_body = ServiceChange,
    responses((status = 200, body = ServiceRecord), (status = 404, description = "No service that you may see"))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(service): Named,
    Payload(wanted): Payload<ServiceChange>,
) -> Answer<Json<ServiceRecord>> {
    Ok(Json(services::update(&app, &asker.caller, &service, wanted).await?))
}

/// Deactivate a service: none of its keys works from the next request on.
#[utoipa::path(
    delete, path = "/api/v1/services/{service}", tag = "Services", params(("service" = String, Path)),
    responses((status = 200, body = ServiceRecord), (status = 404, description = "No service that you may see"))
)]
pub(crate) async fn deactivate(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(service): Named,
) -> Answer<Json<ServiceRecord>> {
    Ok(Json(services::deactivate(&app, &asker.caller, &service).await?))
}
