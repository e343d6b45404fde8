//! May this caller use this model, and who answers for it? What one may not use does not exist.

use domain::{Principal, Role};
use models::{ModelsError, Route};

use crate::app::App;
use crate::error::AppError;
use crate::exchange::{Asker, Exchange};

/// The route to a model that the asker may use. Base models are for `everyone` and for services with role `user`:
/// guests and strangers get the answer for a name that never was.
pub(crate) fn admit(app: &App, exchange: &mut Exchange, name: &str) -> Result<Route, AppError> {
    let route = app.models.resolve(name);
    // Of a name that leads nowhere there is nothing to decide, and nothing to record.
    if !exchange.may_use(route.as_ref().ok().map(Route::model)) {
        return Err(ModelsError::UnknownModel { name: name.to_owned() }.into());
    }
    let route = route?;
    exchange.routed_to(&route);
    Ok(route)
}

/// Whether the caller sees base models at all.
pub(crate) fn sees_base_models(app: &App, asker: &Asker) -> bool {
    let access = asker.access(app);
    let needs_role = asker.caller.person().is_none();
    access.use_of_base_models().allowed && (!needs_role || asker.caller.has(Role::User))
}

/// The outside customer of a request: named in `user` by a service that acts for itself.
pub(crate) fn subject(asker: &Asker, user: Option<&str>) -> Option<String> {
    match asker.caller.principal() {
        Principal::Service(_) => user.map(ToOwned::to_owned),
        Principal::Person(_) => None,
    }
}
