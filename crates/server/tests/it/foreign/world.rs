//! A house with something of every kind in it that has an id or a name: Ada's, which is hidden from everybody else; Ben's
//! and the house's own, which calls name where nothing else is asked for; and those who call.

use std::collections::{BTreeMap, BTreeSet};

use app::{ModelFolder, Network, Stock};
use axum::Json;
use axum::response::IntoResponse;
use axum::routing::post;
use domain::{Clock, Role};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::house::{House, Reply, Somebody, request};

/// On behalf of whom a service calls.
pub(crate) const BEHALF: HeaderName = HeaderName::from_static("freehold-on-behalf-of");

/// What opens somebody's eyes for all things of some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eye {
    /// The role `security`: people, groups, services, keys, decisions, erasures.
    Security,
    /// The role `operator`: sources, ids of their documents, upstreams, jobs.
    Operator,
    /// Whoever is no guest: models.
    Models,
}

/// Somebody who calls.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) name: &'static str,
    pub(crate) key: String,
    /// For whom, if a service does.
    pub(crate) behalf: Option<String>,
    pub(crate) roles: &'static [Role],
    eyes: &'static [Eye],
}

impl Caller {
    /// Whether they see what these eyes see.
    pub(crate) fn has(&self, eyes: &[Eye]) -> bool {
        eyes.iter().any(|eye| self.eyes.contains(eye))
    }
}

/// Something that is there, by an id or a name.
#[derive(Debug)]
pub(crate) struct Thing {
    /// What it is.
    pub(crate) what: &'static str,
    /// Its id or name.
    pub(crate) called: String,
    /// Who sees it beside Ada.
    pub(crate) seen_by: &'static [Eye],
}

impl Thing {
    /// What never was called so: as long, of the same form, and next to it in every order.
    pub(crate) fn never(&self) -> String {
        let mut never = self.called.clone();
        let last = never.pop().unwrap();
        never.push(match last {
            '0'..='8' | 'a'..='e' => char::from(last as u8 + 1),
            '9' => '8',
            'f' => 'e',
            _ => 'q',
        });
        never
    }
}

/// The house and who and what is in it.
pub(crate) struct World {
    pub(crate) house: House,
    pub(crate) callers: Vec<Caller>,
    pub(crate) hidden: Vec<Thing>,
    /// What a call names where nothing else is asked for, by its place.
    pub(crate) own: BTreeMap<&'static str, String>,
    pub(crate) ada: Somebody,
    admin: String,
    _models: tempfile::TempDir,
}

/// A server that answers for any model.
pub(crate) async fn parrot() -> String {
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2});
    let chat = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "parrot", "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
    });
    let completion = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1, "model": "parrot", "usage": usage,
        "choices": [{"index": 0, "finish_reason": "stop", "text": "Hello", "logprobs": null}],
    });
    let embedding = json!({
        "object": "list", "model": "parrot", "usage": {"prompt_tokens": 1, "total_tokens": 1},
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.5]}],
    });
    let says = |reply: Value| post(move || async move { Json(reply) });
    let chats = |Json(request): Json<Value>| async move {
        if request["stream"] == true { streamed().into_response() } else { Json(chat).into_response() }
    };
    let parrot = axum::Router::new()
        .route("/v1/chat/completions", post(chats))
        .route("/v1/completions", says(completion))
        .route("/v1/embeddings", says(embedding));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, parrot).await });
    format!("http://{address}/v1")
}

fn streamed() -> impl IntoResponse {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "parrot",
        "choices": [{"index": 0, "finish_reason": "stop", "delta": {"role": "assistant", "content": "Hello"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    });
    ([(CONTENT_TYPE, "text/event-stream")], format!("data: {chunk}\n\ndata: [DONE]\n\n"))
}

/// A folder of models that offers `sample`, whose file is not where it should be.
fn stock() -> (Stock, tempfile::TempDir) {
    let disk = tempfile::tempdir().unwrap();
    let entry = format!(
        "[[model]]\nname = \"sample\"\nkind = \"chat\"\nfile = \"sample.gguf\"\nbytes = 32\nsha256 = \"{}\"\n\
         licence = \"MIT\"\ncontext_length = 64\nsources = [{{ from = \"file:/nowhere/sample.gguf\" }}]\n",
        "ab".repeat(32)
    );
    std::fs::write(disk.path().join("registry.toml"), entry).unwrap();
    (Stock::new(ModelFolder::open(disk.path()).unwrap(), Network::Offline, Vec::new()), disk)
}

impl World {
    /// The same world each time, to the last id, but for where `parrot` listens.
    pub(crate) async fn made(parrot: &str) -> Self {
        let (stock, models) = stock();
        let house = House::twin(Some(stock)).await;
        let admin = house.admin().await;
        let ada = json!({"user_name": "ada", "display_name": "Ada", "external_id": "employee-7"});
        let ada = house.post(&admin, "/api/v1/people", ada).await.expect(201).field("id");
        let ada = Somebody { key: house.key(json!({"person": ada, "name": "ada's"})).await, id: ada };
        let (callers, hidden, own) = (Vec::new(), Vec::new(), BTreeMap::new());
        let mut world = Self { house, callers, hidden, own, ada, admin, _models: models };
        world.house.app.models.put(serde_json::from_value(upstream("peer", "parrot", parrot)).unwrap()).unwrap();
        world.fill_with_callers().await;
        world.fill_for_all().await;
        world.fill_for_ben().await;
        world.fill_for_ada().await;
        world
    }

    async fn fill_with_callers(&mut self) {
        const ALL: &[Role] = Role::ALL;
        let house = &self.house;
        let people: [(&str, &'static [Role], &'static [Eye]); 6] = [
            ("ben", &[Role::User], &[Eye::Models]),
            ("nia", &[], &[Eye::Models]),
            ("bea", &[Role::Builder], &[Eye::Models]),
            ("otto", &[Role::Operator], &[Eye::Operator, Eye::Models]),
            ("sue", &[Role::Security], &[Eye::Security, Eye::Models]),
            ("gus", &[Role::User], &[]),
        ];
        for (name, roles, eyes) in people {
            let Somebody { id, key } = house.person(name, roles).await;
            self.own.insert(name, id);
            self.callers.push(Caller { name, key, behalf: None, roles, eyes });
        }
        let guest = json!({"external": true});
        house.patch(&self.admin, "/api/v1/people/gus", guest).await.expect(200);
        let sales = json!({"name": "Sales", "members": ["ben"]});
        let sales = house.post(&self.admin, "/api/v1/groups", sales).await.expect(201).field("id");
        let plain = house.service(json!({"name": "plain"}), json!([])).await;
        let clerk = house.service(json!({"name": "clerk", "act_for": [sales]}), json!(["act_for"])).await;
        let (ben, roles, eyes): (_, &'static [Role], &'static [Eye]) =
            (self.own["ben"].clone(), &[Role::User], &[Eye::Models]);
        self.own.extend([("sales", sales), ("plain", plain.id)]);
        let all: &'static [Eye] = &[Eye::Security, Eye::Operator, Eye::Models];
        self.callers.extend([
            Caller { name: "a service", key: plain.key, behalf: None, roles, eyes },
            Caller { name: "a service for ben", key: clerk.key.clone(), behalf: Some(ben), roles, eyes },
            Caller { name: "a service that may act for ben", key: clerk.key, behalf: None, roles, eyes },
            Caller { name: "admin", key: self.admin.clone(), behalf: None, roles: ALL, eyes: all },
        ]);
    }

    /// What whoever runs the house has made.
    async fn fill_for_all(&mut self) {
        let (house, admin) = (&self.house, &self.admin);
        let made =
            |path: &'static str, body| async move { house.post(admin, path, body).await.expect(201).field("id") };
        let wiki = made("/api/v1/sources", json!({"name": "wiki", "kind": "push"})).await;
        made("/api/v1/sources", json!({"name": "vault", "kind": "push"})).await;
        let zoe = made("/api/v1/people", json!({"user_name": "zoe", "display_name": "Zoe"})).await;
        let erasure = made("/api/v1/erasures", json!({"subject": "customer-7"})).await;
        let job = house.post(admin, "/api/v1/models/sample/pull", Value::Null).await.expect(202).field("id");
        // Its events end when it does.
        house.get(admin, &format!("/api/v1/jobs/{job}/events")).await.expect(200);
        let spare = upstream("spare", "none", "http://127.0.0.1:9/v1");
        house.put(admin, "/api/v1/upstreams/spare", spare).await.expect(200);
        self.own.extend([("wiki", wiki), ("zoe", zoe), ("erasure", erasure), ("job", job)]);
        let names = [
            "ben's name",
            "parrot",
            "parrot-vectors",
            "sample",
            "spare",
            "local",
            "freehold",
            "decisions",
            "customer",
            "draft",
        ];
        self.own.extend(names.map(|name| (name, name.trim_end_matches("'s name").to_owned())));
    }

    async fn fill_for_ben(&mut self) {
        let ben = self.callers[0].key.clone();
        let words = self.words_of(&ben).await;
        self.own.extend(words);
        let (memo, key) = (self.document("memo", "ben").await, self.key_of("ben").await);
        self.document("draft", "ben").await;
        let epoch = self.house.app.directory().epoch().to_string();
        let asked = json!({"person": "ben", "documents": [memo], "reason": "an audit",
            "expires_at": self.house.clock.now().plus_seconds(3_600)});
        let glass = self.house.post(&self.admin, "/api/v1/break_glass", asked).await.expect(201).field("id");
        self.own.extend([("memo", memo), ("key", key), ("epoch", epoch), ("glass", glass)]);
        let link = self.house.post(&self.admin, "/api/v1/sign_in_links", json!({"person": "ben"})).await.expect(201);
        self.own.insert("link", link.field("url").split('=').nth(1).unwrap().to_owned());
    }

    async fn fill_for_ada(&mut self) {
        let words = self.words_of(&self.ada.key).await;
        let plan = self.document("plan", "ada").await;
        let decisions = self.house.get(&self.admin, "/api/v1/decisions").await.expect(200).json();
        let decision = decisions["data"][0]["id"].as_str().unwrap().to_owned();
        self.own.insert("decision", decision.clone());
        let house = &self.house;
        let made = async |path: &str, body| house.post(&self.admin, path, body).await.expect(201).field("id");
        let legal = json!({"name": "Legal", "external_id": "legal-7", "members": ["ada"]});
        let legal = made("/api/v1/groups", legal).await;
        let vault = house.get(&self.admin, "/api/v1/sources/vault").await.expect(200).field("id");
        let desk = made("/api/v1/services", json!({"name": "desk"})).await;
        let ida = made("/api/v1/people", json!({"user_name": "ida", "display_name": "Ida", "active": false})).await;
        let key = self.key_of("ada").await;
        let seen = |eyes: &'static [Eye], what, called: &str| Thing { what, called: called.to_owned(), seen_by: eyes };
        let by_security = |what, called: &str| seen(&[Eye::Security], what, called);
        let by_operator = |what, called: &str| seen(&[Eye::Operator], what, called);
        let mut hidden = vec![
            seen(&[], "a document", &plan),
            by_operator("a document's external id", "plan"),
            by_security("a person", &self.ada.id),
            by_security("a person's name", "ada"),
            by_security("a person's external id", "employee-7"),
            by_security("a person who is not active", &ida),
            by_security("a group", &legal),
            by_security("a group's name", "Legal"),
            by_security("a group's external id", "legal-7"),
            by_security("a service", &desk),
            by_security("a service's name", "desk"),
            by_security("a key", &key),
            by_security("a decision", &decision),
            by_security("an erasure", &self.own["erasure"]),
            by_security("an outside customer", "customer-7"),
            by_operator("a source", &vault),
            by_operator("a source's name", "vault"),
            by_operator("a job", &self.own["job"]),
            by_operator("an upstream", "peer"),
            seen(&[Eye::Models], "a model", "parrot"),
            seen(&[Eye::Models], "a model of the folder", "sample"),
            seen(&[], "a table of content", "trace_contents"),
            // Written in another way: no id, and no way around.
            seen(&[], "a document in capitals", &plan.to_uppercase()),
            seen(&[], "a document cut short", &plan[..plan.len() - 1]),
            seen(&[], "a document as a trace", &plan.replace("doc_", "trc_")),
            seen(&[], "a person as a group", &self.ada.id.replace("per_", "grp_")),
        ];
        hidden.extend(words.into_iter().map(|(what, called)| Thing { what, called, seen_by: &[] }));
        self.hidden = hidden;
    }

    /// What somebody says: an exchange, a response, a conversation with an item.
    async fn words_of(&self, key: &str) -> [(&'static str, String); 4] {
        let post = async |path: &str, body| self.house.post(key, path, body).await.expect(200);
        let question = json!({"model": "parrot", "messages": [{"role": "user", "content": "Hello?"}]});
        let trace = post("/v1/chat/completions", question).await.headers["freehold-trace"].to_str().unwrap().to_owned();
        let response = post("/v1/responses", json!({"model": "parrot", "input": "Hello?"})).await.field("id");
        let item = json!({"items": [{"type": "message", "role": "user", "content": "Hello?"}]});
        let conversation = post("/v1/conversations", item.clone()).await.field("id");
        let items = post(&format!("/v1/conversations/{conversation}/items"), item).await.json();
        let item = items["data"][0]["id"].as_str().unwrap().to_owned();
        [("trace", trace), ("response", response), ("conversation", conversation), ("item", item)]
    }

    /// A document that one person may read.
    async fn document(&self, name: &str, reader: &str) -> String {
        let reader = self.house.get(&self.admin, &format!("/api/v1/people/{reader}")).await.expect(200).field("id");
        let document = json!({"title": name, "text": "one canary", "access": {"allow": [reader]}});
        // A source in which one reads a document is no secret.
        let source = if reader == self.ada.id { "vault" } else { "wiki" };
        let path = format!("/api/v1/sources/{source}/documents/{name}");
        self.house.put(&self.admin, &path, document).await.expect(200).field("id")
    }

    async fn key_of(&self, person: &str) -> String {
        let keys = self.house.get(&self.admin, &format!("/api/v1/keys?person={person}")).await.expect(200).json();
        keys["data"][0]["id"].as_str().unwrap().to_owned()
    }

    /// One more of everything that is hidden from whoever looks after nothing.
    pub(crate) async fn more(&self, number: usize) {
        let (name, admin) = (format!("more-{number}"), &self.admin);
        self.words_of(&self.ada.key).await;
        self.document(&name, "ada").await;
        let person = json!({"user_name": name, "display_name": name});
        for (path, body) in [
            ("/api/v1/people", person),
            ("/api/v1/groups", json!({"name": name, "members": ["ada", name]})),
            ("/api/v1/services", json!({"name": name})),
            ("/api/v1/keys", json!({"name": name, "person": "ada"})),
            ("/api/v1/sign_in_links", json!({"person": "ada"})),
            ("/api/v1/sources", json!({"name": name, "kind": "push"})),
            ("/api/v1/erasures", json!({"subject": name})),
        ] {
            self.house.post(admin, path, body).await.expect(201);
        }
        self.house.get(&self.ada.key, "/api/v1/people").await.refused(403, "role_missing");
    }

    /// What Ben gets next.
    pub(crate) async fn more_for_ben(&self) {
        self.words_of(&self.callers[0].key).await;
        self.document("later", "ben").await;
        for path in ["/api/v1/keys", "/api/v1/sign_in_links"] {
            let name =
                if path.ends_with("keys") { json!({"name": "x", "person": "ben"}) } else { json!({"person": "ben"}) };
            self.house.post(&self.admin, path, name).await.expect(201);
        }
    }

    /// One more model, which guests do not see.
    pub(crate) fn more_models(&self, parrot: &str) {
        self.house.app.models.put(serde_json::from_value(upstream("more", "macaw", parrot)).unwrap()).unwrap();
    }

    /// Sends a call with a caller's key, for whom they call for.
    pub(crate) async fn call(&self, caller: &Caller, method: &Method, (path, body): &(String, String)) -> Reply {
        let behalf = caller.behalf.iter().map(|whom| (BEHALF, whom.clone()));
        self.send(&caller.key, method, (path, body), behalf).await
    }

    /// Sends a call with a key and more headers.
    pub(crate) async fn send(
        &self,
        key: &str,
        method: &Method,
        (path, body): (&str, &str),
        headers: impl IntoIterator<Item = (HeaderName, String)>,
    ) -> Reply {
        let mut request = request(key, method.clone(), path, Value::Null);
        *request.body_mut() = axum::body::Body::from(body.to_owned());
        for (name, value) in headers {
            request.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
        }
        self.house.send(request).await
    }

    /// Every id and name that is known to the test: no other word of a reply is let pass as made in this call.
    pub(crate) fn known(&self) -> BTreeSet<&str> {
        let hidden = self.hidden.iter().map(|thing| thing.called.as_str());
        hidden.chain(self.own.values().map(String::as_str)).collect()
    }

    /// Headers that name somebody, or a secret that was good once, each beside one that never was.
    pub(crate) async fn old_secrets(&self) -> Vec<(&'static str, HeaderName, String)> {
        let (house, admin) = (&self.house, &self.admin);
        let made = house.post(admin, "/api/v1/keys", json!({"name": "old", "person": "ada"})).await.expect(201);
        house.delete(admin, &format!("/api/v1/keys/{}", made.field("id"))).await.expect(200);
        let link = house.post(admin, "/api/v1/sign_in_links", json!({"person": "ada"})).await.expect(201).field("url");
        let signed_in = house.get("", &link).await.expect(200);
        let cookie = signed_in.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        house.clock.advance_seconds(13 * 3_600);
        let key = format!("Bearer {}", made.field("key"));
        vec![("a key taken back", AUTHORIZATION, key), ("a session that is over", http::header::COOKIE, cookie)]
    }
}

fn upstream(name: &str, model: &str, base_url: &str) -> Value {
    let locality = if model == "none" { "external" } else { "local" };
    let models = json!([{"name": model}, {"name": format!("{model}-vectors"), "kind": "embedding"}]);
    json!({"name": name, "kind": {"remote": {"base_url": base_url}}, "locality": locality, "models": models})
}
