//! What owners and modes of a file and of the folders above it say, as a list can say it.
//!
//! INVARIANT: whoever the answer lets in may read the file by POSIX's rule (POSIX.1-2017, 4.5): the owner is judged by
//! the owner's bits alone, a member of the group by the group's alone, all others by the rest; and folders by "execute".

use std::collections::BTreeSet;

/// Owner, group and mode of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Modes {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The lowest nine bits count.
    pub(super) mode: u32,
    /// Whether it has entries besides, for people and groups by name: only the owner is as the mode says then.
    pub(super) extended: bool,
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Readers {
    /// Its owner.
    pub(super) owner: bool,
    /// The members of its group, all of them.
    pub(super) group: bool,
    /// Everyone.
    pub(super) everyone: bool,
    /// Whether that is all there is to say, or only a part that is certain.
    pub(super) exact: bool,
}

/// Whether people of a kind come through a folder. Where it depends on who they are it cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    All,
    Nobody,
    Some,
}

/// Bits of one class: 4 read, 2 write, 1 execute.
impl Modes {
    const fn owner(self) -> u32 {
        self.mode >> 6
    }

    const fn group(self) -> u32 {
        self.mode >> 3
    }

    const fn others(self) -> u32 {
        self.mode
    }
}

const READ: u32 = 4;
const EXECUTE: u32 = 1;
/// The superuser, who passes everywhere and is nobody's colleague: that they own a folder narrows nothing.
const SUPERUSER: u32 = 0;

/// Who may read a file below these folders, the outermost first. `owner_groups` are the groups of the file's owner.
pub(super) fn readers(file: Modes, folders: &[Modes], owner_groups: &BTreeSet<u32>) -> Readers {
    let through = |judge: &dyn Fn(Modes) -> Passage| passage(folders.iter().map(|folder| judge(*folder)));
    let owner_passes = through(&|folder| owner_passage(file, folder, owner_groups));
    let group_passes = through(&|folder| group_passage(file, folder));
    let others_pass = through(&|folder| others_passage(file, folder));
    let owner_reads = file.owner() & READ != 0;
    let group_reads = file.group() & READ != 0;
    let others_read = file.others() & READ != 0;
    let owner = owner_reads && owner_passes == Passage::All;
    // The owner may be a member, and is judged as the owner all the same.
    let owner_may_join = owner || !owner_groups.contains(&file.gid);
    let group = !file.extended && group_reads && owner_may_join && group_passes == Passage::All;
    let everyone = !file.extended && others_read && group && owner && everyone_passes(folders);
    let said = |is_in: bool, reads: bool, passes: Passage| is_in || !reads || passes == Passage::Nobody;
    let exact = !file.extended
        && said(owner, owner_reads, owner_passes)
        && said(group, group_reads, group_passes)
        && said(everyone, others_read, others_pass);
    Readers { owner, group, everyone, exact }
}

/// Through all folders: who is stopped by one is stopped.
fn passage(folders: impl Iterator<Item = Passage>) -> Passage {
    folders.fold(Passage::All, |before, next| match (before, next) {
        (Passage::Nobody, _) | (_, Passage::Nobody) => Passage::Nobody,
        (Passage::All, Passage::All) => Passage::All,
        _ => Passage::Some,
    })
}

fn owner_passage(file: Modes, folder: Modes, owner_groups: &BTreeSet<u32>) -> Passage {
    let bits = match folder {
        own if own.uid == file.uid => own.owner(),
        Modes { extended: true, .. } => return Passage::Some,
        shared if owner_groups.contains(&shared.gid) => shared.group(),
        strange => strange.others(),
    };
    if bits & EXECUTE != 0 { Passage::All } else { Passage::Nobody }
}

/// Members of the file's group but its owner.
fn group_passage(file: Modes, folder: Modes) -> Passage {
    let as_others = (folder.gid != file.gid).then_some(folder.others());
    judge(folder, file, [Some(folder.group()), as_others])
}

/// Those who are neither the file's owner nor in its group.
fn others_passage(file: Modes, folder: Modes) -> Passage {
    let as_members = (folder.gid != file.gid).then_some(folder.group());
    judge(folder, file, [as_members, Some(folder.others())])
}

fn judge(folder: Modes, file: Modes, classes: [Option<u32>; 2]) -> Passage {
    // Somebody of them may own the folder; the file's owner is not of them.
    let as_owner = (folder.uid != SUPERUSER && folder.uid != file.uid).then_some(folder.owner());
    let mut bits = classes.into_iter().chain([as_owner]).flatten().map(|bits| bits & EXECUTE != 0);
    let all = bits.clone().all(|passes| passes);
    match (all && !folder.extended, bits.any(|passes| passes)) {
        (true, _) => Passage::All,
        (_, false) if !folder.extended => Passage::Nobody,
        _ => Passage::Some,
    }
}

fn everyone_passes(folders: &[Modes]) -> bool {
    folders.iter().all(|folder| {
        let owner = folder.uid == SUPERUSER || folder.owner() & EXECUTE != 0;
        owner && !folder.extended && folder.group() & folder.others() & EXECUTE != 0
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn modes(uid: u32, gid: u32, mode: u32) -> Modes {
        Modes { uid, gid, mode, extended: false }
    }

    fn check(file: Modes, folders: &[Modes], groups: &[u32], expected: &str) {
        let readers = readers(file, folders, &groups.iter().copied().collect());
        let named = [(readers.owner, "owner"), (readers.group, "group"), (readers.everyone, "everyone")];
        let mut said: Vec<&str> = named.into_iter().filter(|(is_in, _)| *is_in).map(|(_, name)| name).collect();
        said.push(if readers.exact { "exactly" } else { "at least" });
        assert_eq!(said.join(" "), expected, "{file:?} below {folders:?}");
    }

    #[test]
    fn folders_narrow_what_files_say() {
        let open = modes(0, 0, 0o755);
        check(modes(1, 7, 0o644), &[open], &[7], "owner group everyone exactly");
        check(modes(1, 7, 0o640), &[open], &[7], "owner group exactly");
        check(modes(1, 7, 0o600), &[open], &[], "owner exactly");
        check(modes(1, 7, 0o000), &[open], &[], "exactly");
        check(modes(1, 7, 0o644), &[open, modes(1, 7, 0o700)], &[7], "owner exactly");
        check(modes(1, 7, 0o644), &[open, modes(0, 7, 0o750)], &[7], "owner group exactly");
        check(modes(1, 7, 0o644), &[modes(0, 8, 0o750)], &[7], "at least");
        check(modes(1, 7, 0o644), &[modes(2, 7, 0o700)], &[7], "at least");
        check(modes(1, 7, 0o044), &[open], &[7], "at least");
        check(modes(1, 7, 0o604), &[open], &[7], "owner at least");
        let mut extended = modes(1, 7, 0o644);
        extended.extended = true;
        check(extended, &[open], &[7], "owner at least");
        check(modes(1, 7, 0o644), &[Modes { extended: true, ..open }], &[7], "at least");
        check(modes(1, 7, 0o644), &[Modes { extended: true, ..modes(1, 7, 0o755) }], &[7], "owner at least");
    }

    /// POSIX's rule, for one person.
    fn may(person: (u32, &BTreeSet<u32>), of: Modes, bit: u32) -> bool {
        let shift = if person.0 == of.uid {
            6
        } else if person.1.contains(&of.gid) {
            3
        } else {
            0
        };
        of.mode >> shift & bit != 0
    }

    fn any_modes() -> impl Strategy<Value = Modes> {
        (0_u32..4, 1_u32..4, 0_u32..0o1000).prop_map(|(uid, gid, mode)| modes(uid, gid, mode))
    }

    proptest! {
        #[test]
        fn nobody_is_let_in_whom_posix_turns_away(
            file in any_modes(),
            folders in proptest::collection::vec(any_modes(), 0..3),
            owner_groups in proptest::collection::btree_set(1_u32..4, 0..4),
        ) {
            let readers = readers(file, &folders, &owner_groups);
            let all_groups = (0_u32..8).map(|bits| (1_u32..4).filter(|gid| bits >> (gid - 1) & 1 == 1).collect());
            for groups in all_groups.collect::<Vec<BTreeSet<u32>>>() {
                // People 1 to 5: of some the file or a folder is, of some nothing. The superuser is left aside.
                for uid in 1..6_u32 {
                    let groups = if uid == file.uid { &owner_groups } else { &groups };
                    let person = (uid, groups);
                    let may = may(person, file, READ) && folders.iter().all(|folder| may(person, *folder, EXECUTE));
                    let is_in = readers.everyone
                        || readers.group && groups.contains(&file.gid)
                        || readers.owner && uid == file.uid;
                    prop_assert!(may || !is_in, "{uid} of {groups:?} is let in by {readers:?}");
                    prop_assert!(!may || is_in || !readers.exact, "{uid} of {groups:?} is left out of {readers:?}");
                }
            }
        }
    }
}
