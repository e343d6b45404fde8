//! The files of an export: in a zip file or in a folder, at most one folder deep.
//!
//! INVARIANT: nothing is unpacked to disk, no name leads out of the export, and what is unpacked is counted while it is
//! read; the sizes that the file states are never asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::FileType;
use zip::ZipArchive;

use super::super::inventory::Reason;
use super::super::opening::{look, names, open_file, open_folder, open_path, open_root, read_all};
use super::super::unreadable;
use crate::KnowledgeError;

/// Files in an export at most.
const MOST_FILES: usize = 1_000_000;
/// Bytes of one file at most, unpacked.
const MOST_BYTES: u64 = 128 << 20;
/// Bytes unpacked for each byte of the zip file at most. Messages pack to a tenth or so.
const MOST_EXPANSION: u64 = 200;
/// What that limit leaves alone.
const HARMLESS_BYTES: u64 = 64 << 20;

/// An export that is open.
pub(super) struct Archive {
    files: Files,
    /// Names of files by folder; those that lie in none under the empty name.
    names: BTreeMap<String, BTreeSet<String>>,
    /// Bytes that may still be unpacked.
    left: u64,
}

enum Files {
    Zip(Box<ZipArchive<BufReader<File>>>),
    Folder(OwnedFd),
}

impl Archive {
    /// Opens an export.
    pub(super) fn open(path: &Path) -> Result<Self, KnowledgeError> {
        if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            let root = open_root(path).map_err(unreadable)?;
            let names = names_below(&root).map_err(unreadable)?;
            return Ok(Self { files: Files::Folder(root), names, left: u64::MAX });
        }
        let (file, stat) = open_path(path).map_err(unreadable)?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
        if zip.len() > MOST_FILES {
            return Err(unreadable(format_args!("it has more than {MOST_FILES} files")));
        }
        let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in zip.file_names() {
            // A name in no known encoding is none that an export has.
            if let Some((folder, name)) = name.as_ref().ok().and_then(|name| parts(name)) {
                names.entry(folder.to_owned()).or_default().insert(name.to_owned());
            }
        }
        let size = u64::try_from(stat.st_size).unwrap_or_default();
        let left = size.saturating_mul(MOST_EXPANSION).max(HARMLESS_BYTES);
        Ok(Self { files: Files::Zip(Box::new(zip)), names, left })
    }

    /// The names of the files in a folder, sorted.
    pub(super) fn files_of(&self, folder: &str) -> Vec<String> {
        self.names.get(folder).into_iter().flatten().cloned().collect()
    }

    /// The names of the folders, sorted.
    pub(super) fn folders(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|name| !name.is_empty())
    }

    /// Whether there is a file that lies in no folder.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.get("").is_some_and(|names| names.contains(name))
    }

    /// The bytes of a file, as many as `limit` at most.
    pub(super) fn read(&mut self, path: &str, limit: u64) -> Result<Vec<u8>, Reason> {
        let limit = limit.min(MOST_BYTES).min(self.left);
        let read = match &mut self.files {
            Files::Zip(zip) => match zip.by_name(path) {
                Ok(file) => read_all(file, limit),
                Err(error) => return Err(Reason::damaged(error)),
            },
            Files::Folder(root) => read_below(root, path, limit),
        };
        let bytes = read.map_err(Reason::unreadable)?;
        // What was unpacked in vain was unpacked.
        self.left = self.left.saturating_sub(bytes.as_ref().map_or(limit, |bytes| bytes.len() as u64));
        bytes.ok_or(Reason::TooLarge { limit })
    }
}

/// Folder and name of a file; none for what is no file of an export.
fn parts(path: &str) -> Option<(&str, &str)> {
    let (folder, name) = path.split_once('/').unwrap_or(("", path));
    let is_inside = |part: &str| !part.contains(['/', '\\', '\0']) && part != "." && part != "..";
    (is_inside(folder) && is_inside(name) && !name.is_empty() && (!folder.is_empty() || !path.starts_with('/')))
        .then_some((folder, name))
}

fn names_below(root: &OwnedFd) -> io::Result<BTreeMap<String, BTreeSet<String>>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in texts(names(root)?) {
        match FileType::from_raw_mode(look(root, name.as_bytes())?.st_mode) {
            FileType::Directory => {
                // Where one cannot be listed, nothing is: what was in it would be taken for removed.
                let inside = open_folder(root, name.as_bytes()).and_then(names)?;
                found.insert(name, texts(inside).collect());
            }
            FileType::RegularFile => _ = found.entry(String::new()).or_default().insert(name),
            _ => {}
        }
    }
    Ok(found)
}

fn texts(names: Vec<Vec<u8>>) -> impl Iterator<Item = String> {
    names.into_iter().filter_map(|name| String::from_utf8(name).ok())
}

fn read_below(root: &OwnedFd, path: &str, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match path.split_once('/') {
        Some((folder, name)) => open_file(open_folder(root, folder.as_bytes())?, name.as_bytes())?.0,
        None => open_file(root, path.as_bytes())?.0,
    };
    read_all(file, limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_are_no_files() {
        assert_eq!(parts("users.json"), Some(("", "users.json")));
        assert_eq!(parts("general/2026-01-01.json"), Some(("general", "2026-01-01.json")));
        for strange in ["../users.json", "/users.json", "general/../x", "general/", "a/b/c.json", "a\\b", "", ".."] {
            assert_eq!(parts(strange), None, "{strange}");
        }
    }
}
