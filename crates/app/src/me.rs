//! Who the caller is on this request: what a client shows as "signed in as", and what a key can do.

use std::collections::BTreeSet;

use access::{AccessError, Caller};
use domain::{Capture, KeyId, Limits, Principal, Role, ServiceId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::keys::KeyLimits;

/// Who the caller is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Me {
    /// The person, or the service for itself.
    #[schema(value_type = String)]
    pub id: Principal,
    /// `person` or `service`.
    pub kind: &'static str,
    /// The user name, or the service's name.
    pub name: String,
    /// The name to show.
    pub display_name: String,
    /// The roles of this request: a key's scopes may narrow those of its holder.
    #[schema(value_type = Vec<crate::schema::Role>)]
    pub roles: BTreeSet<Role>,
    /// The services that carry the request on behalf of the person.
    #[schema(value_type = Vec<String>)]
    pub via: Vec<ServiceId>,
    /// The key that opened the door; none for a session or the control socket.
    #[schema(value_type = Option<String>)]
    pub key: Option<KeyId>,
    /// The most that is kept of this key's exchanges.
    #[schema(value_type = crate::schema::Capture)]
    pub capture: Capture,
    /// The limits of the key.
    #[schema(value_type = KeyLimits)]
    pub limits: Limits,
    /// The epoch of this answer.
    pub epoch: u64,
}

/// Who the caller is.
///
/// # Errors
/// The caller is gone since the request began.
pub fn me(app: &App, caller: &Caller) -> Result<Me, AppError> {
    let directory = app.directory();
    let named = match caller.principal() {
        Principal::Person(id) => {
            directory.person(id).map(|person| ("person", person.user_name.clone(), person.display_name.clone()))
        }
        Principal::Service(id) => {
            directory.service(id).map(|service| ("service", service.name.clone(), service.name.clone()))
        }
    };
    let (kind, name, display_name) = named.ok_or(AccessError::InvalidKey)?;
    Ok(Me {
        id: caller.principal(),
        kind,
        name,
        display_name,
        roles: caller.roles().clone(),
        via: caller.via().to_vec(),
        key: caller.key(),
        capture: caller.capture(),
        limits: caller.limits(),
        epoch: directory.epoch(),
    })
}
