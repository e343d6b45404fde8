//! The Responses API: `/v1/responses`.

use std::sync::Arc;

use app::{App, Responding};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use wire::list::{Deleted, List};
use wire::response::Item;

use super::traced;
use crate::body::ExchangeBody;
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Parameters};
use crate::routes::openai::conversations::ItemPaging;
use crate::stream::{Begun, EventFrames, Identified, begun};

/// Answer through the Responses API.
#[utoipa::path(
    post, path = "/v1/responses", tag = "OpenAI",
    request_body(content = serde_json::Value, description = "OpenAI's response request; every parameter is honoured or refused"),
    responses((status = 200, description = "A response, or named events with `stream: true`", body = serde_json::Value))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Identified(request): Identified,
    ExchangeBody(body): ExchangeBody,
) -> Response {
    let streams = app::streams(&body);
    let answering = async move {
        match app::respond(&app, &asker, &body).await? {
            Responding::Whole(response, trace) => Ok(Begun::Whole(traced(Json(response), trace))),
            Responding::Stream(events, trace) => Ok(Begun::Stream(EventFrames(*events), trace)),
        }
    };
    begun(answering, streams, request).await
}

/// A response that was kept.
#[utoipa::path(
    get, path = "/v1/responses/{response}", tag = "OpenAI", params(("response" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
) -> Answer<Json<wire::response::Response>> {
    Ok(Json(app::response(&app, &asker, &id).await?.response))
}

/// Delete a response that was kept.
#[utoipa::path(
    delete, path = "/v1/responses/{response}", tag = "OpenAI", params(("response" = String, Path)),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn delete(State(app): State<Arc<App>>, By(asker): By, Named(id): Named) -> Answer<Json<Deleted>> {
    app::delete_response(&app, &asker, &id).await?;
    Ok(Json(Deleted::new("response", id)))
}

/// The input of a response that was kept.
#[utoipa::path(
    get, path = "/v1/responses/{response}/input_items", tag = "OpenAI",
    params(("response" = String, Path), ItemPaging),
    responses((status = 200, body = serde_json::Value), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn input_items(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(id): Named,
    Parameters(paging): Parameters<ItemPaging>,
) -> Answer<Json<List<Item>>> {
    let input = app::response(&app, &asker, &id).await?.input;
    Ok(Json(paging.page(input)?))
}
