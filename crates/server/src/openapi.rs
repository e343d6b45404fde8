//! The OpenAPI document: made from the handlers, their types and the route table. `docs/openapi.json` is its golden
//! copy; clients and the console are generated from it.

use app::import::{GroupLine, Line, PersonLine};
use http::Method;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref};
use utoipa::{OpenApi, ToSchema};

use crate::routes::{
    ROUTES, Route, acts, backups, break_glass, decisions, documents, erasures, groups, health, iceberg, import, index,
    jobs, keys, lake, links, me, metrics, models, need_to_know, openai, people, policies, search, services, settings,
    sources, traces, upstreams,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Freehold",
        description = "The AI your organisation owns outright. OpenAI's shapes under `/v1`, Freehold's own under \
                       `/api/v1`. Errors everywhere: `{\"error\": {\"message\", \"type\", \"code\", \"param\", \
                       \"request_id\"}}`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        health::alive, health::ready, health::openapi, metrics::show, links::sign_in,
        openai::models::list, openai::models::show, openai::chat::create, openai::completions::create,
        openai::embeddings::create, openai::responses::create, openai::responses::show, openai::responses::delete,
        openai::responses::input_items, openai::conversations::create, openai::conversations::show,
        openai::conversations::update, openai::conversations::delete, openai::conversations::items,
        openai::conversations::add_items, openai::conversations::item, openai::conversations::delete_item,
        me::show, me::notices, links::sign_out, links::create,
        people::create, people::list, people::show, people::update, people::deactivate,
        groups::create, groups::list, groups::show, groups::update, groups::remove, groups::add_member,
        groups::remove_member, services::create, services::list, services::show, services::update,
        services::deactivate, import::import, keys::create, keys::list, keys::show, keys::revoke,
        break_glass::create, break_glass::list, break_glass::show, break_glass::approve, break_glass::end,
        policies::put, policies::show, policies::explain, policies::simulate,
        need_to_know::put, need_to_know::show,
        sources::create, sources::list, sources::show, sources::remove, sources::sync, sources::documents, sources::put_document, sources::retire,
        sources::put_lines, sources::set_list, documents::show, documents::text,
        search::search, index::show, index::rebuild,
        acts::epochs, acts::list, decisions::list, decisions::show, decisions::replay, decisions::replays,
        erasures::create, erasures::list, erasures::show,
        backups::create, lake::status, lake::compact, lake::verify, iceberg::config, iceberg::namespaces, iceberg::namespace,
        iceberg::tables, iceberg::table, iceberg::metrics, settings::show, settings::update,
        upstreams::list, upstreams::show, upstreams::put, upstreams::remove,
        models::list, models::show, models::remove, models::pull,
        jobs::list, jobs::show, jobs::events, jobs::cancel,
        traces::list, traces::show, traces::give_feedback,
    ),
    components(schemas(Line, PersonLine, GroupLine, ErrorEnvelope, openai::conversations::Order)),
    security(("key" = []), ("session" = [])),
)]
struct Described;

/// The envelope of every error.
#[derive(ToSchema)]
pub struct ErrorEnvelope {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(ToSchema)]
pub struct ErrorDetail {
    /// What was wrong and what to do.
    pub message: String,
    /// The family, as OpenAI names it: `invalid_request_error`, `authentication_error`, ...
    pub r#type: String,
    /// The case, for programs.
    pub code: Option<String>,
    /// The parameter at fault, as a JSON path.
    pub param: Option<String>,
    /// Names the request, in the log too; the header `X-Request-Id` holds the same.
    pub request_id: String,
}

/// The document.
#[must_use]
pub fn openapi() -> Document {
    let mut document = Described::openapi();
    let components = document.components.get_or_insert_default();
    let key = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("fh_...").build();
    components.add_security_scheme("key", SecurityScheme::Http(key));
    let cookie = ApiKeyValue::new(crate::caller::SESSION_COOKIE);
    components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for route in ROUTES {
        if let Some(operation) = document.paths.paths.get_mut(route.path).and_then(|item| operation(item, route)) {
            let envelope = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorEnvelope"))).build();
            let refused = ResponseBuilder::new().description("Any error").content("application/json", envelope);
            operation.responses.responses.insert("default".to_owned(), refused.build().into());
            operation.description = Some(described(operation.description.take(), route));
        }
    }
    document
}

/// The document as it is sent and kept.
pub(crate) fn text() -> String {
    // Nothing in it can fail to be written; an empty document would fail the golden test.
    openapi().to_pretty_json().unwrap_or_default() + "\n"
}

fn operation<'i>(item: &'i mut PathItem, route: &Route) -> Option<&'i mut Operation> {
    match route.method {
        Method::GET => item.get.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::PATCH => item.patch.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

fn described(text: Option<String>, route: &Route) -> String {
    let roles: Vec<String> = route.roles.iter().map(|role| format!("`{role}`")).collect();
    let who = match (route.open, roles.as_slice()) {
        (true, _) => "Open: no key needed.".to_owned(),
        (false, []) => "For anybody with a key or a session.".to_owned(),
        (false, _) => format!("Needs one of the roles {}.", roles.join(", ")),
    };
    text.filter(|text| !text.is_empty()).map_or_else(|| who.clone(), |text| format!("{text}\n\n{who}"))
}
