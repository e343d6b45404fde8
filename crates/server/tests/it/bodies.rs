//! What comes in badly: every refusal is in the envelope, with its place and what to do.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use futures::StreamExt as _;
use http::{Method, Request};
use proptest::prelude::*;
use serde_json::{Value, json};
use server::ServerOptions;
use tower::ServiceExt as _;

use crate::house::House;

const PEOPLE: &str = "/api/v1/people";

fn raw(key: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri(PEOPLE).header("authorization", format!("Bearer {key}"));
    request.body(body.into()).unwrap()
}

fn param(reply: &crate::house::Reply) -> Value {
    reply.json()["error"]["param"].clone()
}

#[tokio::test]
async fn a_wrong_body_is_named_by_its_place() {
    let house = House::open().await;
    let key = house.admin().await;
    let person = |field: &str, value: Value| {
        let mut person = json!({"user_name": "ada", "display_name": "Ada"});
        person[field] = value;
        person.to_string()
    };
    for (body, at) in [
        (person("shoe_size", json!(9)), json!("shoe_size")),
        (person("external", json!("yes")), json!("external")),
        (person("roles", json!(["root"])), json!("roles[0]")),
        (person("attributes", json!({"level": 1.5})), json!("attributes.level")),
        (person("user_name", json!("")), json!("user_name")),
        (person("user_name", json!("per_1")), json!("user_name")),
        (json!({"user_name": "ada"}).to_string(), json!("display_name")),
        ("{\"user_name\": \"ada\",".to_owned(), Value::Null),
        (String::new(), Value::Null),
        ("[]".to_owned(), Value::Null),
    ] {
        let reply = house.send(raw(&key, body.clone())).await.expect(400);
        assert_eq!(param(&reply), at, "{body}: {}", reply.text);
        assert_eq!(reply.json()["error"]["type"], "invalid_request_error");
        assert!(reply.json()["error"]["message"].as_str().is_some_and(|message| message.len() > 10));
    }
    house.send(raw(&key, vec![b'{', b'"', 0xff, 0xfe])).await.expect(400);
    house.get(&key, "/api/v1/people/ada").await.refused(404, "not_found");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_and_while_it_is_read() {
    let house = House::with(ServerOptions { body_limit_bytes: 1000, ..ServerOptions::default() }).await;
    let key = house.admin().await;
    let mut announced = raw(&key, vec![b' '; 1001]);
    announced.headers_mut().insert("content-length", 1001.into());
    house.send(announced).await.refused(413, "body_too_large");
    let pieces = futures::stream::repeat_with(|| Ok::<_, Infallible>(vec![b' '; 100])).take(20);
    house.send(raw(&key, Body::from_stream(pieces))).await.refused(413, "body_too_large");
    house.send(raw(&key, vec![b' '; 1000])).await.refused(400, "invalid_json");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let options = ServerOptions { body_idle_timeout: Duration::from_millis(1), ..ServerOptions::default() };
    let house = House::with(options).await;
    let key = house.admin().await;
    let stalled = futures::stream::once(async { Ok::<_, Infallible>("{") }).chain(futures::stream::pending());
    house.send(raw(&key, Body::from_stream(stalled))).await.refused(408, "body_timeout");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let house = House::open().await;
    let key = house.admin().await;
    let broken = futures::stream::iter([Ok("{"), Err(std::io::Error::other("gone"))]);
    house.send(raw(&key, Body::from_stream(broken))).await.refused(400, "body_cut_off");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_in_the_envelope_and_a_missing_key_comes_first() {
    let house = House::open().await;
    let key = house.admin().await;
    for path in ["/", "/api/v1/nowhere", "/v1/chat", "/api/v1/people/a/b"] {
        house.get("", path).await.refused(401, "missing_api_key");
        house.get("fh_wrong", path).await.refused(401, "invalid_api_key");
        house.get(&key, path).await.refused(404, "unknown_route");
    }
    house.put("", PEOPLE, json!({})).await.refused(401, "missing_api_key");
    let reply = house.put(&key, PEOPLE, json!({})).await.refused(405, "method_not_allowed");
    let allowed = reply.headers["allow"].to_str().unwrap();
    assert!(allowed.contains("GET") && allowed.contains("POST"), "{allowed}");
    assert_eq!(house.get("", PEOPLE).await.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn queries_and_paths_are_as_strict_as_bodies() {
    let house = House::open().await;
    let key = house.admin().await;
    for (query, at) in [
        ("limit=0", json!("limit")),
        ("limit=1001", json!("limit")),
        ("limit=many", json!("limit")),
        ("limit=1&limit=2", json!("limit")),
        ("after=grp_00000000000070008000000000000000", json!("after")),
        ("order=asc", json!("order")),
    ] {
        let reply = house.get(&key, &format!("{PEOPLE}?{query}")).await.expect(400);
        assert_eq!(param(&reply), at, "{query}: {}", reply.text);
    }
    house.get(&key, "/api/v1/people/%ff").await.refused(400, "invalid_path");
    house.get(&key, "/api/v1/people/%C3%A4da").await.refused(404, "not_found");
}

#[tokio::test]
async fn headers_that_cannot_be_honoured_are_refused() {
    let house = House::open().await;
    let key = house.admin().await;
    let with = |name: &str, value: &[u8]| {
        let mut request = crate::house::request(&key, Method::GET, "/api/v1/me", Value::Null);
        let name: http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, http::HeaderValue::from_bytes(value).unwrap());
        request
    };
    let reply = house.send(with("freehold-capture", b"everything")).await.refused(400, "invalid_value");
    assert_eq!(param(&reply), "Freehold-Capture");
    house.send(with("freehold-capture", b"none")).await.expect(200);
    house.send(with("freehold-purpose", &[b'x'; 257])).await.refused(400, "invalid_value");
    house.send(with("freehold-purpose", b"\xff")).await.refused(400, "invalid_header");
    house.send(with("authorization", b"Basic YTpi")).await.refused(401, "missing_api_key");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_query_headers_and_body_end_in_an_answer_or_in_the_envelope(
        query in "[a-z_=&%0-9+.\\[\\]\u{80}-\u{ff}]{0,30}",
        name in prop::sample::select(&["authorization", "freehold-on-behalf-of", "freehold-capture", "freehold-purpose",
            "idempotency-key", "cookie", "content-type", "content-length"][..]),
        value in prop::collection::vec(0x20..=0xff_u8, 0..30),
        body in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let uri = format!("/api/v1/people?{query}");
        let header = http::HeaderValue::from_bytes(&value);
        let (Ok(uri), Ok(header)) = (uri.parse::<http::Uri>(), header) else { return Ok(()) };
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let house = House::open().await;
            for method in ["GET", "POST"] {
                let request = Request::builder().method(method).uri(uri.clone()).header(name, header.clone());
                let reply = house.control.clone().oneshot(request.body(Body::from(body.clone())).unwrap()).await.unwrap();
                let reply = crate::house::answer(reply).await;
                prop_assert!(reply.status.as_u16() < 500, "{}", reply.text);
                if !reply.status.is_success() {
                    let message = reply.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
                    prop_assert!(!message.is_empty(), "{}", reply.text);
                }
            }
            Ok(())
        })?;
    }
}
