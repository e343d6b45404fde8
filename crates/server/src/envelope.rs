//! The outermost layer: every request gets an id, every refusal the envelope, every panic becomes a 500, and one line
//! goes to the log, without content: the route's pattern, not the path, for a path may hold names.

use std::error::Error;
use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::RequestId;
use futures::FutureExt as _;
use http::{HeaderName, HeaderValue, Method};

use crate::door::Door;
use crate::error::Refusal;
use crate::requests::RequestLabel;
use crate::routes::openai::TRACE;

/// Where the routes of the Iceberg catalog begin, whose errors have another form.
const ICEBERG: &str = "/iceberg/";

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request its id, calls what is inside, dresses what comes back, counts and logs.
pub(crate) async fn envelope(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = RequestId::from_uuid(door.app.ids.uuid(door.app.now()));
    request.extensions_mut().insert(id);
    let method = known(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => Refusal::internal(Some(Arc::new(Panicked))).into_response(),
    };
    let mut response = dressed(response, id, route.starts_with(ICEBERG));
    if let Ok(value) = HeaderValue::try_from(id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let status = response.status().as_u16();
    let ms = started.elapsed().as_secs_f64() * 1e3;
    tracing::info!(request = %id, method, route, status, ms, "request");
    door.requests.count(RequestLabel { method, route, status });
    response
}

/// Writes the envelope of a refusal, keeping the headers that were set beside it.
fn dressed(mut response: Response, id: RequestId, for_iceberg: bool) -> Response {
    let Some(refusal) = response.extensions_mut().remove::<Refusal>() else { return response };
    if let Some(cause) = refusal.cause() {
        tracing::error!(request = %id, cause = chain(cause), "request failed");
    }
    let mut dressed = if for_iceberg { refusal.dressed_for_iceberg(id) } else { refusal.dressed(id) };
    for name in [http::header::ALLOW, HeaderName::from_static(TRACE)] {
        if let Some(value) = response.headers_mut().remove(&name) {
            dressed.headers_mut().insert(name, value);
        }
    }
    dressed
}

fn chain(error: &(dyn Error + Send + Sync)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {cause}");
        next = cause.source();
    }
    text
}

/// A method that no route has is one word, so that a client cannot add labels.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

/// A panic's words may quote what it failed on, which may be content: only that it happened is kept. Where it
/// happened stands in the line that the panic hook writes.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked")]
struct Panicked;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::{Entrance, ServerOptions};
    use app::issuers::KeySets;
    use app::{App, AppOptions, Catalog, CatalogOptions, Ids, Store, StoreOptions};
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use domain::{Clock, Timestamp};
    use tower::ServiceExt as _;

    struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(1_790_000_000_000_000)
        }
    }

    async fn breaks() -> Response {
        panic!("the table is gone")
    }

    #[tokio::test]
    async fn a_panic_is_a_500_in_the_envelope_and_the_server_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let (data_dir, clock) = (folder.path().to_owned(), Arc::new(Still));
        let store = Store::open(StoreOptions {
            data_dir,
            database_url: None,
            clock: clock.clone(),
            faults: app::Faults::default(),
        })
        .await
        .unwrap();
        let models = Catalog::new(CatalogOptions::default());
        let parts = AppOptions { store, models, clock, ids: Ids::seeded(1), key_sets: KeySets::new(None) };
        let app = Arc::new(App::open(parts).await.unwrap());
        let door = Door::new(app, ServerOptions::default(), Entrance::Network);
        let router = Router::new().route("/", get(breaks)).layer(from_fn_with_state(door, envelope));
        for _ in 0..2 {
            let response = router.clone().oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status().as_u16(), 500);
            let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
            let text = String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap();
            assert!(text.contains(&id) && !text.contains("table"), "{text}");
        }
    }
}
