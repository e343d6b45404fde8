//! Lists as OpenAI pages them, and what a deletion answers.

use serde::{Deserialize, Serialize};

use crate::literal::literals;

literals! {
    /// Always `list`.
    ListObject = "list";
}

/// One page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct List<T> {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The entries.
    pub data: Vec<T>,
    /// The first entry's id; `null` on an empty page.
    #[serde(default)]
    pub first_id: Option<String>,
    /// The last entry's id, for `after`.
    #[serde(default)]
    pub last_id: Option<String>,
    /// Whether more follow.
    #[serde(default)]
    pub has_more: bool,
}

impl<T> List<T> {
    /// A page whose entries have these ids.
    pub fn page(data: Vec<T>, has_more: bool, id: impl Fn(&T) -> String) -> Self {
        let (first_id, last_id) = (data.first().map(&id), data.last().map(&id));
        Self { object: ListObject, data, first_id, last_id, has_more }
    }
}

/// What a deletion answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// What was deleted.
    pub id: String,
    /// Its kind and `.deleted`: `conversation.deleted`.
    pub object: String,
    /// Always true.
    pub deleted: bool,
}

impl Deleted {
    /// Says that a thing of a kind (`conversation`) is gone.
    pub fn new(kind: &str, id: impl Into<String>) -> Self {
        Self { id: id.into(), object: format!("{kind}.deleted"), deleted: true }
    }
}
