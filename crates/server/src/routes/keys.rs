//! `/api/v1/keys`.

use std::sync::Arc;

use app::App;
use app::keys::{self, HolderFilter, KeyRecord, MadeKey, NewKey};
use app::listing::{Listing, Slice};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use crate::body::Payload;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Gone, Made, Named, Parameters, RepeatKey, from_text};

/// Which keys are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyFilter {
    /// Only those of this person.
    person: Option<String>,
    /// Only those of this service.
    service: Option<String>,
    /// How many at most: 1 to 1,000.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
    /// The last id of the page before.
    after: Option<String>,
}

/// Make a key. Its secret is in the answer and never shown again.
#[utoipa::path(
    post, path = "/api/v1/keys", tag = "Keys", params(RepeatKey), request_body = NewKey,
    responses((status = 201, body = MadeKey), (status = 404, description = "No holder that you may see"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    repeat: RepeatKey,
    Payload(new): Payload<NewKey>,
) -> Answer<Made<MadeKey>> {
    let repeat = repeat.of(&asker, "key");
    Ok(Made(keys::create(&app, &asker.caller, new, repeat).await?))
}

/// List keys without their secrets, those taken back included.
#[utoipa::path(
    get, path = "/api/v1/keys", tag = "Keys", params(KeyFilter),
    responses((status = 200, body = Slice<KeyRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(KeyFilter { person, service, limit, after }): Parameters<KeyFilter>,
) -> Answer<Json<Slice<KeyRecord>>> {
    let of = HolderFilter { person, service };
    Ok(Json(keys::list(&app, &asker.caller, &of, &Listing { limit, after })?))
}

/// One key without its secret.
#[utoipa::path(
    get, path = "/api/v1/keys/{key}", tag = "Keys", params(("key" = String, Path)),
    responses((status = 200, body = KeyRecord), (status = 404, description = "No key that you may see"))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(key): Named) -> Answer<Json<KeyRecord>> {
    Ok(Json(keys::get(&app, &asker.caller, &key)?))
}

/// Take a key back, in force on the next request.
#[utoipa::path(
    delete, path = "/api/v1/keys/{key}", tag = "Keys", params(("key" = String, Path)),
    responses((status = 200, body = Gone), (status = 404, description = "No key that you may see"))
)]
pub(crate) async fn revoke(State(app): State<Arc<App>>, By(asker): By, Named(key): Named) -> Answer<Json<Gone>> {
    let (id, epoch) = keys::revoke(&app, &asker.caller, &key).await?;
    Ok(Json(Gone { id: id.to_string(), epoch }))
}
