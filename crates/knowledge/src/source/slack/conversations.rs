//! Which conversations an export has, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccessList, Quality};
use serde_json::Value;

use super::super::inventory::{Inventory, Reason};
use super::super::{MOST_TOKENS, Rights, unreadable};
use super::SlackConfig;
use super::archive::Archive;
use super::people::People;
use crate::KnowledgeError;
use crate::parse::clean_title;

/// Bytes of a list of people or conversations at most.
const MOST_BYTES: u64 = 128 << 20;

/// What kind of conversation a list holds: its file, and whether folders have ids for names.
const LISTS: [(&str, Kind); 4] = [
    ("channels.json", Kind::Channel),
    ("groups.json", Kind::Channel),
    ("dms.json", Kind::Direct),
    ("mpims.json", Kind::Several),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A channel, public or private.
    Channel,
    /// Two people.
    Direct,
    /// A few people.
    Several,
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conversation {
    /// Its id in Slack.
    pub(super) id: String,
    /// The folder of its messages.
    pub(super) folder: String,
    /// How it is called.
    pub(super) title: String,
    /// Its members.
    pub(super) access: AccessList,
}

impl Conversation {
    /// Who may see what was said.
    pub(super) fn rights(&self) -> Rights {
        Rights { access: Some(self.access.clone()), ..Rights::default() }
    }
}

/// People and conversations of an export.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) people: People,
    /// By folder.
    pub(super) conversations: Vec<Conversation>,
}

impl Export {
    /// Reads the lists. Each that is damaged is told, and then nothing counts as removed.
    pub(super) fn read(
        archive: &mut Archive,
        config: &SlackConfig,
        inventory: &mut Inventory,
    ) -> Result<Self, KnowledgeError> {
        if !LISTS.iter().any(|(name, _)| archive.has(name)) {
            return Err(unreadable("no channels.json, groups.json, dms.json or mpims.json is in it"));
        }
        let users = list(archive, "users.json", inventory).unwrap_or_default();
        let people = People::read(&users);
        let mut found: BTreeMap<String, Conversation> = BTreeMap::new();
        for (name, kind) in LISTS {
            let Some(listed) = list(archive, name, inventory) else { continue };
            for (value, number) in listed.as_array().into_iter().flatten().zip(1..) {
                match conversation(value, kind, &people, config) {
                    Ok(conversation) => add(&mut found, conversation, inventory),
                    Err(reason) => lost(inventory, format!("{name}, entry {number}"), reason),
                }
            }
        }
        let strangers = archive.folders().filter(|folder| !found.contains_key(*folder));
        strangers.for_each(|folder| inventory.flaw(folder, Reason::damaged("no list of the export names it")));
        Ok(Self { people, conversations: found.into_values().collect() })
    }
}

/// One of the lists; none where it is not there, or damaged, which is told.
fn list(archive: &mut Archive, name: &str, inventory: &mut Inventory) -> Option<Value> {
    if !archive.has(name) {
        return None;
    }
    let read = archive.read(name, MOST_BYTES).and_then(|bytes| {
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| at(&error))?;
        value.is_array().then_some(value).ok_or_else(|| Reason::damaged("it is no list"))
    });
    read.map_err(|reason| lost(inventory, name.to_owned(), reason)).ok()
}

/// Where JSON is damaged, without its words.
pub(super) fn at(error: &serde_json::Error) -> Reason {
    Reason::damaged(format_args!("line {}, column {}", error.line(), error.column()))
}

fn lost(inventory: &mut Inventory, name: String, reason: Reason) {
    inventory.flaw(name, reason);
    inventory.unlisted.push(String::new());
}

fn conversation(value: &Value, kind: Kind, people: &People, config: &SlackConfig) -> Result<Conversation, Reason> {
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let is_id = |id: &&str| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let id = text("id").filter(is_id).ok_or_else(|| Reason::damaged("it has no id"))?;
    let name = text("name").filter(|name| !name.is_empty());
    let folder = if kind == Kind::Direct { Some(id) } else { name };
    let folder = folder.ok_or_else(|| Reason::damaged("it has no name"))?;
    let members = value.get("members").and_then(Value::as_array);
    let title = match kind {
        Kind::Channel => format!("#{folder}"),
        Kind::Direct | Kind::Several => {
            let ids = members.into_iter().flatten().filter_map(Value::as_str);
            let names: Vec<&str> = ids.map(|id| people.name(id).unwrap_or(id)).collect();
            format!("Messages between {}", names.join(", "))
        }
    };
    Ok(Conversation {
        id: id.to_owned(),
        folder: folder.to_owned(),
        title: clean_title(&title).unwrap_or_default(),
        access: access(members, people, config),
    })
}

/// The list of a conversation: its members.
fn access(members: Option<&Vec<Value>>, people: &People, config: &SlackConfig) -> AccessList {
    let unknown = AccessList { quality: Quality::Unknown, ..AccessList::default() };
    let Some(members) = members.filter(|members| members.len() <= MOST_TOKENS) else { return unknown };
    let tokens: Vec<_> = members.iter().map(|member| people.token(member.as_str()?, config)).collect();
    let quality = if tokens.iter().all(Option::is_some) { Quality::Exact } else { Quality::Approximated };
    AccessList { allow: tokens.into_iter().flatten().collect(), deny: BTreeSet::new(), quality }
}

/// Two conversations that claim one folder are for nobody: whose its messages are cannot be told.
fn add(found: &mut BTreeMap<String, Conversation>, new: Conversation, inventory: &mut Inventory) {
    let detail = || "two conversations claim its messages".to_owned();
    if let Some(other) = found.get_mut(&new.folder) {
        if *other != new {
            other.access = AccessList { quality: Quality::Unknown, ..AccessList::default() };
            inventory.flaw(new.folder, Reason::ListUnknown { detail: detail() });
        }
        return;
    }
    if found.values().any(|other| other.id == new.id) {
        return lost(inventory, new.folder, Reason::damaged("another conversation has its id"));
    }
    if new.access.quality == Quality::Unknown {
        let detail = "it says no members".to_owned();
        inventory.flaw(new.folder.clone(), Reason::ListUnknown { detail });
    }
    found.insert(new.folder.clone(), new);
}
