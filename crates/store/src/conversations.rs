//! Conversations kept here: each item carries what it was made from, and leaves sealed.

use access::{Access, Sealed};
use domain::{ConversationId, Principal, Provenance, Timestamp};
use serde_json::Value as Json;

use crate::contents::{self, Contents};
use crate::database::{Row, Sql, Value, Writing, json, values};
use crate::error::StoreError;
use crate::retention::{among, ids_of};
use crate::store::Store;

/// A conversation without its items.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Whose it is.
    pub owner: Principal,
    /// What the client attached.
    pub metadata: Json,
    /// When it was made.
    pub created_at: Timestamp,
}

/// One turn, tool call or result.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationItem {
    /// Its id, unique in its conversation.
    pub id: String,
    /// What it was made from.
    pub provenance: Provenance,
    /// The item in the shape of the API.
    pub content: Json,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Store {
    /// Keeps a new conversation with its first items.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an id that is there already.
    pub async fn add_conversation(
        &self,
        conversation: &Conversation,
        items: Vec<ConversationItem>,
    ) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO conversations (id, owner, created_at) VALUES ($1, $2, $3)";
        let Conversation { id, owner, metadata, created_at } = conversation;
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, values![*id, *owner, *created_at])).await?;
        self.contents().add(&mut writing, id.to_string(), metadata).await?;
        self.insert_items(&mut writing, (*id, *owner), items).await?;
        writing.commit().await
    }

    /// One conversation.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn conversation(&self, id: ConversationId) -> Result<Option<Sealed<Conversation>>, StoreError> {
        const SELECT: &str = "SELECT c.id, c.owner, c.created_at, COALESCE(a.body, b.body) AS metadata \
            FROM conversations c LEFT JOIN contents_a a ON a.id = c.id LEFT JOIN contents_b b ON b.id = c.id \
            WHERE c.id = $1";
        let row = self.database().fetch_optional((SELECT, values![id])).await?;
        row.map(|row| conversation(&row).map(seal)).transpose()
    }

    /// Replaces what the client attached; only the owner's is found. Answers whether it was.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn set_conversation_metadata(
        &self,
        access: &Access,
        id: ConversationId,
        metadata: &Json,
    ) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let found = owned(&mut writing, access, id).await?;
        if found {
            contents::remove(&mut writing, &[id.to_string()]).await?;
            self.contents().add(&mut writing, id.to_string(), metadata).await?;
        }
        writing.commit().await?;
        Ok(found)
    }

    /// Adds items at the end of the caller's own conversation. Answers whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an item id that is there already; then none is added.
    pub async fn add_items(
        &self,
        access: &Access,
        id: ConversationId,
        items: Vec<ConversationItem>,
    ) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        if !owned(&mut writing, access, id).await? {
            return writing.commit().await.map(|()| false);
        }
        self.insert_items(&mut writing, (id, access.principal()), items).await?;
        writing.commit().await.map(|()| true)
    }

    /// The items of a conversation, as they were added.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn items(&self, id: ConversationId) -> Result<Vec<Sealed<ConversationItem>>, StoreError> {
        let mut select = Sql::from(SELECT_ITEMS);
        select.bind(id).push(" ORDER BY i.position");
        self.database().fetch_all(select).await?.iter().map(item).collect()
    }

    /// One item of a conversation.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn item(
        &self,
        id: ConversationId,
        item_id: &str,
    ) -> Result<Option<Sealed<ConversationItem>>, StoreError> {
        let mut select = Sql::from(SELECT_ITEMS);
        select.bind(id).push(" AND i.id = ").bind(item_id);
        self.database().fetch_optional(select).await?.as_ref().map(item).transpose()
    }

    /// Deletes an item of the caller's own conversation. Answers whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn delete_item(&self, access: &Access, id: ConversationId, item_id: &str) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let mut deleted = 0;
        if owned(&mut writing, access, id).await? {
            let delete = "DELETE FROM conversation_items WHERE conversation_id = $1 AND id = $2";
            deleted = writing.execute((delete, values![id, item_id])).await?;
            contents::remove(&mut writing, &[content_id(id, item_id)]).await?;
        }
        writing.commit().await?;
        Ok(deleted > 0)
    }

    /// Deletes the caller's own conversation with its items. Answers whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn delete_conversation(&self, access: &Access, id: ConversationId) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let found = owned(&mut writing, access, id).await?;
        if found {
            remove_conversations(&mut writing, &[id.to_string()]).await?;
        }
        writing.commit().await?;
        Ok(found)
    }

    async fn insert_items(
        &self,
        writing: &mut Writing,
        (conversation, owner): (ConversationId, Principal),
        items: Vec<ConversationItem>,
    ) -> Result<(), StoreError> {
        for item in items {
            let row = ItemRow::encode(conversation, owner, &item)?;
            if let Err(error) = row.append(writing, self.contents()).await {
                return Err(writing.abort(error).await);
            }
        }
        Ok(())
    }
}

/// An item as text and numbers: its row and that of its content.
#[derive(Debug, Clone)]
pub(crate) struct ItemRow {
    row: Vec<Value>,
    content: Vec<Value>,
}

impl ItemRow {
    pub(crate) fn encode(
        conversation: ConversationId,
        owner: Principal,
        item: &ConversationItem,
    ) -> Result<Self, StoreError> {
        let ConversationItem { id, provenance, content, created_at } = item;
        let row = values![conversation, owner, id.as_str(), json(provenance)?, *created_at];
        Ok(Self { row, content: values![content_id(conversation, id), json(content)?] })
    }

    /// Adds it at the end of the owner's conversation; nothing where there is none. A failure leaves the transaction
    /// as it is.
    pub(crate) async fn append(&self, writing: &mut Writing, contents: &Contents) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO conversation_items (conversation_id, position, id, provenance, created_at) \
            SELECT c.id, (SELECT COALESCE(MAX(position), 0) + 1 FROM conversation_items WHERE conversation_id = c.id), \
            $3, $4, $5 FROM conversations c WHERE c.id = $1 AND c.owner = $2";
        if writing.attempt((INSERT, self.row.clone())).await? > 0 {
            writing.attempt((contents.insert_one(), self.content.clone())).await?;
        }
        Ok(())
    }

    /// Bytes of text, roughly.
    pub(crate) fn size(&self) -> usize {
        self.row.iter().chain(&self.content).map(Value::size).sum()
    }
}

const SELECT_ITEMS: &str = "SELECT i.id, i.provenance, i.created_at, c.owner, COALESCE(a.body, b.body) AS content \
    FROM conversation_items i JOIN conversations c ON c.id = i.conversation_id \
    LEFT JOIN contents_a a ON a.id = i.conversation_id || '/' || i.id \
    LEFT JOIN contents_b b ON b.id = i.conversation_id || '/' || i.id WHERE i.conversation_id = ";

/// Removes conversations with their items and all that was said in them. Answers how many there were.
pub(crate) async fn remove_conversations(writing: &mut Writing, ids: &[String]) -> Result<u64, StoreError> {
    // An item's content is under `content_id`.
    let said = "SELECT conversation_id || '/' || id AS id FROM conversation_items WHERE conversation_id IN ";
    let items = ids_of(&writing.fetch_all(among(said, ids)).await?)?;
    contents::remove(writing, &items).await?;
    contents::remove(writing, ids).await?;
    writing.execute(among("DELETE FROM conversation_items WHERE conversation_id IN ", ids)).await?;
    writing.execute(among("DELETE FROM conversations WHERE id IN ", ids)).await
}

/// Under which id the content of an item is kept.
fn content_id(conversation: ConversationId, item: &str) -> String {
    format!("{conversation}/{item}")
}

async fn owned(writing: &mut Writing, access: &Access, id: ConversationId) -> Result<bool, StoreError> {
    let select = "SELECT id FROM conversations WHERE id = $1 AND owner = $2";
    Ok(!writing.fetch_all((select, values![id, access.principal()])).await?.is_empty())
}

fn conversation(row: &Row) -> Result<Conversation, StoreError> {
    Ok(Conversation {
        id: row.parsed("id")?,
        owner: row.parsed("owner")?,
        metadata: row.json("metadata")?,
        created_at: row.time("created_at")?,
    })
}

fn seal(conversation: Conversation) -> Sealed<Conversation> {
    let owner = conversation.owner;
    Sealed::new(conversation, Some(owner), Provenance::words_of(owner))
}

fn item(row: &Row) -> Result<Sealed<ConversationItem>, StoreError> {
    let owner: Principal = row.parsed("owner")?;
    let item = ConversationItem {
        id: row.text("id")?.to_owned(),
        provenance: row.json("provenance")?,
        content: row.json("content")?,
        created_at: row.time("created_at")?,
    };
    let provenance = item.provenance.clone();
    Ok(Sealed::new(item, Some(owner), provenance))
}
