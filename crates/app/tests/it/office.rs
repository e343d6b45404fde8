//! A small office: a state in a folder of its own, two people, a guest and a service, and an upstream that records
//! what it was sent.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use access::{Change, Key, Person, Service, authenticate, hash_secret};
use app::{App, AppError, AppOptions, Asker, Ids, Reply};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use domain::{Capture, Clock, KeyId, Limits, PersonId, Principal, Role, ServiceId, Timestamp, Token};
use futures::StreamExt as _;
use models::{Catalog, CatalogOptions, UpstreamConfig};
use serde_json::{Value, json};
use store::{Store, StoreOptions};
use uuid::Uuid;

pub(crate) struct Office {
    pub(crate) app: Arc<App>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) peer: Peer,
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

/// What the upstream was sent, and what it answers next.
#[derive(Clone, Default)]
pub(crate) struct Peer {
    pub(crate) seen: Arc<Mutex<Vec<Value>>>,
    /// After how many frames a stream breaks off, once `breaking` says so.
    pub(crate) breaks_after: Arc<Mutex<Option<usize>>>,
    pub(crate) breaking: Arc<tokio::sync::Notify>,
}

impl Office {
    pub(crate) async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(1_790_000_000_000_000)));
        let peer = Peer::default();
        let app = open(folder.path(), &clock, &listen(peer.clone()).await).await;
        app.store.commit(None, |_| Ok::<_, AppError>(staff())).await.unwrap();
        Self { app, folder, clock, peer }
    }

    /// Closes the office and opens it again on the same folder.
    pub(crate) async fn reopen(self) -> Self {
        let Self { app, folder, clock, peer } = self;
        app.finish().await;
        app.store.close().await;
        drop(app);
        let app = open(folder.path(), &clock, &listen(peer.clone()).await).await;
        Self { app, folder, clock, peer }
    }

    pub(crate) fn asker(&self, secret: &str) -> Asker {
        let caller = authenticate(&self.app.directory(), secret, self.app.now()).unwrap();
        Asker { caller, purpose: None, capture: None }
    }

    pub(crate) fn capturing(&self, secret: &str, capture: Capture) -> Asker {
        Asker { capture: Some(capture), ..self.asker(secret) }
    }

    /// Gives a person a key with limits.
    pub(crate) async fn limited_key(&self, secret: &str, limits: Limits) {
        let key = Key { limits, ..key(secret, Principal::Person(ada())) };
        self.app.store.commit(None, |_| Ok::<_, AppError>(vec![Change::AddKey(key)])).await.unwrap();
    }

    /// Asks and waits for the whole answer.
    pub(crate) async fn ask(&self, asker: &Asker, request: Value) -> Result<Value, app::Unanswered> {
        match app::answer(&self.app, asker, &body(&request)).await? {
            Reply::Whole(reply, _) => Ok(serde_json::to_value(reply).unwrap()),
            Reply::Stream(..) => panic!("a stream where a whole answer was asked for"),
        }
    }

    pub(crate) async fn stream(&self, asker: &Asker, request: Value) -> app::ReplyStream<wire::chat::ChatChunk> {
        match app::answer(&self.app, asker, &body(&request)).await.unwrap() {
            Reply::Stream(stream, _) => *stream,
            Reply::Whole(..) => panic!("a whole answer where a stream was asked for"),
        }
    }

    /// The asker's newest trace as the API shows it.
    pub(crate) async fn newest_trace(&self, asker: &Asker) -> Value {
        let listing = app::traces(&self.app, asker, app::TraceFilter::default()).await.unwrap();
        serde_json::to_value(listing.data.first().unwrap()).unwrap()
    }
}

pub(crate) fn body(request: &Value) -> Bytes {
    serde_json::to_vec(request).unwrap().into()
}

pub(crate) fn question(words: &str) -> Value {
    json!({ "model": "parrot", "messages": [{ "role": "user", "content": words }] })
}

pub(crate) fn streaming(words: &str) -> Value {
    let mut request = question(words);
    request["stream"] = json!(true);
    request
}

fn ada() -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(1))
}

fn staff() -> Vec<Change> {
    let (bob, guest) = (PersonId::from_uuid(Uuid::from_u128(2)), PersonId::from_uuid(Uuid::from_u128(3)));
    let desk = ServiceId::from_uuid(Uuid::from_u128(4));
    let service = Service { id: desk, name: "desk".to_owned(), act_for: Vec::new(), active: true, created_at: now() };
    let mut changes = vec![
        Change::PutPerson(person(ada(), "ada", false)),
        Change::PutPerson(person(bob, "bob", false)),
        Change::PutPerson(person(guest, "guest", true)),
        Change::PutService(service),
    ];
    let holders = [
        ("ada", Principal::Person(ada())),
        ("bob", Principal::Person(bob)),
        ("guest", Principal::Person(guest)),
        ("desk", Principal::Service(desk)),
    ];
    for (secret, holder) in holders {
        changes.push(Change::GrantRole(Token::from(holder), Role::User));
        changes.push(Change::AddKey(key(secret, holder)));
    }
    changes
}

fn now() -> Timestamp {
    Timestamp::from_micros(1_790_000_000_000_000)
}

fn person(id: PersonId, name: &str, external: bool) -> Person {
    Person {
        id,
        source: "local".to_owned(),
        external_id: name.to_owned(),
        user_name: name.to_owned(),
        display_name: name.to_owned(),
        email: None,
        external,
        active: true,
        attributes: Default::default(),
        created_at: now(),
    }
}

fn key(secret: &str, holder: Principal) -> Key {
    let hash = hash_secret(secret);
    Key {
        id: KeyId::from_uuid(Uuid::from_slice(&hash.as_bytes()[..16]).unwrap()),
        holder,
        name: secret.to_owned(),
        hash,
        scopes: Default::default(),
        capture: None,
        limits: Limits::default(),
        expires_at: None,
        revoked_at: None,
        created_by: None,
        created_at: now(),
    }
}

async fn open(folder: &Path, clock: &Arc<TestClock>, base_url: &str) -> Arc<App> {
    let clock: Arc<dyn Clock> = clock.clone();
    let options = StoreOptions {
        data_dir: folder.to_owned(),
        database_url: None,
        clock: clock.clone(),
        faults: app::Faults::default(),
    };
    let store = Store::open(options).await.unwrap();
    let models = Catalog::new(CatalogOptions::default());
    let upstream: UpstreamConfig = serde_json::from_value(json!({
        "name": "peer", "kind": { "remote": { "base_url": base_url } }, "locality": "local", "retries": 0,
        "models": [{
            "name": "parrot", "context_length": 4096, "sha256": "ab".repeat(32),
            "price": { "prompt_micro_usd_per_million": 1_000_000, "completion_micro_usd_per_million": 2_000_000 },
        }],
    }))
    .unwrap();
    models.put(upstream).unwrap();
    let key_sets = app::issuers::KeySets::new(reqwest::Client::new());
    Arc::new(App::open(AppOptions { store, models, clock, ids: Ids::random(), key_sets }).await.unwrap())
}

async fn listen(peer: Peer) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/v1/chat/completions", post(parrot)).with_state(peer);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}/v1")
}

/// Says the last message back, one word a chunk: 5 tokens in, one out for each word.
async fn parrot(State(peer): State<Peer>, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let words = request["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned();
    let count = words.split(' ').count();
    let usage = json!({ "prompt_tokens": 5, "completion_tokens": count, "total_tokens": 5 + count });
    peer.seen.lock().unwrap().push(request.clone());
    if request["stream"] != json!(true) {
        let message = json!({ "role": "assistant", "content": words });
        let choice = json!({ "index": 0, "message": message, "finish_reason": "stop" });
        return axum::Json(json!({ "id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage })).into_response();
    }
    let chunk = |choices: Value, usage: Value| {
        format!(
            "data: {}\n\n",
            json!({ "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, "usage": usage })
        )
    };
    let said = words
        .split_inclusive(' ')
        .map(|word| chunk(json!([{ "index": 0, "delta": { "content": word } }]), Value::Null));
    let mut frames: Vec<String> = said.collect();
    frames.push(chunk(json!([{ "index": 0, "delta": {}, "finish_reason": "stop" }]), Value::Null));
    frames.push(chunk(json!([]), usage));
    frames.push("data: [DONE]\n\n".to_owned());
    let breaks_after = *peer.breaks_after.lock().unwrap();
    let frames = frames.into_iter().take(breaks_after.unwrap_or(usize::MAX)).map(Ok::<_, std::io::Error>);
    let frames = futures::stream::iter(frames.collect::<Vec<_>>());
    let broken = futures::stream::iter(breaks_after).then(move |_| {
        let breaking = peer.breaking.clone();
        async move {
            breaking.notified().await;
            Err(std::io::Error::other("the peer breaks off"))
        }
    });
    let body = Body::from_stream(frames.chain(broken));
    ([("content-type", "text/event-stream")], body).into_response()
}
