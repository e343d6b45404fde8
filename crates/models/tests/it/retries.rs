//! What is sent again, what never is, and when an upstream is left alone.

use axum::response::Response;
use domain::ErrorKind;
use models::{BreakerConfig, BreakerState, Catalog, ModelsError, Route};
use serde_json::json;
use tokio::net::TcpListener;

use crate::peer::{Peer, ask, by, catalog, json_reply, local, one, raw, read_request, said, said_json, until, write};

fn later(status: u16, header: &'static str, value: &'static str) -> Response {
    let mut reply = json_reply(status, &json!({}));
    reply.headers_mut().insert(header, value.parse().unwrap());
    reply
}

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

#[tokio::test]
async fn what_was_not_answered_at_all_is_sent_again() {
    let body = said_json("hi").to_string();
    let base_url = raw(move |number, mut stream| {
        let body = body.clone();
        async move {
            read_request(&mut stream).await;
            if number > 0 {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
                write(&mut stream, &format!("{head}content-length: {}\r\n\r\n{body}", body.len())).await;
            }
        }
    })
    .await;
    let (catalog, route) = one(&base_url, |_| {});
    assert!(route.chat(&ask("hello"), by("ann")).await.is_ok());
    assert_eq!(catalog.snapshots()[0].counts.retries, 1);
}

#[tokio::test]
async fn where_nobody_listens_it_is_tried_as_often_as_configured() {
    let (catalog, route) = one(&nowhere().await, |config| config.retries = 1);
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "upstream_unreachable"));
    let counts = &catalog.snapshots()[0].counts;
    assert_eq!((counts.requests, counts.retries, counts.errors["upstream_unreachable"]), (1, 1, 1));
}

#[tokio::test]
async fn a_server_that_says_when_is_asked_again_then() {
    let peer = Peer::start(|seen| async move {
        match seen.at {
            0 => later(503, "retry-after", "0"),
            1 => later(429, "retry-after-ms", "1"),
            _ => said("hi"),
        }
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    assert!(route.chat(&ask("hello"), by("ann")).await.is_ok());
    assert_eq!(peer.seen().len(), 3);
}

async fn never_again(reply: impl Fn() -> Response + Send + Sync + 'static) -> ModelsError {
    let peer = Peer::start(move |_| std::future::ready(reply())).await;
    let (_, route) = one(&peer.base_url, |config| config.timeouts.total_ms = Some(20_000));
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!(peer.seen().len(), 1);
    error
}

#[tokio::test]
async fn what_may_have_been_worked_on_is_not_sent_again() {
    assert_eq!(never_again(|| json_reply(500, &json!({}))).await.code(), "upstream_failed");
    assert_eq!(never_again(|| json_reply(503, &json!({}))).await.code(), "upstream_failed");
    let limited = never_again(|| json_reply(429, &json!({}))).await;
    assert_eq!((limited.kind(), limited.retry_after_seconds()), (ErrorKind::RateLimited, Some(1)));
}

#[tokio::test]
async fn a_wait_beyond_the_time_out_is_the_callers() {
    let limited = never_again(|| later(429, "retry-after", "30")).await;
    assert_eq!((limited.code(), limited.retry_after_seconds()), ("upstream_rate_limited", Some(30)));
}

/// A peer that fails twice and then answers, asked until its breaker has opened for `open_ms`.
async fn failed_twice(open_ms: u64) -> (Peer, Catalog, Route) {
    let peer =
        Peer::start(|seen| async move { if seen.at < 2 { json_reply(500, &json!({})) } else { said("hi") } }).await;
    let (catalog, route) = one(&peer.base_url, |config| {
        config.breaker = BreakerConfig { failures: 2, open_ms, max_open_ms: open_ms };
    });
    for _ in 0..2 {
        assert_eq!(route.chat(&ask("hello"), by("ann")).await.unwrap_err().code(), "upstream_failed");
    }
    (peer, catalog, route)
}

#[tokio::test]
async fn who_fails_often_is_left_alone() {
    let (peer, catalog, route) = failed_twice(600_000).await;
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_seconds().is_some()), ("upstream_unavailable", true));
    assert_eq!((peer.seen().len(), catalog.snapshots()[0].breaker), (2, BreakerState::Open));
}

#[tokio::test]
async fn a_probe_that_is_answered_brings_it_back() {
    let (_peer, catalog, route) = failed_twice(1).await;
    until(|| catalog.snapshots()[0].breaker == BreakerState::HalfOpen).await;
    assert!(route.chat(&ask("hello"), by("ann")).await.is_ok());
    assert_eq!(catalog.snapshots()[0].breaker, BreakerState::Closed);
}

#[tokio::test]
async fn a_fallback_answers_along_the_list_only_and_is_named() {
    let broken = Peer::start(|_| async { json_reply(500, &json!({})) }).await;
    let well = Peer::start(|_| async { said("hi") }).await;
    let catalog = catalog();
    catalog.put(local("gpu", &broken.base_url, "big")).unwrap();
    catalog.put(local("cpu", &well.base_url, "small")).unwrap();
    let alone = catalog.resolve("big").unwrap().chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((alone.code(), well.seen().len()), ("upstream_failed", 0));
    catalog.set_fallbacks([("big".to_owned(), vec!["absent".to_owned(), "small".to_owned()])].into()).unwrap();
    let route = catalog.resolve("big").unwrap();
    assert_eq!(route.fallbacks().collect::<Vec<_>>(), ["small"]);
    let answered = route.chat(&ask("hello"), by("ann")).await.unwrap();
    assert_eq!((&*answered.by.model, &*answered.by.upstream, answered.by.fallback), ("small", "cpu", true));
    assert_eq!((&*answered.value.model, &well.seen()[0].body["model"]), ("small", &json!("org/small")));
}

#[tokio::test]
async fn a_wrong_request_is_not_tried_elsewhere_and_the_first_error_counts() {
    let strict = Peer::start(|_| async { json_reply(400, &json!({"error": "no"})) }).await;
    let broken = Peer::start(|_| async { json_reply(500, &json!({})) }).await;
    let catalog = catalog();
    catalog.put(local("gpu", &strict.base_url, "big")).unwrap();
    catalog.put(local("cpu", &broken.base_url, "small")).unwrap();
    let lists = [("big", "small"), ("small", "big")];
    let lists = lists.map(|(model, other)| (model.to_owned(), vec![other.to_owned()]));
    catalog.set_fallbacks(lists.into()).unwrap();
    let refused = catalog.resolve("big").unwrap().chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((refused.kind(), broken.seen().len()), (ErrorKind::Invalid, 0));
    let failed = catalog.resolve("small").unwrap().chat_stream(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((failed.code(), strict.seen().len()), ("upstream_failed", 2));
}
