//! The table of routes: everybody against every route, and foreign ids against ids that never were.

use std::collections::BTreeSet;

use axum::Json;
use axum::routing::post;
use domain::Role;
use http::Method;
use serde_json::{Value, json};
use server::routes::{ROUTES, Route};

use crate::house::{House, Reply, Somebody};

const NOBODY: &str = "00000000000070008000000000000000";

/// The path with every parameter replaced.
fn path(route: &Route, value: &str) -> String {
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { value } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// An empty object where a body is read, so that nothing is made.
fn body(route: &Route) -> Value {
    if matches!(route.method, Method::GET | Method::DELETE) { Value::Null } else { json!({}) }
}

async fn try_route(house: &House, key: &str, route: &Route, value: &str) -> Reply {
    house.call(key, route.method.clone(), &path(route, value), body(route)).await
}

#[tokio::test]
async fn every_route_answers_whom_the_table_names_and_nobody_else() {
    let house = House::open().await;
    let mut people = vec![(None, house.person("none", &[]).await)];
    for role in Role::ALL {
        people.push((Some(*role), house.person(role.as_str(), &[*role]).await));
    }
    for route in ROUTES {
        let unknown = try_route(&house, "", route, NOBODY).await;
        assert_eq!(unknown.status == 401, !route.open, "{} {}: {}", route.method, route.path, unknown.text);
        for (role, somebody) in &people {
            let reply = try_route(&house, &somebody.key, route, NOBODY).await;
            let may = route.open || route.roles.is_empty() || role.is_some_and(|role| route.roles.contains(&role));
            // On the routes of the Iceberg catalog the code is the number of the status.
            let says = || route.path.starts_with("/iceberg/") || reply.code() == "role_missing";
            let turned_away = reply.status == 403 && says();
            let who = role.map_or("nobody's", Role::as_str);
            assert_eq!(turned_away, !may, "{} {} by {who}: {} {}", route.method, route.path, reply.status, reply.text);
            assert!(
                reply.status != 401 && reply.status.as_u16() < 500,
                "{} {}: {}",
                route.method,
                route.path,
                reply.text
            );
        }
    }
}

#[tokio::test]
async fn a_key_narrowed_to_scopes_opens_only_their_routes() {
    let house = House::open().await;
    let key = house.key(json!({"person": "admin", "name": "narrow", "scopes": ["operator"]})).await;
    for route in ROUTES.iter().filter(|route| !route.open && !route.roles.is_empty()) {
        let reply = try_route(&house, &key, route, NOBODY).await;
        let turned_away = reply.status == 403 && reply.code() == "role_missing";
        assert_eq!(turned_away, !route.roles.contains(&Role::Operator), "{} {}", route.method, route.path);
    }
}

#[tokio::test]
async fn no_two_rows_are_for_the_same_call() {
    let calls: BTreeSet<(String, &str)> = ROUTES.iter().map(|route| (route.method.to_string(), route.path)).collect();
    assert_eq!(calls.len(), ROUTES.len());
}

/// Ids of every kind that belong to somebody else.
async fn foreign_ids(house: &House, owner: &Somebody) -> Vec<String> {
    let trace = ask(house, owner).await;
    let made = |method, path: &'static str, body| async move {
        house.locally(method, path, body).await.expect(201).field("id")
    };
    let conversation = house.post(&owner.key, "/v1/conversations", json!({})).await.field("id");
    let response = house.post(&owner.key, "/v1/responses", json!({"model": "parrot", "input": "Hello"})).await;
    vec![
        owner.id.clone(),
        "owner".to_owned(),
        made(Method::POST, "/api/v1/groups", json!({"name": "Legal", "members": [owner.id]})).await,
        "Legal".to_owned(),
        made(Method::POST, "/api/v1/services", json!({"name": "desk"})).await,
        "desk".to_owned(),
        made(Method::POST, "/api/v1/keys", json!({"person": owner.id, "name": "k"})).await,
        trace,
        conversation,
        response.expect(200).field("id"),
    ]
}

/// Asks a question of a parrot that stands in for a model; gives the trace.
async fn ask(house: &House, owner: &Somebody) -> String {
    let reply = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "parrot",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hello"}}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    });
    let parrot = axum::Router::new().route("/v1/chat/completions", post(move || async move { Json(reply) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, parrot).await });
    let upstream = json!({
        "name": "peer", "kind": {"remote": {"base_url": base_url}}, "locality": "local", "models": [{"name": "parrot"}]
    });
    house.app.models.put(serde_json::from_value(upstream).unwrap()).unwrap();
    let question = json!({"model": "parrot", "messages": [{"role": "user", "content": "Hello?"}]});
    let reply = house.post(&owner.key, "/v1/chat/completions", question).await.expect(200);
    reply.headers["freehold-trace"].to_str().unwrap().to_owned()
}

/// Everything of a reply but its request id.
fn masked(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let id = reply.headers["x-request-id"].to_str().unwrap();
    let headers = reply.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "freehold-trace");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (reply.status.as_u16(), headers, reply.text.replace(id, "req"))
}

#[tokio::test]
async fn what_is_foreign_answers_like_what_never_was() {
    let house = House::open().await;
    let owner = house.person("owner", &[Role::User]).await;
    let stranger = house.person("stranger", &[Role::User, Role::Builder, Role::Operator]).await;
    let foreign = foreign_ids(&house, &owner).await;
    let mut compared = 0;
    // Models have no owner: their route answers with the name that was asked for.
    let owned = |route: &&Route| !route.open && route.path.contains('{') && !route.path.contains("{model}");
    for route in ROUTES.iter().filter(owned) {
        for id in &foreign {
            let never = match id.split_once('_') {
                Some((prefix, _)) => format!("{prefix}_{NOBODY}"),
                None => "nobody".to_owned(),
            };
            let theirs = masked(&try_route(&house, &stranger.key, route, id).await);
            assert_eq!(theirs, masked(&try_route(&house, &stranger.key, route, &never).await), "{} {id}", route.path);
            compared += 1;
        }
    }
    assert!(compared > 100, "the table has routes with parameters");
}

#[tokio::test]
async fn the_owner_sees_what_the_stranger_does_not() {
    let house = House::open().await;
    let owner = house.person("owner", &[Role::User]).await;
    let trace = ask(&house, &owner).await;
    house.get(&owner.key, &format!("/api/v1/traces/{trace}")).await.expect(200);
    house.get(&owner.key, &format!("/api/v1/people/{}", owner.id)).await.expect(200);
    house.get(&owner.key, "/api/v1/people/owner").await.expect(200);
}
