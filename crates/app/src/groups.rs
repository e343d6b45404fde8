//! Groups: made, read, renamed, filled, removed. Two sources may each have a "Legal"; cycles are harmless.

use std::collections::BTreeSet;

use access::{Caller, Change, Directory, Group};
use domain::{GroupId, Member, Role, Timestamp, Token};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::identity::{change, regrant};
use crate::listing::{Listing, Slice};
use crate::lookup;
use crate::naming::check_name;
use crate::people::LOCAL;
use crate::repeat::Repeat;

/// A group to be made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct NewGroup {
    /// The name to show.
    pub name: String,
    /// Where the group comes from: `local` unless given.
    pub source: Option<String>,
    /// The id there: `name` unless given.
    pub external_id: Option<String>,
    /// Roles of all members; none unless given. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
    /// People and groups, by id or by a name that is unique.
    pub members: Option<Vec<String>>,
}

/// What is to change of a group; what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct GroupChange {
    /// The name to show.
    pub name: Option<String>,
    /// All roles from now on. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
}

/// A group as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct GroupRecord {
    /// Its id, never reused.
    #[schema(value_type = String)]
    pub id: GroupId,
    /// The name to show.
    pub name: String,
    /// Where the group comes from.
    pub source: String,
    /// The id there.
    pub external_id: String,
    /// Roles of all members; groups above may add others.
    #[schema(value_type = Vec<crate::schema::Role>)]
    pub roles: BTreeSet<Role>,
    /// The direct members: people and groups.
    #[schema(value_type = Vec<String>)]
    pub members: Vec<Member>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Makes a group.
///
/// # Errors
/// A field is wrong, a member is unknown, the group exists already in this source, or the caller lacks a role that is
/// granted.
pub async fn create(app: &App, caller: &Caller, new: NewGroup, repeat: Repeat) -> Result<GroupRecord, AppError> {
    let (roles, members) = (new.roles.clone().unwrap_or_default(), new.members.clone().unwrap_or_default());
    let group = draft(app, new, repeat)?;
    let mut id = group.id;
    let directory = change(app, caller, |directory| {
        if let Some(made) = repeat.find(directory.groups().map(|group| group.id.uuid())) {
            id = GroupId::from_uuid(made);
            return Ok(Vec::new());
        }
        is_free(directory, &group)?;
        let mut changes = vec![Change::PutGroup(group)];
        changes.extend(regrant(directory, Token::Group(id), &roles));
        for member in members_of(directory, caller, &members)? {
            changes.push(Change::AddMember(id, member));
        }
        Ok(changes)
    })
    .await?;
    record_of(&directory, id)
}

/// A group whom the caller may discover.
///
/// # Errors
/// There is none.
pub fn get(app: &App, caller: &Caller, group: &str) -> Result<GroupRecord, AppError> {
    let directory = app.directory();
    let group = lookup::group(&directory, caller, group)?;
    Ok(record(&directory, &group))
}

/// All groups, in the order in which they were made.
///
/// # Errors
/// The listing is wrong.
pub fn list(app: &App, listing: &Listing) -> Result<Slice<GroupRecord>, AppError> {
    let directory = app.directory();
    let slice = listing.of(directory.groups().map(|group| (group.id.uuid(), group)), GroupId::PREFIX)?;
    Ok(slice.map(|group| record(&directory, group)))
}

/// Renames a group or changes its roles.
///
/// # Errors
/// A field is wrong, the caller lacks a role that is granted, or nobody would be left to administer.
pub async fn update(app: &App, caller: &Caller, name: &str, wanted: GroupChange) -> Result<GroupRecord, AppError> {
    wanted.name.as_deref().map_or(Ok(()), |name| check_name("name", name))?;
    let mut id = None;
    let directory = change(app, caller, |directory| {
        let old = lookup::group(directory, caller, name)?;
        id = Some(old.id);
        let mut changes = Vec::new();
        if let Some(name) = wanted.name.filter(|name| *name != old.name) {
            changes.push(Change::PutGroup(Group { name, ..Group::clone(&old) }));
        }
        if let Some(roles) = wanted.roles {
            changes.extend(regrant(directory, Token::Group(old.id), &roles));
        }
        Ok(changes)
    })
    .await?;
    record_of(&directory, id.ok_or_else(AppError::not_found)?)
}

/// Removes a group with its memberships and grants. Gives its id and the epoch.
///
/// # Errors
/// There is no such group, or nobody would be left to administer.
pub async fn remove(app: &App, caller: &Caller, name: &str) -> Result<(GroupId, u64), AppError> {
    let mut id = None;
    let directory = change(app, caller, |directory| {
        let group = lookup::group(directory, caller, name)?.id;
        id = Some(group);
        Ok(vec![Change::RemoveGroup(group)])
    })
    .await?;
    Ok((id.ok_or_else(AppError::not_found)?, directory.epoch()))
}

/// Puts a person or a group into a group; who is in it already stays. Gives the epoch.
///
/// # Errors
/// There is no such group or member, or the group carries a role that the caller lacks.
pub async fn add_member(app: &App, caller: &Caller, group: &str, member: &str) -> Result<u64, AppError> {
    let directory = change(app, caller, |directory| {
        let group = lookup::group(directory, caller, group)?.id;
        let member = lookup::member(directory, caller, member)?;
        let is_in = directory.members(group).any(|found| found == member);
        Ok(if is_in { Vec::new() } else { vec![Change::AddMember(group, member)] })
    })
    .await?;
    Ok(directory.epoch())
}

/// Takes a member out of a group. Gives the epoch.
///
/// # Errors
/// There is no such group, or the member is not in it, or nobody would be left to administer.
pub async fn remove_member(app: &App, caller: &Caller, group: &str, member: &str) -> Result<u64, AppError> {
    let directory = change(app, caller, |directory| {
        let group = lookup::group(directory, caller, group)?.id;
        let member = lookup::member(directory, caller, member)?;
        let is_in = directory.members(group).any(|found| found == member);
        if is_in { Ok(vec![Change::RemoveMember(group, member)]) } else { Err(AppError::not_found()) }
    })
    .await?;
    Ok(directory.epoch())
}

fn draft(app: &App, new: NewGroup, repeat: Repeat) -> Result<Group, AppError> {
    let group = Group {
        id: GroupId::from_uuid(repeat.uuid(app)),
        source: new.source.unwrap_or_else(|| LOCAL.to_owned()),
        external_id: new.external_id.unwrap_or_else(|| new.name.clone()),
        name: new.name,
        created_at: app.now(),
    };
    check(&group)?;
    Ok(group)
}

/// Refuses a group with a field that is wrong.
pub(crate) fn check(group: &Group) -> Result<(), AppError> {
    check_name("name", &group.name)?;
    check_name("external_id", &group.external_id)?;
    check_name("source", &group.source)
}

fn is_free(directory: &Directory, group: &Group) -> Result<(), AppError> {
    let Group { source, external_id, .. } = group;
    match directory.group_by_external(source, external_id) {
        None => Ok(()),
        Some(_) => {
            Err(AppError::exists(format!("a group '{external_id}' exists in source '{source}': change that one")))
        }
    }
}

fn members_of(directory: &Directory, caller: &Caller, names: &[String]) -> Result<BTreeSet<Member>, AppError> {
    names.iter().map(|name| lookup::member(directory, caller, name)).collect()
}

fn record_of(directory: &Directory, id: GroupId) -> Result<GroupRecord, AppError> {
    directory.group(id).map(|group| record(directory, group)).ok_or_else(AppError::not_found)
}

fn record(directory: &Directory, group: &Group) -> GroupRecord {
    let Group { id, source, external_id, name, created_at } = group.clone();
    let roles = directory.granted(Token::Group(id)).collect();
    GroupRecord { id, name, source, external_id, roles, members: directory.members(id).collect(), created_at }
}
