//! A service on behalf of a person: by id, and by a token of a configured issuer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::routing::get;
use domain::Role;
use http::{HeaderValue, Method};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::house::{House, Reply, Somebody, request};

const ISSUER: &str = "https://idp.example";

async fn me_for(house: &House, key: &str, whom: &str) -> Reply {
    call_with(house, (key, whom), Method::GET, "/api/v1/me", Value::Null).await
}

/// A request with a key on behalf of somebody.
async fn call_with(house: &House, (key, whom): (&str, &str), method: Method, path: &str, body: Value) -> Reply {
    let mut request = request(key, method, path, body);
    request.headers_mut().insert("freehold-on-behalf-of", HeaderValue::try_from(whom).unwrap());
    house.send(request).await
}

async fn desk(house: &House) -> Somebody {
    house.service(json!({"name": "desk"}), json!(["act_for"])).await
}

#[tokio::test]
async fn a_service_acts_with_the_persons_rights_narrowed_by_its_key() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User, Role::Security]).await;
    let desk = desk(&house).await;
    let me = me_for(&house, &desk.key, &ada.id).await.expect(200).json();
    assert_eq!(me["id"], json!(ada.id));
    assert_eq!(me["via"], json!([desk.id]));
    assert_eq!(me["roles"], json!(["user", "security"]));
    let narrow = house.service(json!({"name": "narrow"}), json!(["act_for", "user"])).await;
    assert_eq!(me_for(&house, &narrow.key, &ada.id).await.json()["roles"], json!(["user"]));
}

#[tokio::test]
async fn nobody_acts_without_the_scope_outside_the_groups_or_for_nobody() {
    let house = House::open().await;
    let admin = house.admin().await;
    let (ada, bob) = (house.person("ada", &[Role::User]).await, house.person("bob", &[Role::User]).await);
    house.post(&admin, "/api/v1/groups", json!({"name": "Sales", "members": ["ada"]})).await.expect(201);
    let limited = house.service(json!({"name": "limited", "act_for": ["Sales"]}), json!(["act_for"])).await;
    me_for(&house, &limited.key, &ada.id).await.expect(200);
    let plain = house.service(json!({"name": "plain"}), json!([])).await;
    let outside = me_for(&house, &limited.key, &bob.id).await.refused(403, "act_for_denied");
    for (key, whom) in [
        (&limited.key, "per_00000000000070008000000000000000"),
        (&limited.key, "per_broken"),
        (&plain.key, ada.id.as_str()),
        (&bob.key, ada.id.as_str()),
        (&admin, ada.id.as_str()),
    ] {
        let reply = me_for(&house, key, whom).await.refused(403, "act_for_denied");
        assert_eq!(reply.json()["error"]["message"], outside.json()["error"]["message"]);
    }
    house.delete(&admin, "/api/v1/people/ada").await.expect(200);
    me_for(&house, &limited.key, &ada.id).await.refused(403, "act_for_denied");
}

#[tokio::test]
async fn what_a_service_changes_for_somebody_names_both() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User, Role::Operator, Role::Security]).await;
    let desk = desk(&house).await;
    let both = (desk.key.as_str(), ada.id.as_str());
    let bob = json!({"user_name": "bob", "display_name": "Bob"});
    let bob = call_with(&house, both, Method::POST, "/api/v1/people", bob).await.expect(201).field("id");
    let settings = json!({"aliases": {"gpt-4o": "parrot"}});
    call_with(&house, both, Method::PUT, "/api/v1/settings", settings.clone()).await.expect(200);
    house.put(&ada.key, "/api/v1/settings", settings).await.expect(200);
    let named = |entry: &Value| (entry["actor"].clone(), entry["via"].clone());
    let epochs = house.get(&ada.key, "/api/v1/epochs?limit=1000").await.expect(200).json();
    let made = epochs["data"].as_array().unwrap().iter().find(|entry| entry["ids"][0] == json!(bob)).unwrap();
    assert_eq!(named(made), (json!(ada.id), json!([desk.id])));
    let acts = house.get(&ada.key, "/api/v1/audit").await.expect(200).json();
    assert_eq!(named(&acts["data"][1]), (json!(ada.id), json!([desk.id])));
    assert_eq!(named(&acts["data"][0]), (json!(ada.id), json!([])));
}

type SentHeader = (&'static str, &'static [u8]);

/// A question to a model that is not read: who asks is turned away before.
async fn ask(house: &House, key: &str, headers: &[(&'static str, &[u8])]) -> Reply {
    let question = json!({"model": "parrot", "messages": [{"role": "user", "content": "the secret word"}]});
    let mut request = request(key, Method::POST, "/v1/chat/completions", question);
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_bytes(value).unwrap());
    }
    house.send(request).await
}

async fn traces(house: &House, key: &str) -> Vec<Value> {
    house.get(key, "/api/v1/traces").await.expect(200).json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn who_may_not_act_for_somebody_leaves_a_trace_of_their_own() {
    let house = House::open().await;
    let (ada, bob) = (house.person("ada", &[Role::User]).await, house.person("bob", &[Role::User]).await);
    let plain = house.service(json!({"name": "plain"}), json!([])).await;
    for (number, whom) in [ada.id.as_bytes(), b"per_00000000000070008000000000000000", b"a.b.c"].into_iter().enumerate()
    {
        let headers: [(&str, &[u8]); 2] = [("freehold-on-behalf-of", whom), ("freehold-purpose", b"triage")];
        let reply = ask(&house, &plain.key, &headers).await.refused(403, "act_for_denied");
        let left = traces(&house, &plain.key).await;
        assert_eq!(left.len(), number + 1);
        assert_eq!(reply.headers["freehold-trace"], left[0]["id"].as_str().unwrap());
        assert_eq!((&left[0]["outcome"], &left[0]["reason"]), (&json!("refused"), &json!("act_for_denied")));
        assert_eq!((&left[0]["caller"]["principal"], &left[0]["purpose"]), (&json!(plain.id), &json!("triage")));
        assert!(left[0]["input"].is_null() && left[0]["caller"]["via"].is_null());
        assert!(!left[0].to_string().contains(&ada.id));
    }
    assert!(traces(&house, &ada.key).await.is_empty());
    // A person's key acts for nobody, and its own refusal is the person's.
    ask(&house, &bob.key, &[("freehold-on-behalf-of", ada.id.as_bytes())]).await.refused(403, "act_for_denied");
    assert_eq!(traces(&house, &bob.key).await[0]["caller"]["principal"], json!(bob.id));
    // Elsewhere than on the way to a model there is no exchange, and without a good key nobody's.
    me_for(&house, &plain.key, &ada.id).await.refused(403, "act_for_denied");
    ask(&house, "fh_wrong", &[("freehold-on-behalf-of", ada.id.as_bytes())]).await.refused(401, "invalid_api_key");
    assert_eq!(traces(&house, &plain.key).await.len(), 3);
}

#[tokio::test]
async fn a_header_that_cannot_be_read_leaves_a_trace_as_far_as_the_capture_mode_lets_it() {
    let house = House::open().await;
    let ada = house.person("ada", &[Role::User]).await;
    let silent = house.key(json!({"person": ada.id, "name": "silent", "capture": "none"})).await;
    let refusals: [(&[SentHeader], &str, &str); 4] = [
        (&[("freehold-on-behalf-of", b"\xff")], "invalid_header", "full"),
        (&[("freehold-purpose", b"\xff")], "invalid_header", "full"),
        (&[("freehold-capture", b"everything")], "invalid_value", "usage"),
        (&[("freehold-capture", b"none"), ("freehold-capture", b"full")], "repeated_header", "usage"),
    ];
    for (headers, code, capture) in refusals {
        let reply = ask(&house, &ada.key, headers).await.refused(400, code);
        let newest = traces(&house, &ada.key).await.remove(0);
        assert_eq!(reply.headers["freehold-trace"], newest["id"].as_str().unwrap());
        assert_eq!((&newest["reason"], &newest["capture"]), (&json!(code), &json!(capture)));
        assert_eq!(ask(&house, &silent, headers).await.refused(400, code).headers.get("freehold-trace"), None);
    }
    let none: [(&str, &[u8]); 2] = [("freehold-capture", b"none"), ("freehold-on-behalf-of", b"per_1")];
    assert_eq!(ask(&house, &ada.key, &none).await.refused(403, "act_for_denied").headers.get("freehold-trace"), None);
    assert_eq!(traces(&house, &ada.key).await.len(), 4);
    // Counted all the same: four with a trace, five without.
    assert_eq!(house.app.counters.snapshot()["none"].requests["refused"], 9);
}

/// An issuer's key made of 32 bytes: Ed25519, or P-256 (RFC 8410 and RFC 5915 in PKCS #8). For RSA there is one in a
/// file, made for this test.
fn signing_key(algorithm: Algorithm, seed: u8) -> EncodingKey {
    let head: &[u8] = match algorithm {
        Algorithm::EdDSA => b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20",
        _ => {
            b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\
               \x04\x27\x30\x25\x02\x01\x01\x04\x20"
        }
    };
    let der = [head, &[seed; 32]].concat();
    match algorithm {
        Algorithm::RS256 => EncodingKey::from_rsa_der(include_bytes!("issuer.der")),
        Algorithm::EdDSA => EncodingKey::from_ed_der(&der),
        _ => EncodingKey::from_ec_der(&der),
    }
}

fn public_key(algorithm: Algorithm, seed: u8, id: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(&signing_key(algorithm, seed), algorithm).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

/// What a good token claims.
fn claims(house: &House) -> Value {
    let now = house.app.now().seconds();
    json!({"iss": ISSUER, "aud": "freehold", "sub": "ada-42", "exp": now + 300, "nbf": now})
}

fn token(algorithm: Algorithm, seed: u8, id: &str, claims: &Value) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
    encode(&header, claims, &signing_key(algorithm, seed)).unwrap()
}

async fn configure(house: &House, keys: Value) {
    let issuer = match keys {
        Value::String(url) => json!({"issuer": ISSUER, "audience": "freehold", "jwks_url": url}),
        keys => json!({"issuer": ISSUER, "audience": "freehold", "jwks": {"keys": keys}}),
    };
    let admin = house.admin().await;
    house.put(&admin, "/api/v1/settings", json!({"issuers": [issuer]})).await.expect(200);
    let person = json!({"user_name": "ada", "display_name": "Ada", "source": ISSUER, "external_id": "ada-42"});
    house.post(&admin, "/api/v1/people", person).await.expect(201);
}

#[tokio::test]
async fn a_good_token_names_the_person_of_its_issuer_and_subject() {
    let house = House::open().await;
    let keys = [(Algorithm::EdDSA, 1, "a"), (Algorithm::ES256, 2, "b"), (Algorithm::RS256, 0, "c")];
    let public: Vec<Value> = keys.iter().map(|(algorithm, seed, id)| public_key(*algorithm, *seed, id)).collect();
    configure(&house, json!(public)).await;
    let desk = desk(&house).await;
    for (algorithm, seed, id) in keys {
        let me = me_for(&house, &desk.key, &token(algorithm, seed, id, &claims(&house))).await.expect(200).json();
        assert_eq!(me["name"], "ada");
    }
}

#[tokio::test]
async fn a_token_with_anything_wrong_is_denied() {
    let house = House::open().await;
    configure(&house, json!([public_key(Algorithm::EdDSA, 1, "a")])).await;
    let desk = desk(&house).await;
    let now = house.app.now().seconds();
    let with = |field: &str, value: Value| {
        let mut claims = claims(&house);
        claims[field] = value;
        token(Algorithm::EdDSA, 1, "a", &claims)
    };
    let without = |field: &str| {
        let mut claims = claims(&house);
        claims.as_object_mut().unwrap().remove(field);
        token(Algorithm::EdDSA, 1, "a", &claims)
    };
    let good = token(Algorithm::EdDSA, 1, "a", &claims(&house));
    let shared = encode(&Header::new(Algorithm::HS256), &claims(&house), &EncodingKey::from_secret(b"a")).unwrap();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", good.split('.').nth(1).unwrap());
    for bad in [
        with("exp", json!(now - 61)),
        with("nbf", json!(now + 120)),
        with("aud", json!("somebody else")),
        with("iss", json!("https://evil.example")),
        with("sub", json!("nobody")),
        without("exp"),
        without("sub"),
        without("aud"),
        without("iss"),
        token(Algorithm::EdDSA, 9, "a", &claims(&house)),
        token(Algorithm::EdDSA, 1, "unknown", &claims(&house)),
        token(Algorithm::ES256, 2, "a", &claims(&house)),
        good[..good.len() - 8].to_owned(),
        shared,
        unsigned,
        "ada-42".to_owned(),
        "x".repeat(20_000),
    ] {
        me_for(&house, &desk.key, &bad).await.refused(403, "act_for_denied");
    }
    me_for(&house, &desk.key, &good).await.expect(200);
    house.clock.advance_seconds(361);
    me_for(&house, &desk.key, &good).await.refused(403, "act_for_denied");
}

#[tokio::test]
async fn keys_are_fetched_when_needed_and_once_a_minute_at_most() {
    let house = House::open().await;
    let fetches = Arc::new(AtomicUsize::new(0));
    let counted = fetches.clone();
    let set = json!({"keys": [public_key(Algorithm::EdDSA, 1, "a"), {"kty": "quantum", "kid": "q"}]});
    let issuer = axum::Router::new().route(
        "/keys",
        get(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async move { Json(set) }
        }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    configure(&house, json!(format!("http://{}/keys", listener.local_addr().unwrap()))).await;
    tokio::spawn(async move { axum::serve(listener, issuer).await });
    let desk = desk(&house).await;
    let plain = house.service(json!({"name": "plain"}), json!([])).await;

    me_for(&house, &plain.key, &token(Algorithm::EdDSA, 1, "a", &claims(&house))).await.refused(403, "act_for_denied");
    assert_eq!(fetches.load(Ordering::SeqCst), 0, "nothing is fetched for a key that may not act for others");
    for _ in 0..3 {
        me_for(&house, &desk.key, &token(Algorithm::EdDSA, 1, "a", &claims(&house))).await.expect(200);
        me_for(&house, &desk.key, &token(Algorithm::EdDSA, 1, "made-up", &claims(&house))).await.expect(403);
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 1);
    house.clock.advance_seconds(60);
    me_for(&house, &desk.key, &token(Algorithm::EdDSA, 1, "made-up", &claims(&house))).await.expect(403);
    me_for(&house, &desk.key, &token(Algorithm::EdDSA, 1, "other", &claims(&house))).await.expect(403);
    assert_eq!(fetches.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_issuer_that_does_not_answer_is_named_as_such() {
    let house = House::open().await;
    configure(&house, json!("http://127.0.0.1:1/keys")).await;
    let desk = desk(&house).await;
    let reply = me_for(&house, &desk.key, &token(Algorithm::EdDSA, 1, "a", &claims(&house))).await;
    reply.refused(503, "issuer_unavailable");
    house.clock.advance_seconds(60);
    let token = token(Algorithm::EdDSA, 1, "a", &claims(&house));
    ask(&house, &desk.key, &[("freehold-on-behalf-of", token.as_bytes())]).await.refused(503, "issuer_unavailable");
    assert_eq!(traces(&house, &desk.key).await[0]["outcome"], "failed");
}
