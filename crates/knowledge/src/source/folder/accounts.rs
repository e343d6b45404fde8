//! Names of owners and groups, as the system's name service knows them: files of this machine, LDAP, and what else it
//! asks. Each is asked once in a listing.

use std::collections::{BTreeSet, HashMap};
use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User};

/// What the name service answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// This.
    Known(T),
    /// There is none.
    Nobody,
    /// It could not say.
    Failed,
}

/// A person with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) primary: u32,
    /// Every group, the primary one too.
    pub(super) groups: BTreeSet<u32>,
}

/// A group of accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Team {
    pub(super) name: String,
    pub(super) gid: u32,
    /// Those it names. Those of whom it is the primary group need not be among them.
    pub(super) members: Vec<String>,
}

/// What was asked before.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    pub(super) people: HashMap<u32, Answer<Account>>,
    pub(super) people_by_name: HashMap<String, Answer<Account>>,
    pub(super) groups: HashMap<u32, Answer<Team>>,
    pub(super) groups_by_name: HashMap<String, Answer<Team>>,
}

impl Accounts {
    pub(super) fn person(&mut self, uid: u32) -> &Answer<Account> {
        self.people.entry(uid).or_insert_with(|| account(User::from_uid(Uid::from_raw(uid))))
    }

    pub(super) fn person_named(&mut self, name: &str) -> &Answer<Account> {
        self.people_by_name.entry(name.to_owned()).or_insert_with(|| account(User::from_name(name)))
    }

    pub(super) fn group(&mut self, gid: u32) -> &Answer<Team> {
        self.groups.entry(gid).or_insert_with(|| team(Group::from_gid(Gid::from_raw(gid))))
    }

    pub(super) fn group_named(&mut self, name: &str) -> &Answer<Team> {
        self.groups_by_name.entry(name.to_owned()).or_insert_with(|| team(Group::from_name(name)))
    }
}

fn account(asked: nix::Result<Option<User>>) -> Answer<Account> {
    match asked {
        Ok(Some(user)) => match groups_of(&user) {
            Some(groups) => Answer::Known(Account { name: user.name, primary: user.gid.as_raw(), groups }),
            None => Answer::Failed,
        },
        Ok(None) => Answer::Nobody,
        Err(_) => Answer::Failed,
    }
}

#[cfg(not(target_vendor = "apple"))]
fn groups_of(user: &User) -> Option<BTreeSet<u32>> {
    let name = CString::new(user.name.as_bytes()).ok()?;
    let groups = nix::unistd::getgrouplist(&name, user.gid).ok()?;
    Some(groups.into_iter().map(Gid::as_raw).collect())
}

/// The system has no such question in a form that can be asked here; who cannot be told is left out.
#[cfg(target_vendor = "apple")]
fn groups_of(_: &User) -> Option<BTreeSet<u32>> {
    None
}

fn team(asked: nix::Result<Option<Group>>) -> Answer<Team> {
    match asked {
        Ok(Some(group)) => Answer::Known(Team { name: group.name, gid: group.gid.as_raw(), members: group.mem }),
        Ok(None) => Answer::Nobody,
        Err(_) => Answer::Failed,
    }
}
