//! The Conversations API: `/v1/conversations`.

use std::sync::Arc;

use app::App;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use wire::conversation::{Conversation, ConversationRequest, ConversationUpdate, ItemsRequest};
use wire::list::{Deleted, List};
use wire::response::Item;

use crate::body::Payload;
use crate::caller::By;
use crate::error::{Answer, Refusal};
use crate::query::{Named, NamedPair, Parameters, from_text};

/// Which items of a thread are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ItemPaging {
    /// How many at most: 1 to 100.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
    /// The last id of the page before.
    #[serde(default)]
    after: Option<String>,
    /// Oldest first (`asc`) or newest first (`desc`, where absent).
    #[serde(default)]
    order: Option<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    Asc,
    Desc,
}

impl ItemPaging {
    /// The page of a thread that is given oldest first.
    pub(crate) fn page(self, mut items: Vec<Item>) -> Answer<List<Item>> {
        let limit = self.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(
                Refusal::new(domain::ErrorKind::Invalid, "invalid_value", "limit is 1 to 100").with_param("limit")
            );
        }
        if self.order != Some(Order::Asc) {
            items.reverse();
        }
        let start = match &self.after {
            None => 0,
            Some(after) => {
                items.iter().position(|item| item.id() == Some(after)).map_or(items.len(), |place| place + 1)
            }
        };
        let has_more = items.len().saturating_sub(start) > limit;
        let page: Vec<Item> = items.into_iter().skip(start).take(limit).collect();
        Ok(List::page(page, has_more, |item| item.id().unwrap_or_default().to_owned()))
    }
}

/// Begin a conversation.
#[utoipa::path(
    post, path = "/v1/conversations", tag = "OpenAI", request_body(content = serde_json::Value, description = "OpenAI's conversation: `metadata`, and `items` to begin with"),
    responses((status = 200, body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(request): Payload<ConversationRequest>,
) -> Answer<Json<Conversation>> {
    Ok(Json(app::create_conversation(&app, &asker, request).await?))
}

/// One of your conversations.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}", tag = "OpenAI", params(("conversation" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<Conversation>> {
    Ok(Json(app::conversation(&app, &asker, &id).await?))
}

/// Replace the metadata of one of your conversations.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation}", tag = "OpenAI", params(("conversation" = String, Path)),
    request_body(content = serde_json::Value, description = "`metadata`, which replaces what was there"),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
    Payload(update): Payload<ConversationUpdate>,
) -> Answer<Json<Conversation>> {
    Ok(Json(app::update_conversation(&app, &asker, &id, update).await?))
}

/// Delete one of your conversations with its items.
#[utoipa::path(
    delete, path = "/v1/conversations/{conversation}", tag = "OpenAI", params(("conversation" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn delete(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<Deleted>> {
    app::delete_conversation(&app, &asker, &id).await?;
    Ok(Json(Deleted::new("conversation", id)))
}

/// The items of one of your conversations.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}/items", tag = "OpenAI",
    params(("conversation" = String, Path), ItemPaging),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn items(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
    Parameters(paging): Parameters<ItemPaging>,
) -> Answer<Json<List<Item>>> {
    Ok(Json(paging.page(app::conversation_items(&app, &asker, &id).await?)?))
}

/// Add items to one of your conversations.
#[utoipa::path(
    post, path = "/v1/conversations/{conversation}/items", tag = "OpenAI", params(("conversation" = String, Path)),
    request_body(content = serde_json::Value, description = "`items`: messages and other items in OpenAI's shapes"),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn add_items(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
    Payload(request): Payload<ItemsRequest>,
) -> Answer<Json<List<Item>>> {
    let items = app::add_conversation_items(&app, &asker, &id, request.items).await?;
    Ok(Json(List::page(items, false, |item| item.id().unwrap_or_default().to_owned())))
}

/// One item of one of your conversations.
#[utoipa::path(
    get, path = "/v1/conversations/{conversation}/items/{item}", tag = "OpenAI",
    params(("conversation" = String, Path), ("item" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn item(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(id, item): NamedPair,
) -> Answer<Json<Item>> {
    Ok(Json(app::conversation_item(&app, &asker, &id, &item).await?))
}

/// Delete one item of one of your conversations.
#[utoipa::path(
    delete, path = "/v1/conversations/{conversation}/items/{item}", tag = "OpenAI",
    params(("conversation" = String, Path), ("item" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn delete_item(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(id, item): NamedPair,
) -> Answer<Json<Conversation>> {
    Ok(Json(app::delete_conversation_item(&app, &asker, &id, &item).await?))
}
