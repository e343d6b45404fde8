//! `Idempotency-Key`: the same object again, for the same caller and kind alone.

use http::Method;
use serde_json::{Value, json};

use crate::house::{House, Reply, request};

async fn repeat(house: &House, key: &str, path: &str, body: Value) -> Reply {
    let mut request = request(key, Method::POST, path, body);
    request.headers_mut().insert("idempotency-key", http::HeaderValue::from_static("one"));
    house.send(request).await
}

#[tokio::test]
async fn a_repeat_answers_with_the_object_made_first() {
    let house = House::open().await;
    let key = house.admin().await;
    for (path, body) in [
        ("/api/v1/people", json!({"user_name": "ada", "display_name": "Ada"})),
        ("/api/v1/groups", json!({"name": "Legal"})),
        ("/api/v1/services", json!({"name": "desk"})),
    ] {
        let first = repeat(&house, &key, path, body.clone()).await.expect(201);
        let epoch = house.app.directory().epoch();
        assert_eq!(repeat(&house, &key, path, body.clone()).await.expect(201).json(), first.json());
        assert_eq!(house.app.directory().epoch(), epoch, "a repeat changes nothing");
        house.post(&key, path, body).await.refused(409, "already_exists");
    }
}

#[tokio::test]
async fn a_repeated_key_is_the_same_key_and_its_secret_stays_secret() {
    let house = House::open().await;
    let admin = house.admin().await;
    let body = json!({"person": "admin", "name": "laptop"});
    let first = repeat(&house, &admin, "/api/v1/keys", body.clone()).await.expect(201);
    let second = repeat(&house, &admin, "/api/v1/keys", body.clone()).await.expect(201);
    assert_eq!(second.field("id"), first.field("id"));
    assert_eq!(second.json().get("key"), None);
    house.get(&first.field("key"), "/api/v1/me").await.expect(200);
    let other = house.post(&admin, "/api/v1/keys", body).await.expect(201);
    assert_ne!(other.field("id"), first.field("id"));
}

#[tokio::test]
async fn another_callers_key_is_another_key() {
    let house = House::open().await;
    let admin = house.admin().await;
    let second = house.person("second", &[domain::Role::Security]).await;
    let first = repeat(&house, &admin, "/api/v1/keys", json!({"name": "x"})).await.expect(201);
    let other = repeat(&house, &second.key, "/api/v1/keys", json!({"name": "x"})).await.expect(201);
    assert_ne!(first.field("id"), other.field("id"));
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    let house = House::open().await;
    let admin = house.admin().await;
    let mut request = request(&admin, Method::POST, "/api/v1/groups", json!({"name": "x"}));
    request.headers_mut().insert("idempotency-key", "x".repeat(256).parse().unwrap());
    house.send(request).await.refused(400, "invalid_header");
}
