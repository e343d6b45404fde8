//! `/api/v1/people`.

use std::sync::Arc;

use app::App;
use app::listing::Slice;
use app::people::{self, NewPerson, PersonChange, PersonRecord};
use axum::Json;
use axum::extract::State;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Made, Named, Paging, Parameters, RepeatKey};

/// Make a person.
#[utoipa::path(
    post, path = "/api/v1/people", tag = "People", params(RepeatKey), request_body = NewPerson,
    responses((status = 201, body = PersonRecord), (status = 409, description = "The person exists in this source"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    repeat: RepeatKey,
    Payload(new): Payload<NewPerson>,
) -> Answer<Made<PersonRecord>> {
    let repeat = repeat.of(&asker, "person");
    Ok(Made(people::create(&app, &asker.caller, new, repeat).await?))
}

/// List people, in the order in which they were made.
#[utoipa::path(
    get, path = "/api/v1/people", tag = "People", params(Paging),
    responses((status = 200, body = Slice<PersonRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<PersonRecord>>> {
    Ok(Json(people::list(&app, &paging.into())?))
}

/// One person; without the role `security`, oneself.
#[utoipa::path(
    get, path = "/api/v1/people/{person}", tag = "People", params(("person" = String, Path)),
    responses((status = 200, body = PersonRecord), (status = 404, description = "Nobody whom you may see"))
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(person): Named,
) -> Answer<Json<PersonRecord>> {
    Ok(Json(people::get(&app, &asker.caller, &person)?))
}

/// Change a person.
#[utoipa::path(
    patch, path = "/api/v1/people/{person}", tag = "People", params(("person" = String, Path)),
    request_body = PersonChange,
    responses((status = 200, body = PersonRecord), (status = 404, description = "Nobody whom you may see"))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(person): Named,
    Payload(wanted): Payload<PersonChange>,
) -> Answer<Json<PersonRecord>> {
    Ok(Json(people::update(&app, &asker.caller, &person, wanted).await?))
}

/// Deactivate a person: nothing they hold works from the next request on. Ids are never reused, so nobody is removed.
#[utoipa::path(
    delete, path = "/api/v1/people/{person}", tag = "People", params(("person" = String, Path)),
    responses((status = 200, body = PersonRecord), (status = 404, description = "Nobody whom you may see"))
)]
pub(crate) async fn deactivate(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(person): Named,
) -> Answer<Json<PersonRecord>> {
    Ok(Json(people::deactivate(&app, &asker.caller, &person).await?))
}
