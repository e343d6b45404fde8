//! Sources that are read here, in real folders.

mod folder;
mod mbox;
mod scratch;
mod slack;
mod watch;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use domain::{AccessList, ListToken, Timestamp};
use knowledge::KnowledgeError;
use knowledge::source::{Inventory, Item, ItemContent, Source};

/// Long after every file of a test was written.
fn later() -> Timestamp {
    "2100-01-01T00:00:00Z".parse().unwrap()
}

/// A list in one line: its quality where that is not exact, who is let in, and after a stroke who is not.
fn show(list: Option<&AccessList>) -> String {
    let Some(list) = list else { return "the source's".to_owned() };
    let token = |token: &ListToken| match token {
        ListToken::Id(id) => id.to_string(),
        ListToken::External { external_id, .. } => external_id.clone(),
    };
    let mut shown = match list.quality {
        domain::Quality::Exact => String::new(),
        other => format!("{other:?} "),
    };
    shown += &list.allow.iter().map(token).collect::<Vec<_>>().join(" ");
    if !list.deny.is_empty() {
        shown += " | ";
        shown += &list.deny.iter().map(token).collect::<Vec<_>>().join(" ");
    }
    shown
}

/// Each document with its list.
fn lists(inventory: &Inventory) -> BTreeMap<&str, String> {
    inventory.entries.iter().map(|entry| (entry.external_id.as_str(), show(entry.rights.access.as_ref()))).collect()
}

/// Each flaw in one line.
fn flaws(inventory: &Inventory) -> Vec<String> {
    inventory.flaws.iter().map(|flaw| format!("{} {}", flaw.name, flaw.reason)).collect()
}

/// Whether a name has a flaw that says these words.
fn has_flaw(inventory: &Inventory, name: &str, words: &str) -> bool {
    inventory.flaws.iter().any(|flaw| flaw.name == name && flaw.reason.to_string().contains(words))
}

/// Everything of a listing, read.
fn read(source: &Source, inventory: &Inventory) -> BTreeMap<String, Result<Item, KnowledgeError>> {
    let wanted: Vec<_> = inventory.entries.iter().collect();
    let mut items = BTreeMap::new();
    source.read(&wanted, later(), &mut |entry, item| {
        if let Ok(item) = &item {
            assert_eq!((&item.external_id, &item.rights), (&entry.external_id, &entry.rights));
            assert_eq!(item.source_version, entry.source_version);
        }
        assert!(items.insert(entry.external_id.clone(), item).is_none(), "each is told once");
        ControlFlow::Continue(())
    });
    items
}

/// What an item says, as text.
fn text(item: &Item) -> String {
    match &item.content {
        ItemContent::Text(text) => text.clone(),
        ItemContent::File { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
    }
}
