//! Sources that this server reads by itself: a folder, mailboxes, an export of Slack. A reader says what is there *now*;
//! [`SyncPlan`] compares that with what is known. Reading blocks: run it on a thread for it.
//!
//! INVARIANT: a list that cannot be read whole is unknown, and never the wider one that would hold without it.
//! INVARIANT: what could not be listed is told as such, so that nothing below it is taken for removed.

mod digest;
mod folder;
mod inventory;
mod mbox;
mod opening;
mod plan;
mod slack;
mod watch;

use std::ops::ControlFlow;
use std::path::Path;

use domain::{AccessList, Attributes, Timestamp};
use serde::Deserialize;
use serde_json::Value;

pub use folder::{FolderConfig, FolderSource, ListsOfFiles};
pub use inventory::{Flaw, Inventory, Reason};
pub use mbox::{MboxConfig, MboxSource};
pub use plan::{Known, Narrowing, SyncPlan};
pub use slack::{MemberKey, SlackConfig, SlackSource};
pub use watch::{SourceWatcher, Told};

use crate::KnowledgeError;

/// Documents of one source at most; what comes after counts as not listed.
pub const MOST_ENTRIES: usize = 1_000_000;
/// Bytes of one file at most: what is larger is told and left out.
pub const MOST_FILE_BYTES: u64 = 200 << 20;
/// Folders inside of each other at most, the source's own counted.
pub const MOST_DEPTH: usize = 64;
/// Bytes of an external id at most, as documents that are sent may have.
pub const MOST_ID_BYTES: usize = 512;
/// Tokens in a list at most, as lists that are sent may have; a longer one is unknown.
pub const MOST_TOKENS: usize = 50_000;

/// What a document's source says of who may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Its list; none where the source's default holds.
    pub access: Option<AccessList>,
    /// How sensitive it is said to be.
    pub sensitivity: Option<String>,
    /// What policies may name.
    pub attributes: Attributes,
}

/// A document that is there now, without what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its id at the source, at most [`MOST_ID_BYTES`] long, unique in its [`Inventory`].
    pub external_id: String,
    /// Another one when what it says is another. It says nothing of rights, which are compared by themselves.
    pub source_version: String,
    /// Who may see it.
    pub rights: Rights,
    place: Place,
}

/// Where a reader finds a document again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A path of bytes below the source's folder.
    File(Vec<u8>),
    /// A stretch of a mailbox, bytes from its beginning.
    Message { mailbox: Vec<u8>, start: u64, length: u64 },
    /// A conversation of an export, by its id.
    Conversation(String),
}

/// What a document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemContent {
    /// Text as it is.
    Text(String),
    /// A file, for [`crate::parse`] in its child process.
    File {
        /// Its bytes, at most [`MOST_FILE_BYTES`].
        bytes: Vec<u8>,
        /// Its media type, where that is known better than from name and bytes.
        media_type: Option<String>,
        /// Its name.
        name: String,
    },
}

/// A document with what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id at the source.
    pub external_id: String,
    /// Its title on one line; empty where only its content can tell.
    pub title: String,
    /// What it says.
    pub content: ItemContent,
    /// Where people find it.
    pub url: Option<String>,
    /// When it was last changed, as the source tells. It is for people to see and must not decide what is newer: a
    /// file that is restored has an older time and is the current one all the same. Where what is known has a later
    /// time, put this version without one, for the store leaves a put with an older time alone, its list included.
    pub updated_at: Option<Timestamp>,
    /// Its version, of the very bytes that are here.
    pub source_version: String,
    /// Who may see it, as of the reading.
    pub rights: Rights,
}

/// A source that is read by this server.
#[derive(Debug, Clone)]
pub enum Source {
    /// Files below a folder.
    Folder(FolderSource),
    /// Mails of one mailbox, or of the mailboxes in a folder.
    Mbox(MboxSource),
    /// Conversations of an export of Slack.
    SlackExport(SlackSource),
}

/// What a reader calls for each document; it may say that it has enough.
pub type EachItem<'a> = dyn FnMut(&Entry, Result<Item, KnowledgeError>) -> ControlFlow<()> + 'a;

impl Source {
    /// A source of kind `folder`, `mbox` or `slack_export`, from its settings. It does not look at the disk.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where the kind or a setting is not known.
    pub fn from_settings(kind: &str, config: Value) -> Result<Self, KnowledgeError> {
        Ok(match kind {
            "folder" => Self::Folder(FolderSource::new(settings(config)?)),
            "mbox" => Self::Mbox(MboxSource::new(settings(config)?)),
            "slack_export" => Self::SlackExport(SlackSource::new(settings(config)?)),
            _ => return Err(unreadable("no kind but `folder`, `mbox` and `slack_export` is read")),
        })
    }

    /// The file or folder that it reads, for [`SourceWatcher`].
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder.path(),
            Self::Mbox(mbox) => mbox.path(),
            Self::SlackExport(export) => export.path(),
        }
    }

    /// What is there. `now` tells files that may be changing at this moment; they count as changed once more.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where nothing of it can be listed; flaws of parts are in the [`Inventory`].
    pub fn list(&self, now: Timestamp) -> Result<Inventory, KnowledgeError> {
        match self {
            Self::Folder(folder) => folder.list(now),
            Self::Mbox(mbox) => mbox.list(),
            Self::SlackExport(export) => export.list(),
        }
    }

    /// Reads documents, each told to `each` with what became of it, in an order that suits the source. An error is one
    /// document's: [`KnowledgeError::TooLarge`], or [`KnowledgeError::SourceUnreadable`] also where it is no longer what
    /// was listed. The next listing finds it then.
    pub fn read(&self, wanted: &[&Entry], now: Timestamp, each: &mut EachItem<'_>) {
        match self {
            Self::Folder(folder) => folder.read(wanted, now, each),
            Self::Mbox(mbox) => mbox.read(wanted, each),
            Self::SlackExport(export) => export.read(wanted, each),
        }
    }
}

fn settings<'de, T: Deserialize<'de>>(config: Value) -> Result<T, KnowledgeError> {
    T::deserialize(config).map_err(|error| unreadable(format_args!("its settings: {error}")))
}

fn unreadable(detail: impl std::fmt::Display) -> KnowledgeError {
    // What a system or a parser says may be long.
    KnowledgeError::SourceUnreadable { detail: detail.to_string().chars().take(200).collect() }
}

/// The directory whose names are meant where a configuration says none.
fn local() -> String {
    "local".to_owned()
}
