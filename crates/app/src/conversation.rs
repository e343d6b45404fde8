//! Conversations kept here: a person's own thread of items, which responses continue. Each item carries what it was
//! made from; turns that the asker may no longer read are left out.

use access::{Access, Sealed, open};
use domain::{Capture, ConversationId, Provenance};
use serde_json::Value;
use store::ConversationItem;
use wire::conversation::{Conversation, ConversationRequest, ConversationUpdate};
use wire::response::Item;

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::need_to_know;
use crate::response::with_id;

/// Begins a conversation.
///
/// # Errors
/// The capture mode keeps no words, or the state could not be written.
pub async fn create(app: &App, asker: &Asker, request: ConversationRequest) -> Result<Conversation, AppError> {
    request.validate()?;
    let capture = asker.caller.capture().narrowed_to(asker.capture.unwrap_or_default());
    if capture != Capture::Full {
        return Err(AppError::Invalid {
            param: None,
            message:
                "the capture mode of this request keeps no words, so it cannot begin a conversation: use a key with \
                      capture `full`"
                    .to_owned(),
            code: "capture_keeps_nothing",
        });
    }
    let now = app.now();
    let conversation = store::Conversation {
        id: ConversationId::from_uuid(app.ids.uuid(now)),
        owner: asker.caller.principal(),
        metadata: serde_json::to_value(request.metadata.unwrap_or_default()).unwrap_or_default(),
        created_at: now,
    };
    let items = request.items.unwrap_or_default().into_iter().map(|item| with_id(item, &app.ids, now)).collect();
    app.store.add_conversation(&conversation, in_own_words(app, asker, items).await?).await?;
    Ok(shown(&conversation))
}

/// One of the asker's conversations.
///
/// # Errors
/// Not found, also where it is somebody else's.
pub async fn conversation(app: &App, asker: &Asker, id: &str) -> Result<Conversation, AppError> {
    found(app, asker, id).await.map(|conversation| shown(&conversation))
}

/// Replaces the metadata of one of the asker's conversations.
///
/// # Errors
/// Not found, or the state could not be written.
pub async fn update(app: &App, asker: &Asker, id: &str, update: ConversationUpdate) -> Result<Conversation, AppError> {
    update.validate()?;
    let mut conversation = found(app, asker, id).await?;
    conversation.metadata = serde_json::to_value(update.metadata.unwrap_or_default()).unwrap_or_default();
    let access = access_of(app, asker);
    present(app.store.set_conversation_metadata(&access, conversation.id, &conversation.metadata).await?)?;
    Ok(shown(&conversation))
}

/// Deletes one of the asker's conversations with its items.
///
/// # Errors
/// Not found, or the state could not be written.
pub async fn delete(app: &App, asker: &Asker, id: &str) -> Result<(), AppError> {
    let conversation = found(app, asker, id).await?;
    present(app.store.delete_conversation(&access_of(app, asker), conversation.id).await?)
}

/// The items of one of the asker's conversations, oldest first.
///
/// # Errors
/// Not found, or the state could not be read.
pub async fn items(app: &App, asker: &Asker, id: &str) -> Result<Vec<Item>, AppError> {
    Ok(turns(app, asker, id).await?.into_iter().map(|(item, _)| item).collect())
}

/// The same, each with what it was made from.
pub(crate) async fn turns(app: &App, asker: &Asker, id: &str) -> Result<Vec<(Item, Provenance)>, AppError> {
    let id = found(app, asker, id).await?.id;
    let access = access_of(app, asker);
    let opened = app.store.items(id).await?.into_iter().filter_map(|sealed| {
        let provenance = sealed.facts().1;
        Some((opened(app, &access, sealed)?, provenance))
    });
    Ok(opened.collect())
}

/// An item as far as the asker may see it; none where they may not.
fn opened(app: &App, access: &Access, sealed: Sealed<ConversationItem>) -> Option<Item> {
    let stored = open(access, sealed).ok()?.into_inner();
    let item = serde_json::from_value(stored.content).ok()?;
    need_to_know::left_of_item(app, access, (item, &stored.provenance))
}

/// Adds items to one of the asker's conversations.
///
/// # Errors
/// Not found, or the state could not be written.
pub async fn add_items(app: &App, asker: &Asker, id: &str, new: Vec<Item>) -> Result<Vec<Item>, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    let now = app.now();
    let new: Vec<Item> = new.into_iter().map(|item| with_id(item, &app.ids, now)).collect();
    let items = in_own_words(app, asker, new.clone()).await?;
    present(app.store.add_items(&access_of(app, asker), id, items).await?)?;
    Ok(new)
}

/// One item of one of the asker's conversations.
///
/// # Errors
/// Not found, or the state could not be read.
pub async fn item(app: &App, asker: &Asker, id: &str, item: &str) -> Result<Item, AppError> {
    let id = found(app, asker, id).await?.id;
    let sealed = app.store.item(id, item).await?.ok_or_else(AppError::not_found)?;
    opened(app, &access_of(app, asker), sealed).ok_or_else(AppError::not_found)
}

/// Deletes one item of one of the asker's conversations.
///
/// # Errors
/// Not found, or the state could not be written.
pub async fn delete_item(app: &App, asker: &Asker, id: &str, item: &str) -> Result<Conversation, AppError> {
    let conversation = found(app, asker, id).await?;
    present(app.store.delete_item(&access_of(app, asker), conversation.id, item).await?)?;
    Ok(shown(&conversation))
}

async fn found(app: &App, asker: &Asker, id: &str) -> Result<store::Conversation, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    let sealed = app.store.conversation(id).await?.ok_or_else(AppError::not_found)?;
    Ok(open(&access_of(app, asker), sealed)?.into_inner())
}

/// The same answer for what is not there and what is somebody else's.
fn present(found: bool) -> Result<(), AppError> {
    if found { Ok(()) } else { Err(AppError::not_found()) }
}

fn access_of(app: &App, asker: &Asker) -> Access {
    asker.access(app)
}

/// What a client sends is the asker's own words, and made from what these share with what the asker was shown.
async fn in_own_words(app: &App, asker: &Asker, items: Vec<Item>) -> Result<Vec<ConversationItem>, AppError> {
    let texts = items.iter().map(|item| item.text().into_owned()).collect();
    let behind = app.shown.behind(app, asker.caller.principal(), texts).await?;
    let stored = |(item, behind): (Item, &Provenance)| stored(app, item, words(asker, behind));
    Ok(items.into_iter().zip(&behind).map(stored).collect())
}

/// The asker's own words, with what they were made from besides.
pub(crate) fn words(asker: &Asker, behind: &Provenance) -> Provenance {
    let mut all = Provenance::words_of(asker.caller.principal());
    all.extend(behind);
    all
}

/// An item with what it was made from.
pub(crate) fn stored(app: &App, item: Item, provenance: Provenance) -> ConversationItem {
    ConversationItem {
        id: item.id().unwrap_or_default().to_owned(),
        provenance,
        content: serde_json::to_value(item).unwrap_or(Value::Null),
        created_at: app.now(),
    }
}

fn shown(conversation: &store::Conversation) -> Conversation {
    Conversation {
        id: conversation.id.to_string(),
        object: wire::conversation::ConversationObject,
        created_at: conversation.created_at.seconds(),
        metadata: serde_json::from_value(conversation.metadata.clone()).unwrap_or_default(),
    }
}
