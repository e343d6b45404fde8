//! Files below a folder. A document's id is its path below the folder, `/` between names.
//!
//! INVARIANT: nothing outside of the folder is read: no link is followed, whatever is swapped meanwhile.
//! INVARIANT: content and list of an item were there together: where either changes during the reading, it is refused.

mod accounts;
mod modes;
mod rights;
mod sidecar;

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use domain::Timestamp;
use rustix::fs::{FileType, Stat};
use serde::Deserialize;

use self::rights::{Found, Lists};
use super::inventory::{Inventory, Reason};
use super::opening::{look, names, open_file, open_folder, open_root, read_all, spell};
use super::{
    EachItem, Entry, Item, ItemContent, MOST_DEPTH, MOST_FILE_BYTES, MOST_ID_BYTES, Place, Rights, local, unreadable,
};
use crate::parse::{Format, clean_title};
use crate::{KnowledgeError, Measure};

/// A file that was written so recently may be written again without its time telling.
const SETTLED_AFTER_MICROS: i64 = 2_000_000;

/// Where the lists of files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListsOfFiles {
    /// `NAME.access.json` beside a file, `.access.json` in its folder or one above; where there is none, the source's
    /// default. Unless something else is said: a list that lies there must hold.
    #[default]
    Sidecar,
    /// Owner, group and modes of files and folders. What lies above the source's folder is not asked.
    Posix,
    /// The source's default for all.
    None,
}

/// The settings of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderConfig {
    /// The folder. It may be a link; nothing below it may.
    pub path: PathBuf,
    /// Where lists come from; sidecar files unless given.
    #[serde(default)]
    pub lists: ListsOfFiles,
    /// The directory of which names of owners are external ids; `local` unless given.
    #[serde(default = "local")]
    pub people_source: String,
    /// The same of names of groups.
    #[serde(default = "local")]
    pub group_source: String,
}

/// Files below a folder.
#[derive(Debug, Clone)]
pub struct FolderSource {
    config: FolderConfig,
}

impl FolderSource {
    /// A folder; it is not looked at yet.
    #[must_use]
    pub const fn new(config: FolderConfig) -> Self {
        Self { config }
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// What is there. Hidden files and folders are passed over in silence.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where the folder itself cannot be listed.
    pub fn list(&self, now: Timestamp) -> Result<Inventory, KnowledgeError> {
        let root = self.root()?;
        let found = names(&root).map_err(unreadable)?;
        let mut walk = Walk { lists: Lists::new(&self.config), inventory: Inventory::default(), now, is_full: false };
        let above = walk.lists.root(&root);
        if let Some(detail) = &above.flaw {
            walk.inventory.flaw(".access.json", Reason::ListUnknown { detail: detail.clone() });
        }
        walk.folder(&root, &[], &above, found);
        Ok(walk.inventory)
    }

    /// Reads files of a listing.
    pub fn read(&self, wanted: &[&Entry], now: Timestamp, each: &mut EachItem<'_>) {
        for entry in wanted {
            if each(entry, self.item(entry, now)).is_break() {
                return;
            }
        }
    }

    fn root(&self) -> Result<OwnedFd, KnowledgeError> {
        open_root(&self.config.path).map_err(unreadable)
    }

    fn item(&self, entry: &Entry, now: Timestamp) -> Result<Item, KnowledgeError> {
        let Place::File(path) = &entry.place else { return Err(unreadable("it is no file")) };
        let sight = self.sight(path)?;
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        let too_large = KnowledgeError::TooLarge { what: Measure::Bytes, limit: MOST_FILE_BYTES };
        let (file, opened) = open_file(&sight.folder, name).map_err(unreadable)?;
        let bytes = read_all(file, MOST_FILE_BYTES).map_err(unreadable)?.ok_or(too_large)?;
        let after = self.sight(path)?;
        // What was opened counts as well: two swaps may leave all else as it was.
        let is_one = [&opened, &after.stat].into_iter().all(|stat| state(stat) == state(&sight.stat));
        if !is_one || sight.rights != after.rights {
            return Err(unreadable("it changed while it was read: it comes with the next listing"));
        }
        let name = spell(name);
        Ok(Item {
            external_id: entry.external_id.clone(),
            title: clean_title(&name).unwrap_or_default(),
            content: ItemContent::File { bytes, media_type: None, name },
            url: None,
            updated_at: Some(Timestamp::from_micros(modified(&sight.stat))),
            source_version: version(&sight.stat, now),
            rights: sight.rights,
        })
    }

    /// A file as it stands there now, from the source's folder down.
    fn sight(&self, path: &[u8]) -> Result<Sight, KnowledgeError> {
        let mut lists = Lists::new(&self.config);
        let mut folder = self.root()?;
        let mut above = lists.root(&folder);
        let mut steps = path.split(|byte| *byte == b'/').peekable();
        while let Some(name) = steps.next() {
            if steps.peek().is_none() {
                let stat = look(&folder, name).map_err(unreadable)?;
                let rights = lists.file(&folder, &above, name, &stat).rights;
                return Ok(Sight { folder, stat, rights });
            }
            let next = open_folder(&folder, name).map_err(unreadable)?;
            above = lists.folder(&next, &above);
            folder = next;
        }
        Err(unreadable("it has no name"))
    }
}

/// A file, the folder it lies in, and who may see it.
struct Sight {
    folder: OwnedFd,
    stat: Stat,
    rights: Rights,
}

/// A listing in the making.
struct Walk<'c> {
    lists: Lists<'c>,
    inventory: Inventory,
    now: Timestamp,
    is_full: bool,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &OwnedFd, path: &[&[u8]], above: &Found, names: Vec<Vec<u8>>) {
        for name in names {
            if self.is_full {
                return;
            }
            if name.starts_with(b".") || name.ends_with(sidecar::SUFFIX) {
                continue;
            }
            let path = [path, &[name.as_slice()]].concat();
            let id = path.iter().map(|name| spell(name)).collect::<Vec<_>>().join("/");
            match look(folder, &name) {
                Ok(stat) => self.found(folder, &path, above, (id, &stat)),
                // Gone since the folder was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.inventory.leave_out(id, Reason::unreadable(error)),
            }
        }
    }

    fn found(&mut self, folder: &OwnedFd, path: &[&[u8]], above: &Found, (id, stat): (String, &Stat)) {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => self.below(folder, path, above, id),
            FileType::RegularFile => self.file(folder, path, above, (id, stat)),
            FileType::Symlink => self.inventory.flaw(id, Reason::Link),
            _ => self.inventory.flaw(id, Reason::NotAFile),
        }
    }

    fn below(&mut self, folder: &OwnedFd, path: &[&[u8]], above: &Found, id: String) {
        if path.len() >= MOST_DEPTH {
            return self.inventory.leave_out(id, Reason::TooMany { limit: MOST_DEPTH as u64 });
        }
        let name = path.last().copied().unwrap_or_default();
        let opened = open_folder(folder, name).and_then(|folder| Ok((names(&folder)?, folder)));
        match opened {
            Ok((names, folder)) => {
                let above = self.lists.folder(&folder, above);
                if let Some(detail) = above.flaw.clone() {
                    self.inventory.flaw(format!("{id}/.access.json"), Reason::ListUnknown { detail });
                }
                self.folder(&folder, path, &above, names);
            }
            Err(error) => self.inventory.leave_out(id, Reason::unreadable(error)),
        }
    }

    fn file(&mut self, folder: &OwnedFd, path: &[&[u8]], above: &Found, (id, stat): (String, &Stat)) {
        let name = path.last().copied().unwrap_or_default();
        if Format::of_name(&String::from_utf8_lossy(name)).is_none() {
            return self.inventory.flaw(id, Reason::OtherFormat);
        }
        if u64::try_from(stat.st_size).unwrap_or_default() > MOST_FILE_BYTES {
            return self.inventory.flaw(id, Reason::TooLarge { limit: MOST_FILE_BYTES });
        }
        if id.len() > MOST_ID_BYTES {
            return self.inventory.flaw(id, Reason::LongPath);
        }
        let Found { rights, flaw, .. } = self.lists.file(folder, above, name, stat);
        if let Some(detail) = flaw {
            self.inventory.flaw(id.clone(), Reason::ListUnknown { detail });
        }
        let source_version = version(stat, self.now);
        let place = Place::File(path.join(&b'/'));
        self.is_full = !self.inventory.add(Entry { external_id: id, source_version, rights, place });
    }
}

/// Microseconds since 1970 of the last change of its content.
fn modified(stat: &Stat) -> i64 {
    stat.st_mtime.saturating_mul(1_000_000).saturating_add(nanoseconds(stat) / 1_000)
}

fn nanoseconds(stat: &Stat) -> i64 {
    i64::try_from(stat.st_mtime_nsec).unwrap_or_default()
}

/// What changes when a file does.
fn state(stat: &Stat) -> (i64, i64, i64, u64) {
    (stat.st_size, stat.st_mtime, nanoseconds(stat), stat.st_ino)
}

/// A file's version: size, time and inode. Within two seconds of its time another write might keep all three, so the
/// version of a file that is as fresh (or from the future) is one that never comes again.
fn version(stat: &Stat, now: Timestamp) -> String {
    let (size, seconds, nanos, inode) = state(stat);
    let settled = format!("{size}-{seconds}.{nanos:09}-{inode}");
    match modified(stat).saturating_add(SETTLED_AFTER_MICROS) <= now.micros() {
        true => settled,
        false => format!("{settled}-{}", now.micros()),
    }
}
