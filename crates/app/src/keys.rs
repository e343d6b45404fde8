//! API keys: made, shown once, listed without their secret, taken back. A key made for somebody else is in the epoch
//! log with who made it, and its holder is told (`notices`).

use std::collections::{BTreeSet, HashSet};
use std::mem::Discriminant;

use access::{AccessError, Caller, Change, Directory, Key, hash_secret};
use domain::{Capture, KeyId, Limits, PersonId, Principal, Scope, ServiceId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::identity::change;
use crate::listing::{Listing, Slice};
use crate::lookup;
use crate::naming::check_name;
use crate::repeat::Repeat;

/// What every key begins with.
pub const KEY_PREFIX: &str = "fh_";

/// A key to be made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct NewKey {
    /// Whose key it is, by id or by a name that is unique; the caller's own unless a person or a service is given.
    pub person: Option<String>,
    /// Whose key it is, if a service's.
    pub service: Option<String>,
    /// What people call it.
    pub name: String,
    /// What it is narrowed to: `user`, `builder`, `operator`, `security` (roles), `act_for`, `action:ACTION` (such as
    /// `action:read`), `source:src_...`. Absent: all its holder's rights, without `act_for`.
    #[schema(value_type = Option<Vec<String>>)]
    pub scopes: Option<BTreeSet<Scope>>,
    /// The most that is kept of its exchanges; `full` unless given.
    #[schema(value_type = Option<crate::schema::Capture>)]
    pub capture: Option<Capture>,
    /// When it stops working by itself; never unless given.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// Its limits; none unless given.
    #[schema(value_type = Option<KeyLimits>)]
    pub limits: Option<Limits>,
}

/// Limits of a key as the OpenAPI document shows `domain::Limits`; an absent one does not limit. Minutes slide, months are
/// calendar months in UTC.
#[derive(Debug, Clone, ToSchema)]
pub struct KeyLimits {
    /// Requests in any 60 seconds.
    pub requests_per_minute: Option<u64>,
    /// Prompt and completion tokens in any 60 seconds.
    pub tokens_per_minute: Option<u64>,
    /// Spending in a calendar month, millionths of a US dollar.
    pub budget_micro_usd_per_month: Option<u64>,
}

/// A key that was made. The secret is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MadeKey {
    /// Its id.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// The secret, `fh_...`. Absent where the request repeats an earlier one: it was shown then, and is not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyRecord {
    /// Its id.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// Whose key it is, if a person's.
    #[schema(value_type = Option<String>)]
    pub person: Option<PersonId>,
    /// Whose key it is, if a service's.
    #[schema(value_type = Option<String>)]
    pub service: Option<ServiceId>,
    /// What it is narrowed to; empty: all its holder's rights, without `act_for`.
    #[schema(value_type = Vec<String>)]
    pub scopes: BTreeSet<Scope>,
    /// The most that is kept of its exchanges.
    #[schema(value_type = crate::schema::Capture)]
    pub capture: Capture,
    /// Its limits.
    #[schema(value_type = KeyLimits)]
    pub limits: Limits,
    /// When it stops working by itself.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub revoked_at: Option<Timestamp>,
    /// Who made it; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub created_by: Option<Principal>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Whose keys to list: everybody's unless given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HolderFilter {
    /// A person, by id or name.
    pub person: Option<String>,
    /// A service, by id or name.
    pub service: Option<String>,
}

/// Makes a key.
///
/// # Errors
/// A field is wrong, or the holder is unknown.
pub async fn create(app: &App, caller: &Caller, new: NewKey, repeat: Repeat) -> Result<MadeKey, AppError> {
    check(&new, app.now())?;
    let scopes = scopes_within(caller, new.scopes.clone())?;
    let secret = format!("{KEY_PREFIX}{}", app.ids.secret());
    let (mut id, created_at) = (KeyId::from_uuid(repeat.uuid(app)), app.now());
    let mut shown = Some(secret.clone());
    change(app, caller, |directory| {
        if let Some(made) = repeat.find(directory.keys().map(|key| key.id.uuid())) {
            (id, shown) = (KeyId::from_uuid(made), None);
            return Ok(Vec::new());
        }
        Ok(vec![Change::AddKey(Key {
            id,
            holder: holder(directory, caller, &new)?,
            name: new.name,
            hash: hash_secret(&secret),
            scopes,
            capture: new.capture,
            limits: new.limits.unwrap_or_default(),
            expires_at: new.expires_at,
            revoked_at: None,
            created_by: Some(caller.principal()),
            created_at,
        })])
    })
    .await?;
    Ok(MadeKey { id, key: shown })
}

/// A key that the caller may discover, without its secret.
///
/// # Errors
/// There is none.
pub fn get(app: &App, caller: &Caller, key: &str) -> Result<KeyRecord, AppError> {
    lookup::key(&app.directory(), caller, key).map(|key| record(&key))
}

/// Keys without their secrets, in the order in which they were made, those taken back included.
///
/// # Errors
/// The listing is wrong, or the holder is unknown.
pub fn list(app: &App, caller: &Caller, of: &HolderFilter, listing: &Listing) -> Result<Slice<KeyRecord>, AppError> {
    let directory = app.directory();
    let person = of.person.as_deref().map(|name| lookup::person(&directory, caller, name)).transpose()?;
    let service = of.service.as_deref().map(|name| lookup::service(&directory, caller, name)).transpose()?;
    let keys = directory
        .keys()
        .filter(|key| person.as_ref().is_none_or(|person| key.holder == Principal::Person(person.id)))
        .filter(|key| service.as_ref().is_none_or(|service| key.holder == Principal::Service(service.id)));
    Ok(listing.of(keys.map(|key| (key.id.uuid(), key)), KeyId::PREFIX)?.map(|key| record(key)))
}

/// Takes a key back, in force on the next request. One that was taken back stays so. Gives its id and the epoch.
///
/// # Errors
/// There is no such key.
pub async fn revoke(app: &App, caller: &Caller, key: &str) -> Result<(KeyId, u64), AppError> {
    let now = app.now();
    let mut id = None;
    let directory = change(app, caller, |directory| {
        let key = lookup::key(directory, caller, key)?;
        id = Some(key.id);
        Ok(if key.revoked_at.is_some() { Vec::new() } else { vec![Change::RevokeKey(key.id, now)] })
    })
    .await?;
    Ok((id.ok_or_else(AppError::not_found)?, directory.epoch()))
}

fn check(new: &NewKey, now: Timestamp) -> Result<(), AppError> {
    check_name("name", &new.name)?;
    if new.person.is_some() && new.service.is_some() {
        return Err(AppError::invalid("service", "`service`: a key has one holder: give `person` or `service`"));
    }
    let acts_for = new.scopes.as_ref().is_some_and(|scopes| scopes.contains(&Scope::ActFor));
    if acts_for && new.service.is_none() {
        return Err(AppError::invalid("scopes", "`scopes`: only a service acts for others: give `service`"));
    }
    if new.expires_at.is_some_and(|expiry| expiry <= now) {
        return Err(AppError::invalid("expires_at", "`expires_at`: this time is past: give a later one or none"));
    }
    Ok(())
}

/// What the new key is narrowed to: nobody hands out more than they came with. A narrowed key makes keys as narrow as
/// itself or narrower, and one that acts for somebody makes none.
fn scopes_within(caller: &Caller, wanted: Option<BTreeSet<Scope>>) -> Result<BTreeSet<Scope>, AppError> {
    caller.require_in_person()?;
    let own = caller.narrowed_to();
    let scopes = wanted.unwrap_or_else(|| own.clone());
    let kinds = own.iter().map(std::mem::discriminant).collect::<HashSet<_>>();
    let wider = |kind: &Discriminant<Scope>| {
        let mut named = scopes.iter().filter(|scope| std::mem::discriminant(*scope) == *kind).peekable();
        named.peek().is_none() || named.any(|scope| !own.contains(scope))
    };
    let acts_for = !own.is_empty() && scopes.contains(&Scope::ActFor);
    if acts_for || kinds.iter().any(wider) {
        return Err(AccessError::Narrowed.into());
    }
    Ok(scopes)
}

fn holder(directory: &Directory, caller: &Caller, new: &NewKey) -> Result<Principal, AppError> {
    match (&new.person, &new.service) {
        (Some(person), _) => lookup::person(directory, caller, person).map(|person| Principal::Person(person.id)),
        (None, Some(service)) => lookup::service(directory, caller, service).map(|found| Principal::Service(found.id)),
        (None, None) => Ok(caller.principal()),
    }
}

fn record(key: &Key) -> KeyRecord {
    let (person, service) = match key.holder {
        Principal::Person(id) => (Some(id), None),
        Principal::Service(id) => (None, Some(id)),
    };
    KeyRecord {
        id: key.id,
        name: key.name.clone(),
        person,
        service,
        scopes: key.scopes.clone(),
        capture: key.capture.unwrap_or_default(),
        limits: key.limits,
        expires_at: key.expires_at,
        revoked_at: key.revoked_at,
        created_by: key.created_by,
        created_at: key.created_at,
    }
}
