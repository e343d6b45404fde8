//! Conversations kept here: a person's own thread of items, which responses continue.

use access::{Access, open};
use domain::{Capture, ConversationId, Timestamp};
use serde_json::Value;
use store::StoredConversation;
use wire::chat::Metadata;
use wire::conversation::{Conversation, ConversationRequest};
use wire::response::Item;

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::response::with_id;

/// The id behind a client's text; what is no id is not found.
pub(crate) fn id_of(text: &str) -> Result<ConversationId, AppError> {
    text.parse().map_err(|_| AppError::not_found())
}

/// Begins a conversation.
///
/// # Errors
/// The capture mode keeps no words, or the state could not be written.
pub async fn create(app: &App, asker: &Asker, request: ConversationRequest) -> Result<Conversation, AppError> {
    let capture = asker.caller.capture().narrowed_to(asker.capture.unwrap_or_default());
    if capture != Capture::Full {
        return Err(AppError::Invalid {
            param: None,
            message: "the capture mode of this request keeps no words, so it cannot begin a conversation: use a key with \
                      capture `full`"
                .to_owned(),
            code: "capture_keeps_nothing",
        });
    }
    let now = app.now();
    let stored = StoredConversation {
        id: ConversationId::from_uuid(app.ids.uuid(now)),
        owner: asker.caller.principal(),
        created_at: now,
        metadata: serde_json::to_value(request.metadata.unwrap_or_default()).unwrap_or_default(),
    };
    app.store.put_conversation(stored.clone()).await?;
    let items: Vec<Item> = request.items.unwrap_or_default();
    if !items.is_empty() {
        append(app, asker, stored.id, items.into_iter().map(|item| with_id(item, &app.ids, now)).collect()).await?;
    }
    Ok(shown(&stored))
}
