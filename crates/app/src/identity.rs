//! The one way in which the verbs change identity: under the store's write lock, after the rules that hold for every
//! change. Only a holder of a role grants it, and somebody always holds the role `security`.

use std::collections::BTreeSet;
use std::sync::Arc;

use access::{AccessError, Caller, Change, Directory};
use domain::{GroupId, Member, Principal, Role, Token};

use crate::app::App;
use crate::error::AppError;

/// Commits what `plan` decides on the newest directory, if the caller may.
pub(crate) async fn change(
    app: &App,
    caller: &Caller,
    plan: impl FnOnce(&Directory) -> Result<Vec<Change>, AppError> + Send,
) -> Result<Arc<Directory>, AppError> {
    let checked = |directory: &Directory| {
        let changes = plan(directory)?;
        grants_only_what_they_hold(directory, caller, &changes)?;
        somebody_holds_security(directory, &changes)?;
        Ok(changes)
    };
    app.store.commit(Some(caller.actor()), checked).await
}

/// Only a holder of a role grants it, by name or by putting somebody into a group that carries it. The role
/// `user` of somebody new is the installation's default and not a grant.
///
/// INVARIANT: a new path from a person to a role has a new grant or a new membership in it, and each is checked here.
fn grants_only_what_they_hold(directory: &Directory, caller: &Caller, changes: &[Change]) -> Result<(), AppError> {
    for change in changes {
        let granted = match change {
            Change::GrantRole(token, Role::User) if is_new(directory, *token) => BTreeSet::new(),
            Change::GrantRole(_, role) => BTreeSet::from([*role]),
            Change::AddMember(group, _) => roles_of_group(directory, *group),
            _ => BTreeSet::new(),
        };
        if let Some(missing) = granted.into_iter().find(|role| !caller.has(*role)) {
            return Err(AccessError::RoleMissing(missing).into());
        }
    }
    Ok(())
}

fn is_new(directory: &Directory, token: Token) -> bool {
    match token {
        // A group is a way to hand a role on, so that its first role is granted like any other.
        Token::Everyone | Token::Group(_) => false,
        Token::Person(id) => directory.person(id).is_none(),
        Token::Service(id) => directory.service(id).is_none(),
    }
}

/// The roles that a member of this group has through it: the group's own and those of every group it reaches.
fn roles_of_group(directory: &Directory, group: GroupId) -> BTreeSet<Role> {
    let mut reached = BTreeSet::from([group]);
    let mut frontier = vec![group];
    while let Some(group) = frontier.pop() {
        frontier.extend(directory.parents(Member::Group(group)).filter(|parent| reached.insert(*parent)));
    }
    reached.into_iter().flat_map(|group| directory.granted(Token::Group(group))).collect()
}

/// An installation in which nobody holds `security` can never be administered again.
fn somebody_holds_security(directory: &Directory, changes: &[Change]) -> Result<(), AppError> {
    if !changes.iter().any(takes_away) || !is_administered(directory) {
        return Ok(());
    }
    let mut after = directory.clone();
    for change in changes {
        after.apply(directory.epoch(), change);
    }
    if is_administered(&after) {
        return Ok(());
    }
    let message = "this would leave nobody active with the role 'security': grant it to another active person first";
    Err(AppError::Conflict { message: message.to_owned(), code: "last_security" })
}

fn takes_away(change: &Change) -> bool {
    match change {
        Change::PutPerson(person) => !person.active,
        Change::RemoveGroup(_) | Change::RemoveMember(..) => true,
        Change::RevokeRole(_, role) => *role == Role::Security,
        _ => false,
    }
}

fn is_administered(directory: &Directory) -> bool {
    let holds = |token| directory.granted(token).any(|role| role == Role::Security);
    let active = |id| directory.is_active(Principal::Person(id));
    let mut frontier: Vec<GroupId> =
        directory.groups().map(|group| group.id).filter(|id| holds(Token::Group(*id))).collect();
    let mut reached: BTreeSet<GroupId> = frontier.iter().copied().collect();
    while let Some(group) = frontier.pop() {
        for member in directory.members(group) {
            match member {
                Member::Person(id) if active(id) => return true,
                Member::Group(id) if reached.insert(id) => frontier.push(id),
                Member::Person(_) | Member::Group(_) => {}
            }
        }
    }
    directory.people().any(|person| person.active && holds(Token::Person(person.id)))
}

/// The changes that turn one set of roles into another.
pub(crate) fn regrant(directory: &Directory, token: Token, wanted: &BTreeSet<Role>) -> Vec<Change> {
    let held: BTreeSet<Role> = directory.granted(token).collect();
    let granted = wanted.difference(&held).map(|role| Change::GrantRole(token, *role));
    let revoked = held.difference(wanted).map(|role| Change::RevokeRole(token, *role));
    granted.chain(revoked).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{directory, group, person};

    #[test]
    fn a_role_reaches_through_nested_groups_and_cycles() {
        let (inner, outer) = (group(1), group(2));
        let directory = directory([
            Change::PutGroup(inner.clone()),
            Change::PutGroup(outer.clone()),
            Change::AddMember(outer.id, Member::Group(inner.id)),
            Change::AddMember(inner.id, Member::Group(outer.id)),
            Change::GrantRole(Token::Group(outer.id), Role::Operator),
        ]);
        assert_eq!(roles_of_group(&directory, inner.id), BTreeSet::from([Role::Operator]));
    }

    #[test]
    fn the_last_holder_of_security_stays() {
        let (ada, bob) = (person(1), person(2));
        let staff = group(3);
        let directory = directory([
            Change::PutPerson(ada.clone()),
            Change::PutPerson(bob.clone()),
            Change::PutGroup(staff.clone()),
            Change::AddMember(staff.id, Member::Person(ada.id)),
            Change::GrantRole(Token::Group(staff.id), Role::Security),
        ]);
        let gone = access::Person { active: false, ..ada.clone() };
        for change in [
            Change::PutPerson(gone),
            Change::RemoveMember(staff.id, Member::Person(ada.id)),
            Change::RevokeRole(Token::Group(staff.id), Role::Security),
            Change::RemoveGroup(staff.id),
        ] {
            let alone = somebody_holds_security(&directory, std::slice::from_ref(&change));
            assert_eq!(alone.unwrap_err().code(), "last_security", "{change:?}");
            let heir = Change::GrantRole(Token::Person(bob.id), Role::Security);
            assert!(somebody_holds_security(&directory, &[heir, change]).is_ok());
        }
        let other = Change::PutPerson(access::Person { active: false, ..bob });
        assert!(somebody_holds_security(&directory, &[other]).is_ok());
    }
}
