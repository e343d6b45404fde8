//! The Conversations API: a thread of items that outlives a response.

use serde::{Deserialize, Serialize};

use crate::chat::Metadata;
use crate::list::List;
use crate::literal::literals;
use crate::response::{Item, check_items};
use crate::rules;
use crate::strict::{InvalidParameter, text_map};

/// Most items of one request.
const MAX_ITEMS: usize = 20;

literals! {
    /// Always `conversation`.
    ConversationObject = "conversation";
}

/// A conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversation {
    /// Names it (`cnv_...`).
    pub id: String,
    /// Always `conversation`.
    #[serde(default)]
    pub object: ConversationObject,
    /// Unix time in seconds.
    pub created_at: i64,
    /// What the client attached.
    #[serde(default)]
    pub metadata: Metadata,
}

/// `POST /v1/conversations`: at most 20 items to begin with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConversationRequest {
    /// Items to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Vec<Item>>,
    /// Kept with the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text_map")]
    pub metadata: Option<Metadata>,
}

impl ConversationRequest {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        let items = self.items.as_deref().unwrap_or_default();
        rules::at_most("items", items.len(), MAX_ITEMS, "items")?;
        check_items("items", items, true)?;
        rules::metadata(self.metadata.as_ref())
    }
}

/// `POST /v1/conversations/{id}`: replaces the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConversationUpdate {
    /// The new metadata; `null` clears it, leaving it out is an error.
    #[serde(with = "text_map")]
    pub metadata: Option<Metadata>,
}

impl ConversationUpdate {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        rules::metadata(self.metadata.as_ref())
    }
}

/// `POST /v1/conversations/{id}/items`: 1 to 20 items.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ItemsRequest {
    /// Items to append.
    pub items: Vec<Item>,
}

impl ItemsRequest {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        if self.items.is_empty() {
            return Err(InvalidParameter::value("items", "expected at least one item"));
        }
        rules::at_most("items", self.items.len(), MAX_ITEMS, "items")?;
        check_items("items", &self.items, false)
    }
}

/// A page of a conversation, or of a response's input.
pub type ItemList = List<Item>;
