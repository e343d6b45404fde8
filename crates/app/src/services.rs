//! Services: applications and agents with keys of their own. An id is never reused, so none is ever removed.

use std::collections::BTreeSet;

use access::{Caller, Change, Directory, Service};
use domain::{GroupId, Role, ServiceId, Timestamp, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::identity::{change, regrant};
use crate::listing::{Listing, Slice};
use crate::lookup;
use crate::naming::check_name;
use crate::repeat::Repeat;

/// A service to be made. It is on no list.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct NewService {
    /// Its name, unique on this installation.
    pub name: String,
    /// The groups whose members it may act for, with a key that has the scope `act_for`; absent: anybody active.
    pub act_for: Option<Vec<String>>,
    /// `["user"]` unless given. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
}

/// What is to change of a service; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct ServiceChange {
    /// Its name, unique on this installation.
    pub name: Option<String>,
    /// The groups whose members it may act for from now on.
    pub act_for: Option<Vec<String>>,
    /// An inactive service may do nothing.
    pub active: Option<bool>,
    /// All roles from now on. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
}

/// A service as administrators and the service see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ServiceRecord {
    /// Its id, never reused.
    #[schema(value_type = String)]
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// The groups whose members it may act for; empty: anybody active.
    #[schema(value_type = Vec<String>)]
    pub act_for: Vec<GroupId>,
    /// An inactive service may do nothing.
    pub active: bool,
    /// Its roles.
    #[schema(value_type = Vec<crate::schema::Role>)]
    pub roles: BTreeSet<Role>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Makes a service.
///
/// # Errors
/// A field is wrong, a group is unknown, the name is taken, or the caller lacks a role that is granted.
pub async fn create(app: &App, caller: &Caller, new: NewService, repeat: Repeat) -> Result<ServiceRecord, AppError> {
    check_name("name", &new.name)?;
    let mut id = ServiceId::from_uuid(repeat.uuid(app));
    let created_at = app.now();
    let directory = change(app, caller, |directory| {
        if let Some(made) = repeat.find(directory.services().map(|service| service.id.uuid())) {
            id = ServiceId::from_uuid(made);
            return Ok(Vec::new());
        }
        is_free(directory, &new.name)?;
        let act_for = reach(directory, caller, new.act_for.as_deref())?.unwrap_or_default();
        let roles = new.roles.unwrap_or_else(|| BTreeSet::from([Role::User]));
        let service = Service { id, name: new.name, act_for, active: true, created_at };
        let granted = regrant(directory, Token::Service(id), &roles);
        Ok(std::iter::once(Change::PutService(service)).chain(granted).collect())
    })
    .await?;
    record_of(&directory, id)
}

/// A service whom the caller may discover.
///
/// # Errors
/// There is none.
pub fn get(app: &App, caller: &Caller, service: &str) -> Result<ServiceRecord, AppError> {
    let directory = app.directory();
    let service = lookup::service(&directory, caller, service)?;
    Ok(record(&directory, &service))
}

/// All services, in the order in which they were made.
///
/// # Errors
/// The listing is wrong.
pub fn list(app: &App, listing: &Listing) -> Result<Slice<ServiceRecord>, AppError> {
    let directory = app.directory();
    let slice = listing.of(directory.services().map(|service| (service.id.uuid(), service)), ServiceId::PREFIX)?;
    Ok(slice.map(|service| record(&directory, service)))
}

/// Changes a service.
///
/// # Errors
/// A field is wrong, a group is unknown, the name is taken, or the caller lacks a role that is granted.
pub async fn update(app: &App, caller: &Caller, name: &str, wanted: ServiceChange) -> Result<ServiceRecord, AppError> {
    wanted.name.as_deref().map_or(Ok(()), |name| check_name("name", name))?;
    let mut id = None;
    let directory = change(app, caller, |directory| {
        let old = lookup::service(directory, caller, name)?;
        id = Some(old.id);
        changes_of(directory, caller, &old, wanted)
    })
    .await?;
    record_of(&directory, id.ok_or_else(AppError::not_found)?)
}

/// Deactivates a service: none of its keys works from the next request on.
///
/// # Errors
/// There is no such service.
pub async fn deactivate(app: &App, caller: &Caller, service: &str) -> Result<ServiceRecord, AppError> {
    update(app, caller, service, ServiceChange { active: Some(false), ..ServiceChange::default() }).await
}

fn changes_of(
    directory: &Directory,
    caller: &Caller,
    old: &Service,
    wanted: ServiceChange,
) -> Result<Vec<Change>, AppError> {
    let mut new = old.clone();
    if let Some(name) = wanted.name.filter(|name| *name != old.name) {
        is_free(directory, &name)?;
        new.name = name;
    }
    new.act_for = reach(directory, caller, wanted.act_for.as_deref())?.unwrap_or(new.act_for);
    new.active = wanted.active.unwrap_or(new.active);
    let put = (new != *old).then_some(Change::PutService(new));
    let granted = wanted.roles.map(|roles| regrant(directory, Token::Service(old.id), &roles));
    Ok(put.into_iter().chain(granted.into_iter().flatten()).collect())
}

/// The groups of these names. An empty list could be read as nobody or as anybody, so it is refused.
fn reach(directory: &Directory, caller: &Caller, names: Option<&[String]>) -> Result<Option<Vec<GroupId>>, AppError> {
    let Some(names) = names else { return Ok(None) };
    if names.is_empty() {
        let message = "`act_for`: name at least one group, or leave it out to let a new service act for anybody active";
        return Err(AppError::invalid("act_for", message));
    }
    let groups: Result<BTreeSet<GroupId>, AppError> =
        names.iter().map(|name| lookup::group(directory, caller, name).map(|group| group.id)).collect();
    groups.map(|groups| Some(groups.into_iter().collect()))
}

fn is_free(directory: &Directory, name: &str) -> Result<(), AppError> {
    if directory.services().any(|service| service.name == name) {
        return Err(AppError::exists(format!("a service '{name}' exists: change that one or choose another name")));
    }
    Ok(())
}

fn record_of(directory: &Directory, id: ServiceId) -> Result<ServiceRecord, AppError> {
    directory.service(id).map(|service| record(directory, service)).ok_or_else(AppError::not_found)
}

fn record(directory: &Directory, service: &Service) -> ServiceRecord {
    let Service { id, name, act_for, active, created_at } = service.clone();
    let roles = directory.granted(Token::Service(id)).collect();
    ServiceRecord { id, name, act_for, active, roles, created_at }
}
