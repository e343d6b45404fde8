//! A house with a door: an application on a folder of its own, a clock that tests set, and keys for whoever is needed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use app::index::Indexing;
use app::issuers::KeySets;
use app::{App, AppOptions, Catalog, CatalogOptions, Ids, Part, Stock, Store, StoreOptions};
use axum::Router;
use axum::body::{Body, to_bytes};
use domain::{Clock, Role, Timestamp};
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use server::ServerOptions;
use tower::ServiceExt as _;

pub(crate) struct House {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) door: Router,
    pub(crate) control: Router,
    _folder: tempfile::TempDir,
}

/// A clock that a test sets.
pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::Relaxed))
    }
}

/// What the door answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {} {}", self.status, self.text))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The text of a field that must be there.
    pub(crate) fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no '{name}' in {}", self.text)).to_owned()
    }

    /// The reply, which must have this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// The reply, which must be a refusal with this status and code in the envelope.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str) -> Self {
        let reply = self.expect(status);
        assert_eq!(reply.code(), code, "{}", reply.text);
        assert_eq!(reply.json()["error"]["request_id"], json!(reply.headers["x-request-id"].to_str().unwrap()));
        reply
    }
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(ServerOptions::default()).await
    }

    pub(crate) async fn with(options: ServerOptions) -> Self {
        Self::stocked(options, None).await
    }

    /// A house that keeps models.
    pub(crate) async fn stocked(options: ServerOptions, stock: Option<Stock>) -> Self {
        Self::made(options, stock, Ids::random()).await
    }

    /// A house whose ids and secrets are those of every other one that is made like this and called alike.
    pub(crate) async fn twin(stock: Option<Stock>) -> Self {
        Self::made(ServerOptions::default(), stock, Ids::seeded(7)).await
    }

    async fn made(options: ServerOptions, stock: Option<Stock>, ids: Ids) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_790_000_000_000_000)));
        let data_dir = folder.path().to_owned();
        let store = Store::open(StoreOptions {
            data_dir,
            database_url: None,
            clock: clock.clone(),
            faults: app::Faults::default(),
        })
        .await
        .unwrap();
        let models = Catalog::new(CatalogOptions::default());
        let key_sets = KeySets::new(reqwest::Client::new());
        let parts = AppOptions { store, models, clock: clock.clone(), ids, key_sets };
        let app = App::open(parts).await.unwrap().with_stock(stock);
        let index = Indexing::open(&app, folder.path().join("index"), "no-model".to_owned()).await.unwrap();
        let app = Arc::new(app.with_index(index));
        app.readiness.set("chat", Part::Ready);
        // Later than the first person, so that lists are in a known order.
        clock.advance_seconds(1);
        let (door, control) = (server::router(app.clone(), options), server::control_router(app.clone()));
        Self { app, clock, door, control, _folder: folder }
    }

    /// A request through the door.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        answer(self.door.clone().oneshot(request).await.unwrap()).await
    }

    /// A request with a key (empty: none) and a JSON body (null: none).
    pub(crate) async fn call(&self, key: &str, method: Method, path: &str, body: Value) -> Reply {
        self.send(request(key, method, path, body)).await
    }

    pub(crate) async fn get(&self, key: &str, path: &str) -> Reply {
        self.call(key, Method::GET, path, Value::Null).await
    }

    pub(crate) async fn post(&self, key: &str, path: &str, body: Value) -> Reply {
        self.call(key, Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, key: &str, path: &str, body: Value) -> Reply {
        self.call(key, Method::PATCH, path, body).await
    }

    pub(crate) async fn put(&self, key: &str, path: &str, body: Value) -> Reply {
        self.call(key, Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, key: &str, path: &str) -> Reply {
        self.call(key, Method::DELETE, path, Value::Null).await
    }

    /// A request through the control socket.
    pub(crate) async fn locally(&self, method: Method, path: &str, body: Value) -> Reply {
        answer(self.control.clone().oneshot(request("", method, path, body)).await.unwrap()).await
    }

    /// A key with all roles: the administrator's.
    pub(crate) async fn admin(&self) -> String {
        let body = json!({"person": "admin", "name": "test"});
        self.locally(Method::POST, "/api/v1/keys", body).await.expect(201).field("key")
    }

    /// A new person with these roles, and a key of theirs.
    pub(crate) async fn person(&self, name: &str, roles: &[Role]) -> Somebody {
        let person = json!({"user_name": name, "display_name": name, "roles": roles});
        let id = self.locally(Method::POST, "/api/v1/people", person).await.expect(201).field("id");
        Somebody { key: self.key(json!({"person": id, "name": "test"})).await, id }
    }

    /// A new service with role `user`, and a key of its own.
    pub(crate) async fn service(&self, service: Value, scopes: Value) -> Somebody {
        let id = self.locally(Method::POST, "/api/v1/services", service).await.expect(201).field("id");
        Somebody { key: self.key(json!({"service": id, "name": "test", "scopes": scopes})).await, id }
    }

    pub(crate) async fn key(&self, body: Value) -> String {
        self.locally(Method::POST, "/api/v1/keys", body).await.expect(201).field("key")
    }
}

/// A person or service, with a key.
#[derive(Debug, Clone)]
pub(crate) struct Somebody {
    pub(crate) id: String,
    pub(crate) key: String,
}

pub(crate) fn request(key: &str, method: Method, path: &str, body: Value) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !key.is_empty() {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    request.body(body).unwrap()
}

pub(crate) async fn answer(response: http::Response<Body>) -> Reply {
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    Reply { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}
