//! Conversations of an export of Slack, zipped or unpacked. A thread with its replies is a document, and so is what else
//! was said in a conversation on one day. Whoever is a member of the conversation may see it, of a public channel too.
//!
//! INVARIANT: a list holds members that the export names for that conversation and nobody else.

mod archive;
mod conversations;
mod messages;
mod people;
mod writing;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::archive::Archive;
use self::conversations::{Conversation, Export};
use self::messages::{Message, day_of, read_day};
use self::writing::{Writing, documents};
use super::digest::Digest;
use super::inventory::Inventory;
use super::{EachItem, Entry, Item, ItemContent, Place, Rights, unreadable};
use crate::KnowledgeError;

/// Bytes of all messages of one conversation at most, unpacked.
const MOST_CONVERSATION_BYTES: u64 = 512 << 20;

/// By what members are known in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKey {
    /// By their id in Slack: `U0123ABCD`.
    #[default]
    Id,
    /// By the address in their profile, in lower case.
    Email,
}

/// The settings of an export.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlackConfig {
    /// The zip file, or the folder it was unpacked to.
    pub path: PathBuf,
    /// The directory that members are people of.
    pub people_source: String,
    /// By what they are known there; `id` unless given.
    #[serde(default)]
    pub people: MemberKey,
}

/// An export of Slack.
#[derive(Debug, Clone)]
pub struct SlackSource {
    config: SlackConfig,
}

impl SlackSource {
    /// An export; it is not looked at yet.
    #[must_use]
    pub const fn new(config: SlackConfig) -> Self {
        Self { config }
    }

    /// The zip file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.config.path
    }

    /// What is there. All of it is read, one conversation after the other.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where there is no export.
    pub fn list(&self) -> Result<Inventory, KnowledgeError> {
        let mut inventory = Inventory::default();
        let (mut archive, export) = self.open(&mut inventory)?;
        for conversation in &export.conversations {
            let messages = read_conversation(&mut archive, conversation, &mut inventory);
            for writing in documents(conversation, &export.people, &messages) {
                if !inventory.add(entry(conversation, &writing)) {
                    return Ok(inventory);
                }
            }
        }
        Ok(inventory)
    }

    fn open(&self, inventory: &mut Inventory) -> Result<(Archive, Export), KnowledgeError> {
        let mut archive = Archive::open(&self.config.path)?;
        let export = Export::read(&mut archive, &self.config, inventory)?;
        Ok((archive, export))
    }

    /// Reads documents of a listing, one conversation after the other.
    pub fn read(&self, wanted: &[&Entry], each: &mut EachItem<'_>) {
        let mut by_conversation: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in wanted {
            let id = match &entry.place {
                Place::Conversation(id) => id.as_str(),
                _ => "",
            };
            by_conversation.entry(id).or_default().push(entry);
        }
        let mut opened = self.open(&mut Inventory::default());
        for (id, entries) in by_conversation {
            let found = match &mut opened {
                Ok((archive, export)) => Ok(written(archive, export, id)),
                Err(error) => Err(error.clone()),
            };
            for entry in entries {
                let item = found.as_ref().map_err(Clone::clone).and_then(|found| item(entry, found));
                if each(entry, item).is_break() {
                    return;
                }
            }
        }
    }
}

/// A document with the rights of its conversation.
type Written = BTreeMap<String, (Writing, Rights)>;

fn written(archive: &mut Archive, export: &Export, id: &str) -> Written {
    let Some(conversation) = export.conversations.iter().find(|conversation| conversation.id == id) else {
        return Written::new();
    };
    let messages = read_conversation(archive, conversation, &mut Inventory::default());
    let all = documents(conversation, &export.people, &messages);
    all.into_iter().map(|writing| (writing.external_id.clone(), (writing, conversation.rights()))).collect()
}

fn entry(conversation: &Conversation, writing: &Writing) -> Entry {
    Entry {
        external_id: writing.external_id.clone(),
        source_version: version(writing),
        rights: conversation.rights(),
        place: Place::Conversation(conversation.id.clone()),
    }
}

fn item(entry: &Entry, found: &Written) -> Result<Item, KnowledgeError> {
    let (writing, rights) = found.get(&entry.external_id).ok_or_else(|| unreadable("it is no longer in the export"))?;
    Ok(Item {
        external_id: entry.external_id.clone(),
        title: writing.title.clone(),
        content: ItemContent::Text(writing.text.clone()),
        url: None,
        updated_at: writing.updated_at,
        source_version: version(writing),
        rights: rights.clone(),
    })
}

fn version(writing: &Writing) -> String {
    let mut digest = Digest::default();
    for part in [&writing.title, &writing.text] {
        digest.add(&(part.len() as u64).to_be_bytes());
        digest.add(part.as_bytes());
    }
    digest.short()
}

/// The messages of a conversation by their time. A day that cannot be read is told, and the others go on.
fn read_conversation(
    archive: &mut Archive,
    conversation: &Conversation,
    inventory: &mut Inventory,
) -> BTreeMap<String, Message> {
    let mut messages = BTreeMap::new();
    let mut left = MOST_CONVERSATION_BYTES;
    for name in archive.files_of(&conversation.folder) {
        let Some(day) = day_of(&name) else { continue };
        let path = format!("{}/{name}", conversation.folder);
        let read = archive.read(&path, left).and_then(|bytes| {
            left = left.saturating_sub(bytes.len() as u64);
            read_day(&bytes, day)
        });
        match read {
            Ok(day) => messages.extend(day),
            Err(reason) => {
                inventory.flaw(path, reason);
                inventory.unlisted.push(conversation.id.clone());
            }
        }
    }
    messages
}
