//! Who may see a file: what lies beside it, or its owner and modes, with what holds for the folders above it.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use domain::{AccessList, ListToken, Quality, Token};
use rustix::fs::{Stat, flistxattr, fstat, llistxattr};
use rustix::io::Errno;

use super::accounts::{Accounts, Answer, Team};
use super::modes::{Modes, Readers, readers};
use super::sidecar;
use super::{FolderConfig, ListsOfFiles, Rights};

/// Extended attributes that let in or turn away people and groups by name.
const NAMED_ENTRIES: [&[u8]; 3] = [b"system.posix_acl_access", b"system.nfs4_acl", b"system.richacl"];

/// What holds at a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub(super) rights: Rights,
    /// What is wrong with the list that lies here; nothing of those above.
    pub(super) flaw: Option<String>,
    /// The folders down to here, where modes decide.
    folders: Vec<Modes>,
}

/// Finds out who may see files.
#[derive(Debug)]
pub(super) struct Lists<'c> {
    config: &'c FolderConfig,
    accounts: Accounts,
}

impl<'c> Lists<'c> {
    pub(super) fn new(config: &'c FolderConfig) -> Self {
        Self { config, accounts: Accounts::default() }
    }

    /// What holds in the source's own folder.
    pub(super) fn root(&self, folder: &OwnedFd) -> Found {
        self.folder(folder, &Found::default())
    }

    /// What holds in a folder below another.
    pub(super) fn folder(&self, folder: &OwnedFd, above: &Found) -> Found {
        match self.config.lists {
            ListsOfFiles::None => Found::default(),
            ListsOfFiles::Sidecar => beside(folder, sidecar::SUFFIX, above),
            ListsOfFiles::Posix => {
                let mut folders = above.folders.clone();
                // A folder that says nothing of itself lets nobody through.
                let modes = fstat(folder).map(|stat| modes(&stat, has_named_entries(folder)));
                folders.push(modes.unwrap_or(Modes { uid: u32::MAX, gid: u32::MAX, mode: 0, extended: true }));
                Found { folders, ..Found::default() }
            }
        }
    }

    /// What holds for a file in a folder.
    pub(super) fn file(&mut self, folder: &OwnedFd, above: &Found, name: &[u8], stat: &Stat) -> Found {
        match self.config.lists {
            ListsOfFiles::None => Found::default(),
            ListsOfFiles::Sidecar => beside(folder, &[name, sidecar::SUFFIX].concat(), above),
            ListsOfFiles::Posix => {
                let file = modes(stat, has_named_entries_at(folder, name));
                let access = Some(self.by_modes(file, &above.folders));
                Found { rights: Rights { access, ..Rights::default() }, ..Found::default() }
            }
        }
    }

    fn by_modes(&mut self, file: Modes, folders: &[Modes]) -> AccessList {
        let owner = self.accounts.person(file.uid).clone();
        let owner_groups = match &owner {
            Answer::Known(account) => account.groups.clone(),
            // An owner without a name may be in any group: their own one is the one that counts.
            Answer::Nobody | Answer::Failed => BTreeSet::from([file.gid]),
        };
        let mut readers = readers(file, folders, &owner_groups);
        let mut allow = BTreeSet::new();
        if readers.everyone {
            allow.insert(ListToken::Id(Token::Everyone));
        }
        if readers.owner {
            self.add_owner(&owner, &mut allow, &mut readers);
        }
        if readers.group {
            self.add_group(file.gid, &mut allow, &mut readers);
        }
        let quality = if readers.exact { Quality::Exact } else { Quality::Approximated };
        AccessList { allow, deny: BTreeSet::new(), quality }
    }

    fn add_owner(
        &mut self,
        owner: &Answer<super::accounts::Account>,
        allow: &mut BTreeSet<ListToken>,
        readers: &mut Readers,
    ) {
        let Answer::Known(account) = owner else {
            readers.exact = false;
            return;
        };
        let alone = |team: &Team| team.gid == account.primary && team.members.iter().all(|name| *name == account.name);
        // In one directory the name could come to mean the group.
        let is_clear = self.config.people_source != self.config.group_source
            || match self.accounts.group_named(&account.name) {
                Answer::Known(team) => alone(team),
                Answer::Nobody => true,
                Answer::Failed => false,
            };
        match is_clear {
            true => _ = allow.insert(token(&self.config.people_source, &account.name)),
            false => readers.exact = false,
        }
    }

    fn add_group(&mut self, gid: u32, allow: &mut BTreeSet<ListToken>, readers: &mut Readers) {
        let Answer::Known(team) = self.accounts.group(gid).clone() else {
            readers.exact = false;
            return;
        };
        let shared = self.config.people_source == self.config.group_source;
        let namesake = if shared { self.accounts.person_named(&team.name).clone() } else { Answer::Nobody };
        // In one directory the name could come to mean the person: no harm where they are a member.
        let (is_clear, is_all) = match namesake {
            Answer::Nobody => (true, true),
            Answer::Known(person) => {
                let alone = person.primary == gid && team.members.iter().all(|name| *name == person.name);
                (person.groups.contains(&gid), alone)
            }
            Answer::Failed => (false, false),
        };
        if is_clear {
            allow.insert(token(&self.config.group_source, &team.name));
        }
        readers.exact &= is_clear && is_all;
    }
}

/// What a file of lists in a folder says, or else what holds above.
fn beside(folder: &OwnedFd, name: &[u8], above: &Found) -> Found {
    match sidecar::read(folder, name) {
        None => Found { rights: above.rights.clone(), ..Found::default() },
        Some(Ok(rights)) => Found { rights, ..Found::default() },
        Some(Err(detail)) => Found { rights: sidecar::unknown(), flaw: Some(detail), ..Found::default() },
    }
}

fn token(source: &str, name: &str) -> ListToken {
    ListToken::External { source: source.to_owned(), external_id: name.to_owned() }
}

const fn modes(stat: &Stat, extended: bool) -> Modes {
    Modes { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o777, extended }
}

fn has_named_entries(folder: impl AsFd) -> bool {
    let mut names = [0; 4096];
    let listed = flistxattr(folder, &mut names);
    names_entries(&names, listed)
}

/// The same of a file that need not be open, and of a link itself. Where the system has no such path, nothing is known.
fn has_named_entries_at(folder: &OwnedFd, name: &[u8]) -> bool {
    let path = [format!("/proc/self/fd/{}/", folder.as_raw_fd()).as_bytes(), name].concat();
    let mut names = [0; 4096];
    let listed = llistxattr(path.as_slice(), &mut names);
    names_entries(&names, listed)
}

fn names_entries(names: &[u8], listed: Result<usize, Errno>) -> bool {
    match listed {
        Ok(length) => {
            let mut names = names.get(..length).unwrap_or(names).split(|byte| *byte == 0);
            names.any(|name| NAMED_ENTRIES.contains(&name))
        }
        // A file system that has none.
        Err(Errno::OPNOTSUPP) => false,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::super::accounts::Account;
    use super::*;

    fn account(name: &str, primary: u32, groups: &[u32]) -> Answer<Account> {
        Answer::Known(Account { name: name.to_owned(), primary, groups: groups.iter().copied().collect() })
    }

    fn team(name: &str, gid: u32, members: &[&str]) -> Answer<Team> {
        Answer::Known(Team { name: name.to_owned(), gid, members: members.iter().map(|&name| name.into()).collect() })
    }

    /// ada (1) has a group to herself; staff (7) is a group of hers and also somebody's name.
    fn accounts(staff_is_a_person: Answer<Account>) -> Accounts {
        let nobody = Answer::Nobody;
        Accounts {
            people: HashMap::from([(1, account("ada", 1, &[1, 7])), (2, Answer::Nobody)]),
            people_by_name: HashMap::from([
                ("staff".to_owned(), staff_is_a_person),
                ("ada".to_owned(), account("ada", 1, &[1, 7])),
            ]),
            groups: HashMap::from([(1, team("ada", 1, &[])), (7, team("staff", 7, &["ada"])), (9, Answer::Failed)]),
            groups_by_name: HashMap::from([("ada".to_owned(), team("ada", 1, &[])), ("bob".to_owned(), nobody)]),
        }
    }

    fn list(group_source: &str, staff: Answer<Account>, (uid, gid, mode): (u32, u32, u32)) -> AccessList {
        let config = FolderConfig {
            path: "unused".into(),
            lists: ListsOfFiles::Posix,
            people_source: "local".to_owned(),
            group_source: group_source.to_owned(),
        };
        let mut lists = Lists { config: &config, accounts: accounts(staff) };
        lists.by_modes(Modes { uid, gid, mode, extended: false }, &[])
    }

    fn check(list: &AccessList, names: &[&str], quality: Quality) {
        let shown: Vec<String> = list
            .allow
            .iter()
            .map(|token| match token {
                ListToken::Id(id) => id.to_string(),
                ListToken::External { source, external_id } => format!("{source} {external_id}"),
            })
            .collect();
        assert_eq!((shown.iter().map(String::as_str).collect::<Vec<_>>(), list.quality), (names.to_vec(), quality));
    }

    #[test]
    fn owner_and_group_are_named_where_they_have_names() {
        let exact = Quality::Exact;
        check(&list("local", Answer::Nobody, (1, 7, 0o640)), &["local ada", "local staff"], exact);
        check(&list("teams", Answer::Nobody, (1, 7, 0o644)), &["everyone", "local ada", "teams staff"], exact);
        check(&list("local", Answer::Nobody, (1, 1, 0o640)), &["local ada"], exact);
        check(&list("local", Answer::Nobody, (1, 7, 0o000)), &[], exact);
        check(&list("local", Answer::Nobody, (2, 7, 0o640)), &["local staff"], Quality::Approximated);
        check(&list("local", Answer::Nobody, (1, 9, 0o640)), &["local ada"], Quality::Approximated);
    }

    #[test]
    fn a_name_that_may_mean_a_stranger_is_left_out() {
        let stranger = account("staff", 8, &[8]);
        check(&list("local", stranger.clone(), (1, 7, 0o640)), &["local ada"], Quality::Approximated);
        check(&list("teams", stranger, (1, 7, 0o640)), &["local ada", "teams staff"], Quality::Exact);
        let member = account("staff", 8, &[8, 7]);
        check(&list("local", member, (1, 7, 0o640)), &["local ada", "local staff"], Quality::Approximated);
        check(&list("local", Answer::Failed, (1, 7, 0o640)), &["local ada"], Quality::Approximated);
    }
}
