//! `/api/v1/sources`: where documents come from, and the documents that an application sends.

use std::sync::Arc;

use app::App;
use app::documents::{self, DocumentListed, DocumentPut, DocumentRequest, Epoch, LinePut};
use app::listing::Slice;
use app::sources::{self, ListOfAccess, NewSource, SourceView};
use app::sync::{self, SyncState};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::body::{Lines, Payload};
use crate::caller::By;
use crate::error::Answer;
use crate::query::{Made, Named, NamedPair, Paging, Parameters, RepeatKey};

/// Make a source; its owner is who makes it.
#[utoipa::path(
    post, path = "/api/v1/sources", tag = "Sources", params(RepeatKey), request_body = NewSource,
    responses((status = 201, body = SourceView), (status = 409, description = "The name is taken"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    repeat: RepeatKey,
    Payload(new): Payload<NewSource>,
) -> Answer<Made<SourceView>> {
    let repeat = repeat.of(&asker, "source");
    Ok(Made(sources::create(&app, &asker.caller, new, repeat).await?))
}

/// List sources, in the order in which they were made.
#[utoipa::path(
    get, path = "/api/v1/sources", tag = "Sources", params(Paging),
    responses((status = 200, body = Slice<SourceView>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    By(asker): By,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<SourceView>>> {
    Ok(Json(sources::list(&app, &asker.caller, &paging.into()).await?))
}

/// One source, by id or name.
#[utoipa::path(
    get, path = "/api/v1/sources/{source}", tag = "Sources", params(("source" = String, Path)),
    responses((status = 200, body = SourceView), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, By(asker): By, Named(source): Named) -> Answer<Json<SourceView>> {
    Ok(Json(sources::get(&app, &asker.caller, &source).await?))
}

/// Remove a source, and its documents with it: from now on nobody finds them.
#[utoipa::path(
    delete, path = "/api/v1/sources/{source}", tag = "Sources", params(("source" = String, Path)),
    responses((status = 204), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn remove(State(app): State<Arc<App>>, By(asker): By, Named(source): Named) -> Answer<StatusCode> {
    sources::remove(&app, &asker.caller, &source).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bring a source that this server reads to the present now, and not only when it is told of a change.
#[utoipa::path(
    post, path = "/api/v1/sources/{source}/sync", tag = "Sources", params(("source" = String, Path)),
    responses((status = 200, body = SyncState), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn sync(State(app): State<Arc<App>>, By(asker): By, Named(source): Named) -> Answer<Json<SyncState>> {
    Ok(Json(sync::begin(&app, &asker.caller, &source).await?))
}

/// List the documents of a source, in the order in which they came: ids, and nothing of their content.
#[utoipa::path(
    get, path = "/api/v1/sources/{source}/documents", tag = "Sources", params(("source" = String, Path), Paging),
    responses((status = 200, body = Slice<DocumentListed>), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn documents(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(source): Named,
    Parameters(paging): Parameters<Paging>,
) -> Answer<Json<Slice<DocumentListed>>> {
    Ok(Json(documents::list(&app, &asker.caller, &source, &paging.into()).await?))
}

/// Send a document: new, a new version, or what is said of it anew. It is durable when this answers.
#[utoipa::path(
    put, path = "/api/v1/sources/{source}/documents/{external_id}", tag = "Sources",
    params(("source" = String, Path), ("external_id" = String, Path)), request_body = DocumentRequest,
    responses((status = 200, body = DocumentPut), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn put_document(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(source, external_id): NamedPair,
    Payload(request): Payload<DocumentRequest>,
) -> Answer<Json<DocumentPut>> {
    Ok(Json(documents::put(&app, &asker.caller, (&source, &external_id), request).await?))
}

/// Send many documents: NDJSON, a line for each with its `external_id`; the answer has a line for each.
#[utoipa::path(
    post, path = "/api/v1/sources/{source}/documents", tag = "Sources", params(("source" = String, Path)),
    request_body(content = DocumentRequest, content_type = "application/x-ndjson"),
    responses((status = 200, body = LinePut, content_type = "application/x-ndjson"))
)]
pub(crate) async fn put_lines(
    State(app): State<Arc<App>>,
    By(asker): By,
    Named(source): Named,
    Lines(body): Lines,
) -> Answer<Response> {
    let results = documents::put_lines(&app, &asker.caller, &source, &body).await?;
    let lines = results.iter().filter_map(|result| serde_json::to_string(result).ok());
    let text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

/// Give a document another list. Narrowing reaches all its versions, widening the current one.
#[utoipa::path(
    put, path = "/api/v1/sources/{source}/documents/{external_id}/access", tag = "Sources",
    params(("source" = String, Path), ("external_id" = String, Path)), request_body = ListOfAccess,
    responses((status = 200, body = Epoch), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn set_list(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(source, external_id): NamedPair,
    Payload(list): Payload<ListOfAccess>,
) -> Answer<Json<Epoch>> {
    Ok(Json(documents::set_list(&app, &asker.caller, (&source, &external_id), list).await?))
}

/// Retire a document: from now on it is not found.
#[utoipa::path(
    delete, path = "/api/v1/sources/{source}/documents/{external_id}", tag = "Sources",
    params(("source" = String, Path), ("external_id" = String, Path)),
    responses((status = 200, body = Epoch), (status = 404, body = serde_json::Value))
)]
pub(crate) async fn retire(
    State(app): State<Arc<App>>,
    By(asker): By,
    NamedPair(source, external_id): NamedPair,
) -> Answer<Json<Epoch>> {
    Ok(Json(documents::retire(&app, &asker.caller, &source, &external_id).await?))
}
