//! Opening files below a folder without ever leaving it.
//!
//! INVARIANT: every step goes from an open folder to a name in it and follows no link, so that whatever is swapped
//! between looking and reading, what is read lies below the folder that was opened first.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fstat, open, openat, statat};

/// Opens a source's own folder, to which links may lead: who configured it chose it.
pub(super) fn open_root(path: &Path) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Opens a folder in a folder.
pub(super) fn open_folder(at: impl AsFd, name: &[u8]) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

/// Opens a regular file in a folder, with what the system says of it.
pub(super) fn open_file(at: impl AsFd, name: &[u8]) -> io::Result<(File, Stat)> {
    // A pipe would keep an opener waiting.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(at, name, flags, Mode::empty())?;
    let stat = fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((File::from(file), stat)),
        _ => Err(io::Error::other("it is no regular file")),
    }
}

/// Opens a regular file by its path, to which links may lead.
pub(super) fn open_path(path: &Path) -> io::Result<(File, Stat)> {
    let file = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
    let stat = fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((File::from(file), stat)),
        _ => Err(io::Error::other("it is no regular file")),
    }
}

/// What the system says of a name in a folder; of a link, of the link itself.
pub(super) fn look(at: impl AsFd, name: &[u8]) -> io::Result<Stat> {
    Ok(statat(at, name, AtFlags::SYMLINK_NOFOLLOW)?)
}

/// The names in a folder, sorted.
pub(super) fn names(folder: impl AsFd) -> io::Result<Vec<Vec<u8>>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// All bytes of a file; none where there are more than `limit`, whatever was said of its size.
pub(super) fn read_all(file: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    // One byte more than allowed is enough to know that there are too many.
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// A name as text: what is no UTF-8, control characters and `%` itself are `%` and two hex digits, so that no two names
/// become one.
pub(super) fn spell(name: &[u8]) -> String {
    let mut spelled = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '%' => spelled.push_str("%25"),
                control if control.is_control() => escape(control.encode_utf8(&mut [0; 4]).as_bytes(), &mut spelled),
                other => spelled.push(other),
            }
        }
        escape(chunk.invalid(), &mut spelled);
    }
    spelled
}

fn escape(bytes: &[u8], spelled: &mut String) {
    for byte in bytes {
        spelled.push('%');
        for digit in [byte >> 4, byte & 15] {
            spelled.extend(char::from_digit(u32::from(digit), 16).map(|digit| digit.to_ascii_uppercase()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_spelled_so_that_none_is_lost() {
        for (name, spelled) in [
            (&b"plan.md"[..], "plan.md"),
            ("Grüße.md".as_bytes(), "Grüße.md"),
            (b"100%.md", "100%25.md"),
            (b"caf\xe9.txt", "caf%E9.txt"),
            (b"a\nb", "a%0Ab"),
        ] {
            assert_eq!(spell(name), spelled);
        }
    }

    proptest! {
        #[test]
        fn two_names_are_never_spelled_alike(names in proptest::collection::btree_set(
            proptest::collection::vec(prop_oneof![Just(b'%'), Just(b'2'), Just(b'5'), any::<u8>()], 1..4), 0..40))
        {
            let spelled: BTreeSet<String> = names.iter().map(|name| spell(name)).collect();
            prop_assert_eq!(spelled.len(), names.len());
            prop_assert!(spelled.iter().all(|name| !name.chars().any(char::is_control)));
        }
    }
}
