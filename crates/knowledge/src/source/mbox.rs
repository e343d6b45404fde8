//! Mails of mailboxes in the mbox format: one file, or every `*.mbox` in a folder. A document's id is its `Message-ID`.
//! The server looks at headers only; what a mail carries is read by the parser's child process.
//!
//! INVARIANT: a message's list names addresses of its own headers and nobody else.

mod letterhead;
mod split;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::letterhead::Letterhead;
use self::split::{Message, Messages};
use super::digest::Digest;
use super::inventory::{Inventory, Reason};
use super::opening::{names, open_file, open_path, open_root, spell};
use super::{EachItem, Entry, Item, ItemContent, MOST_FILE_BYTES, MOST_ID_BYTES, Place, Rights, unreadable};
use crate::KnowledgeError;
use crate::parse::clean_title;

/// How names of mailboxes in a folder end.
const SUFFIX: &[u8] = b".mbox";

/// The settings of mailboxes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MboxConfig {
    /// A mailbox, or a folder with files that end in `.mbox`; folders in it are left alone.
    pub path: PathBuf,
    /// The directory in which people's external ids are their addresses in lower case. An address is no key anywhere
    /// else: with another directory, mails are for nobody.
    pub people_source: String,
}

/// Mails of mailboxes.
#[derive(Debug, Clone)]
pub struct MboxSource {
    config: MboxConfig,
}

/// Where mailboxes lie.
enum Mailboxes {
    /// In this folder.
    Folder(OwnedFd),
    /// At the configured path.
    Single,
}

impl Mailboxes {
    fn open(&self, path: &Path, name: &[u8]) -> std::io::Result<File> {
        match self {
            Self::Folder(folder) => open_file(folder, name),
            Self::Single => open_path(path),
        }
        .map(|(file, _)| file)
    }
}

impl MboxSource {
    /// Mailboxes; they are not looked at yet.
    #[must_use]
    pub const fn new(config: MboxConfig) -> Self {
        Self { config }
    }

    /// The mailbox, or the folder of them.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// What is there. Every mailbox is read once, in pieces.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where the path is neither a mailbox nor a folder that can be listed.
    pub fn list(&self) -> Result<Inventory, KnowledgeError> {
        let (mailboxes, names) = self.mailboxes()?;
        let mut listing = Listing { source: &self.config.people_source, ..Listing::new() };
        for name in names {
            match mailboxes.open(&self.config.path, &name) {
                Ok(file) => listing.mailbox(&name, file),
                // Which mails are in it nobody knows, so none is taken for removed.
                Err(error) => listing.lost(&name, Reason::unreadable(error)),
            }
        }
        Ok(listing.inventory)
    }

    fn mailboxes(&self) -> Result<(Mailboxes, Vec<Vec<u8>>), KnowledgeError> {
        let path = &self.config.path;
        if std::fs::metadata(path).map_err(unreadable)?.is_dir() {
            let folder = open_root(path).map_err(unreadable)?;
            let mut names = names(&folder).map_err(unreadable)?;
            names.retain(|name| name.ends_with(SUFFIX) && !name.starts_with(b"."));
            return Ok((Mailboxes::Folder(folder), names));
        }
        open_path(path).map_err(unreadable)?;
        let name = path.file_name().map(|name| name.as_bytes().to_vec()).unwrap_or_default();
        Ok((Mailboxes::Single, vec![name]))
    }

    /// Reads mails of a listing, those of one mailbox in their order.
    pub fn read(&self, wanted: &[&Entry], each: &mut EachItem<'_>) {
        let mailboxes = self.mailboxes();
        let mut open: Option<(&[u8], File)> = None;
        let mut sorted = wanted.to_vec();
        sorted.sort_by_key(|entry| match &entry.place {
            Place::Message { mailbox, start, .. } => (mailbox.as_slice(), *start),
            _ => (&[][..], 0),
        });
        for entry in sorted {
            let item = match &mailboxes {
                Ok((mailboxes, _)) => self.item(entry, mailboxes, &mut open),
                Err(error) => Err(error.clone()),
            };
            if each(entry, item).is_break() {
                return;
            }
        }
    }

    fn item<'e>(
        &self,
        entry: &'e Entry,
        mailboxes: &Mailboxes,
        open: &mut Option<(&'e [u8], File)>,
    ) -> Result<Item, KnowledgeError> {
        let Place::Message { mailbox, start, length } = &entry.place else { return Err(unreadable("it is no mail")) };
        let file = match open.take() {
            Some((name, file)) if name == mailbox.as_slice() => file,
            _ => mailboxes.open(&self.config.path, mailbox).map_err(unreadable)?,
        };
        let (_, file) = open.insert((mailbox, file));
        file.seek(SeekFrom::Start(*start)).map_err(unreadable)?;
        let bytes = split::unquoted(file, *length).map_err(unreadable)?;
        if Digest::of(&bytes) != entry.source_version {
            return Err(unreadable("the mailbox changed since it was listed: the mail comes with the next listing"));
        }
        let letterhead = Letterhead::read(split::headers_of(&bytes), &self.config.people_source);
        Ok(Item {
            external_id: entry.external_id.clone(),
            title: letterhead.subject.as_deref().and_then(clean_title).unwrap_or_default(),
            content: ItemContent::File {
                bytes,
                media_type: Some("message/rfc822".to_owned()),
                name: "message.eml".to_owned(),
            },
            url: None,
            updated_at: letterhead.date,
            source_version: entry.source_version.clone(),
            rights: Rights { access: Some(letterhead.access), ..Rights::default() },
        })
    }
}

/// A listing in the making.
struct Listing<'c> {
    source: &'c str,
    inventory: Inventory,
    /// The version of the first mail with an id, and of those that have it too.
    seen: HashMap<String, Vec<String>>,
    is_full: bool,
}

impl Listing<'_> {
    fn new() -> Self {
        Self { source: "", inventory: Inventory::default(), seen: HashMap::new(), is_full: false }
    }

    fn lost(&mut self, name: &[u8], reason: Reason) {
        self.inventory.flaw(spell(name), reason);
        self.inventory.unlisted.push(String::new());
    }

    fn mailbox(&mut self, name: &[u8], file: File) {
        for (message, number) in Messages::new(BufReader::with_capacity(1 << 16, file)).zip(1_u64..) {
            if self.is_full {
                return;
            }
            match message {
                Ok(message) => self.message(name, number, message),
                Err(error) => return self.lost(name, Reason::unreadable(error)),
            }
        }
    }

    fn message(&mut self, mailbox: &[u8], number: u64, message: Message) {
        let Message { start, length, headers, version, is_whole } = message;
        let name = || format!("{} message {number}", spell(mailbox));
        if length > MOST_FILE_BYTES {
            return self.inventory.flaw(name(), Reason::TooLarge { limit: MOST_FILE_BYTES });
        }
        if !is_whole {
            return self.inventory.flaw(name(), Reason::damaged("its headers have no end"));
        }
        let letterhead = Letterhead::read(&headers, self.source);
        if letterhead.is_empty {
            // Most likely a line of the mail before that begins with `From `: whose words it is nobody knows.
            self.inventory.flaw(name(), Reason::ListUnknown { detail: "it has no headers of a mail".to_owned() });
        } else if letterhead.access.allow.is_empty() {
            let detail = "it names no address that can be read".to_owned();
            self.inventory.flaw(name(), Reason::ListUnknown { detail });
        }
        let Some(external_id) = self.id(letterhead.id, &version) else { return };
        let rights = Rights { access: Some(letterhead.access), ..Rights::default() };
        let place = Place::Message { mailbox: mailbox.to_vec(), start, length };
        self.is_full = !self.inventory.add(Entry { external_id, source_version: version, rights, place });
    }

    /// The id of a mail; none where the very same is there already. Another mail with an id that is taken has the
    /// beginning of its digest behind it.
    fn id(&mut self, id: Option<String>, version: &str) -> Option<String> {
        let fits = |id: &String| id.len() + 33 <= MOST_ID_BYTES && !id.chars().any(char::is_control);
        let id = id.filter(fits).unwrap_or_else(|| format!("sha256:{version}"));
        let versions = self.seen.entry(id.clone()).or_default();
        if versions.iter().any(|seen| seen == version) {
            return None;
        }
        versions.push(version.to_owned());
        Some(if versions.len() == 1 { id } else { format!("{id}#{version}") })
    }
}
