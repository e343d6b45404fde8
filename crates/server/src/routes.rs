//! The one table of what can be called and by whom. The router is built from it and from nothing else.
//!
//! INVARIANT: a route that is not in [`ROUTES`] does not exist, and each is guarded by its own row.

pub(crate) mod acts;
pub(crate) mod backups;
pub(crate) mod break_glass;
pub(crate) mod decisions;
pub(crate) mod documents;
pub(crate) mod erasures;
pub(crate) mod groups;
pub(crate) mod health;
pub(crate) mod iceberg;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod jobs;
pub(crate) mod keys;
pub(crate) mod lake;
pub(crate) mod links;
pub(crate) mod me;
pub(crate) mod metrics;
pub(crate) mod models;
pub(crate) mod need_to_know;
pub(crate) mod openai;
pub(crate) mod people;
pub(crate) mod policies;
pub(crate) mod search;
pub(crate) mod services;
pub(crate) mod settings;
pub(crate) mod sources;
pub(crate) mod traces;
pub(crate) mod upstreams;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use domain::Role;
use http::Method;

use crate::caller::{authorise, unknown_method, unknown_route};
use crate::door::{Door, ServerOptions};
use crate::envelope::envelope;

/// One row of the table.
pub struct Route {
    /// The method; `GET` answers `HEAD` too.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may call it: whoever has one of these roles. Empty: whoever has a good key or session.
    pub roles: &'static [Role],
    /// Whether it answers without a key.
    pub open: bool,
    handler: fn(MethodFilter) -> MethodRouter<Door>,
}

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        roles: &'static [Role],
        handler: fn(MethodFilter) -> MethodRouter<Door>,
    ) -> Self {
        Self { method, path, roles, open: false, handler }
    }

    /// Answers without a key. The roles count where an option closes it.
    const fn open(
        method: Method,
        path: &'static str,
        roles: &'static [Role],
        handler: fn(MethodFilter) -> MethodRouter<Door>,
    ) -> Self {
        Self { method, path, roles, open: true, handler }
    }

    /// Whether a call of it is an exchange with a model, which always leaves a trace.
    pub(crate) fn is_exchange(&self) -> bool {
        const PATHS: [&str; 4] = ["/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses"];
        self.method == Method::POST && PATHS.contains(&self.path)
    }

    /// Whether it is about one source: a key for some sources reaches it, and the verb looks at which.
    pub(crate) fn is_of_a_source(&self) -> bool {
        self.path.starts_with("/api/v1/sources")
    }

    /// Whether it answers without a key under these options.
    pub(crate) fn is_open(&self, options: &ServerOptions) -> bool {
        self.open && (options.open_metrics || self.path != METRICS)
    }
}

const METRICS: &str = "/metrics";

/// Whoever has a role at all.
const ANY: &[Role] = Role::ALL;
/// Whoever has a good key or session, with or without a role.
const KNOWN: &[Role] = &[];
const USER: &[Role] = &[Role::User];
const OPERATOR: &[Role] = &[Role::Operator];
const SECURITY: &[Role] = &[Role::Security];
/// Who asked what when is not for everybody who operates a part.
const OPERATOR_OR_SECURITY: &[Role] = &[Role::Operator, Role::Security];

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// What can be called, and by whom (docs/api.md).
#[rustfmt::skip]
pub static ROUTES: &[Route] = &[
    Route::open(GET, "/healthz", KNOWN, |method| on(method, health::alive)),
    Route::open(GET, "/readyz", KNOWN, |method| on(method, health::ready)),
    Route::open(GET, METRICS, OPERATOR, |method| on(method, metrics::show)),
    Route::open(GET, "/openapi.json", KNOWN, |method| on(method, health::openapi)),
    Route::open(GET, "/sign-in", KNOWN, |method| on(method, links::sign_in)),

    Route::new(GET, "/v1/models", ANY, |method| on(method, openai::models::list)),
    Route::new(GET, "/v1/models/{model}", ANY, |method| on(method, openai::models::show)),
    Route::new(POST, "/v1/chat/completions", USER, |method| on(method, openai::chat::create)),
    Route::new(POST, "/v1/completions", USER, |method| on(method, openai::completions::create)),
    Route::new(POST, "/v1/embeddings", USER, |method| on(method, openai::embeddings::create)),
    Route::new(POST, "/v1/responses", USER, |method| on(method, openai::responses::create)),
    Route::new(GET, "/v1/responses/{response}", USER, |method| on(method, openai::responses::show)),
    Route::new(DELETE, "/v1/responses/{response}", USER, |method| on(method, openai::responses::delete)),
    Route::new(GET, "/v1/responses/{response}/input_items", USER, |method| on(method, openai::responses::input_items)),
    Route::new(POST, "/v1/conversations", USER, |method| on(method, openai::conversations::create)),
    Route::new(GET, "/v1/conversations/{conversation}", USER, |method| on(method, openai::conversations::show)),
    Route::new(POST, "/v1/conversations/{conversation}", USER, |method| on(method, openai::conversations::update)),
    Route::new(DELETE, "/v1/conversations/{conversation}", USER, |method| on(method, openai::conversations::delete)),
    Route::new(GET, "/v1/conversations/{conversation}/items", USER, |method| on(method, openai::conversations::items)),
    Route::new(POST, "/v1/conversations/{conversation}/items", USER, |method| on(method, openai::conversations::add_items)),
    Route::new(GET, "/v1/conversations/{conversation}/items/{item}", USER, |method| on(method, openai::conversations::item)),
    Route::new(DELETE, "/v1/conversations/{conversation}/items/{item}", USER, |method| on(method, openai::conversations::delete_item)),

    Route::new(GET, "/api/v1/me", KNOWN, |method| on(method, me::show)),
    Route::new(GET, "/api/v1/notices", KNOWN, |method| on(method, me::notices)),
    Route::new(DELETE, "/api/v1/sessions/current", KNOWN, |method| on(method, links::sign_out)),

    Route::new(POST, "/api/v1/people", SECURITY, |method| on(method, people::create)),
    Route::new(GET, "/api/v1/people", SECURITY, |method| on(method, people::list)),
    Route::new(GET, "/api/v1/people/{person}", ANY, |method| on(method, people::show)),
    Route::new(PATCH, "/api/v1/people/{person}", SECURITY, |method| on(method, people::update)),
    Route::new(DELETE, "/api/v1/people/{person}", SECURITY, |method| on(method, people::deactivate)),
    Route::new(POST, "/api/v1/groups", SECURITY, |method| on(method, groups::create)),
    Route::new(GET, "/api/v1/groups", SECURITY, |method| on(method, groups::list)),
    Route::new(GET, "/api/v1/groups/{group}", SECURITY, |method| on(method, groups::show)),
    Route::new(PATCH, "/api/v1/groups/{group}", SECURITY, |method| on(method, groups::update)),
    Route::new(DELETE, "/api/v1/groups/{group}", SECURITY, |method| on(method, groups::remove)),
    Route::new(PUT, "/api/v1/groups/{group}/members/{member}", SECURITY, |method| on(method, groups::add_member)),
    Route::new(DELETE, "/api/v1/groups/{group}/members/{member}", SECURITY, |method| on(method, groups::remove_member)),
    Route::new(POST, "/api/v1/services", SECURITY, |method| on(method, services::create)),
    Route::new(GET, "/api/v1/services", SECURITY, |method| on(method, services::list)),
    Route::new(GET, "/api/v1/services/{service}", ANY, |method| on(method, services::show)),
    Route::new(PATCH, "/api/v1/services/{service}", SECURITY, |method| on(method, services::update)),
    Route::new(DELETE, "/api/v1/services/{service}", SECURITY, |method| on(method, services::deactivate)),
    Route::new(POST, "/api/v1/directory/import", SECURITY, |method| on(method, import::import)),
    Route::new(POST, "/api/v1/keys", SECURITY, |method| on(method, keys::create)),
    Route::new(GET, "/api/v1/keys", SECURITY, |method| on(method, keys::list)),
    Route::new(GET, "/api/v1/keys/{key}", SECURITY, |method| on(method, keys::show)),
    Route::new(DELETE, "/api/v1/keys/{key}", SECURITY, |method| on(method, keys::revoke)),
    Route::new(POST, "/api/v1/sign_in_links", SECURITY, |method| on(method, links::create)),
    Route::new(GET, "/api/v1/epochs", SECURITY, |method| on(method, acts::epochs)),
    Route::new(GET, "/api/v1/audit", SECURITY, |method| on(method, acts::list)),
    Route::new(GET, "/api/v1/decisions", SECURITY, |method| on(method, decisions::list)),
    Route::new(GET, "/api/v1/decisions/{decision}", SECURITY, |method| on(method, decisions::show)),
    Route::new(GET, "/api/v1/decisions/{decision}/replay", SECURITY, |method| on(method, decisions::replay)),
    Route::new(GET, "/api/v1/replays", SECURITY, |method| on(method, decisions::replays)),

    Route::new(POST, "/api/v1/break_glass", SECURITY, |method| on(method, break_glass::create)),
    Route::new(GET, "/api/v1/break_glass", ANY, |method| on(method, break_glass::list)),
    Route::new(GET, "/api/v1/break_glass/{break_glass}", ANY, |method| on(method, break_glass::show)),
    Route::new(POST, "/api/v1/break_glass/{break_glass}/approve", SECURITY, |method| on(method, break_glass::approve)),
    Route::new(DELETE, "/api/v1/break_glass/{break_glass}", SECURITY, |method| on(method, break_glass::end)),

    Route::new(PUT, "/api/v1/policies", SECURITY, |method| on(method, policies::put)),
    Route::new(GET, "/api/v1/policies", SECURITY, |method| on(method, policies::show)),
    Route::new(PUT, "/api/v1/need_to_know", SECURITY, |method| on(method, need_to_know::put)),
    Route::new(GET, "/api/v1/need_to_know", SECURITY, |method| on(method, need_to_know::show)),
    Route::new(GET, "/api/v1/access/explain", ANY, |method| on(method, policies::explain)),
    Route::new(POST, "/api/v1/access/simulate", SECURITY, |method| on(method, policies::simulate)),

    Route::new(POST, "/api/v1/sources", OPERATOR, |method| on(method, sources::create)),
    Route::new(GET, "/api/v1/sources", OPERATOR, |method| on(method, sources::list)),
    Route::new(GET, "/api/v1/sources/{source}", OPERATOR, |method| on(method, sources::show)),
    Route::new(DELETE, "/api/v1/sources/{source}", OPERATOR, |method| on(method, sources::remove)),
    Route::new(POST, "/api/v1/sources/{source}/sync", OPERATOR, |method| on(method, sources::sync)),
    Route::new(GET, "/api/v1/sources/{source}/documents", OPERATOR, |method| on(method, sources::documents)),
    Route::new(POST, "/api/v1/sources/{source}/documents", OPERATOR, |method| on(method, sources::put_lines)),
    Route::new(PUT, "/api/v1/sources/{source}/documents/{external_id}", OPERATOR, |method| on(method, sources::put_document)),
    Route::new(DELETE, "/api/v1/sources/{source}/documents/{external_id}", OPERATOR, |method| on(method, sources::retire)),
    Route::new(PUT, "/api/v1/sources/{source}/documents/{external_id}/access", OPERATOR, |method| on(method, sources::set_list)),
    Route::new(GET, "/api/v1/documents/{document}", ANY, |method| on(method, documents::show)),
    Route::new(GET, "/api/v1/documents/{document}/text", ANY, |method| on(method, documents::text)),

    Route::new(POST, "/api/v1/search", USER, |method| on(method, search::search)),
    Route::new(GET, "/api/v1/index", OPERATOR, |method| on(method, index::show)),
    Route::new(POST, "/api/v1/index/rebuild", OPERATOR, |method| on(method, index::rebuild)),

    Route::new(POST, "/api/v1/erasures", SECURITY, |method| on(method, erasures::create)),
    Route::new(GET, "/api/v1/erasures", SECURITY, |method| on(method, erasures::list)),
    Route::new(GET, "/api/v1/erasures/{erasure}", SECURITY, |method| on(method, erasures::show)),

    Route::new(POST, "/api/v1/backups", OPERATOR, |method| on(method, backups::create)),
    Route::new(GET, "/api/v1/lake", OPERATOR_OR_SECURITY, |method| on(method, lake::status)),
    Route::new(POST, "/api/v1/lake/compact", OPERATOR, |method| on(method, lake::compact)),
    Route::new(POST, "/api/v1/lake/verify", OPERATOR_OR_SECURITY, |method| on(method, lake::verify)),
    Route::new(GET, "/iceberg/v1/config", ANY, |method| on(method, iceberg::config)),
    Route::new(GET, "/iceberg/v1/namespaces", OPERATOR_OR_SECURITY, |method| on(method, iceberg::namespaces)),
    Route::new(GET, "/iceberg/v1/namespaces/{namespace}", OPERATOR_OR_SECURITY, |method| on(method, iceberg::namespace)),
    Route::new(GET, "/iceberg/v1/namespaces/{namespace}/tables", OPERATOR_OR_SECURITY, |method| on(method, iceberg::tables)),
    Route::new(GET, "/iceberg/v1/namespaces/{namespace}/tables/{table}", OPERATOR_OR_SECURITY, |method| on(method, iceberg::table)),
    Route::new(POST, "/iceberg/v1/namespaces/{namespace}/tables/{table}/metrics", OPERATOR_OR_SECURITY, |method| on(method, iceberg::metrics)),

    Route::new(GET, "/api/v1/settings", OPERATOR, |method| on(method, settings::show)),
    Route::new(PUT, "/api/v1/settings", OPERATOR, |method| on(method, settings::update)),

    Route::new(GET, "/api/v1/upstreams", OPERATOR, |method| on(method, upstreams::list)),
    Route::new(GET, "/api/v1/upstreams/{upstream}", OPERATOR, |method| on(method, upstreams::show)),
    Route::new(PUT, "/api/v1/upstreams/{upstream}", OPERATOR, |method| on(method, upstreams::put)),
    Route::new(DELETE, "/api/v1/upstreams/{upstream}", OPERATOR, |method| on(method, upstreams::remove)),

    Route::new(GET, "/api/v1/models", ANY, |method| on(method, models::list)),
    Route::new(GET, "/api/v1/models/{model}", ANY, |method| on(method, models::show)),
    Route::new(DELETE, "/api/v1/models/{model}", OPERATOR, |method| on(method, models::remove)),
    Route::new(POST, "/api/v1/models/{model}/pull", OPERATOR, |method| on(method, models::pull)),
    Route::new(GET, "/api/v1/jobs", OPERATOR, |method| on(method, jobs::list)),
    Route::new(GET, "/api/v1/jobs/{job}", OPERATOR, |method| on(method, jobs::show)),
    Route::new(GET, "/api/v1/jobs/{job}/events", OPERATOR, |method| on(method, jobs::events)),
    Route::new(POST, "/api/v1/jobs/{job}/cancel", OPERATOR, |method| on(method, jobs::cancel)),

    Route::new(GET, "/api/v1/traces", ANY, |method| on(method, traces::list)),
    Route::new(GET, "/api/v1/traces/{trace}", ANY, |method| on(method, traces::show)),
    Route::new(POST, "/api/v1/feedback", ANY, |method| on(method, traces::give_feedback)),
];

/// The router: every row of the table behind its guard, everything else refused in the same envelope.
pub(crate) fn build(door: Door) -> Router {
    let rows = ROUTES.iter().fold(Router::new(), |router, route| {
        // INVARIANT: the table names methods that axum knows; a row with another would answer nothing at all.
        let filter = MethodFilter::try_from(route.method.clone()).unwrap_or(MethodFilter::TRACE);
        let guard = from_fn_with_state((door.clone(), route), authorise);
        router.route(route.path, (route.handler)(filter).route_layer(guard))
    });
    rows.fallback(unknown_route)
        .method_not_allowed_fallback(unknown_method)
        .layer(from_fn_with_state(door.clone(), envelope))
        .with_state(door)
}
