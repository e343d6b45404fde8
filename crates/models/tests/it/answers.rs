//! Whole answers: what is sent, what comes back, how errors of a server reach the caller.

use axum::response::Response;
use domain::ErrorKind;
use models::{Dialect, ModelConfig, ModelKind, ModelsError, Secret};
use serde_json::json;
use wire::completion::{CompletionRequest, Prompt};
use wire::embedding::{EmbeddingRequest, Vector};

use crate::peer::{Peer, ask, by, json_reply, one, raw, read_request, said, said_json, write};

#[tokio::test]
async fn an_answer_names_who_gave_it_and_the_server_hears_its_own_name() {
    let peer = Peer::start(|_| async { said("hi") }).await;
    let (_, route) = one(&peer.base_url, |config| {
        config.api_key = Some(Secret::given("sk-1"));
        config.headers.insert("X-Team".into(), Secret::given("blue"));
        config.models[0].sha256 = Some("ab".repeat(32));
    });
    let answered = route.chat(&ask("hello"), by("ann")).await.unwrap();
    assert_eq!((&*answered.value.model, &*answered.by.model, &*answered.by.upstream), ("big", "big", "gpu"));
    assert_eq!((answered.by.fallback, answered.by.weights_hash), (false, Some("ab".repeat(32))));
    assert_eq!(answered.value.choices[0].message.content.as_deref(), Some("hi"));
    let [seen] = peer.seen().try_into().unwrap();
    assert_eq!((&*seen.path, &seen.body["model"]), ("/v1/chat/completions", &json!("org/big")));
    assert_eq!((seen.header("authorization"), seen.header("x-team")), (Some("Bearer sk-1"), Some("blue")));
    assert_eq!(seen.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn completions_and_embeddings_take_the_same_way() {
    let peer = Peer::start(|seen| async move {
        match &*seen.path {
            "/v1/completions" => json_reply(200, &json!({"choices": [{"text": "b", "finish_reason": "length"}]})),
            _ => json_reply(200, &json!({"data": [{"index": 0, "embedding": [0.5, 0.5]}]})),
        }
    })
    .await;
    let (catalog, route) = one(&peer.base_url, |config| {
        config.models.push(ModelConfig { dimensions: Some(2), ..ModelConfig::new("e5", ModelKind::Embedding) });
    });
    let prompt = vec![Prompt::Text("a".into())];
    let request = CompletionRequest { model: "big".into(), prompt: prompt.clone(), ..CompletionRequest::default() };
    assert_eq!(route.completion(&request, by("ann")).await.unwrap().value.choices[0].text, "b");
    let request = EmbeddingRequest { model: "e5".into(), input: prompt, ..EmbeddingRequest::default() };
    let vectors = catalog.resolve("e5").unwrap().embeddings(&request, by("ann")).await.unwrap();
    assert_eq!(vectors.value.data[0].embedding, Vector::Floats(vec![0.5, 0.5]));
    let error = route.embeddings(&request, by("ann")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Invalid, "model_kind_mismatch"));
}

async fn refused_with(status: u16, body: serde_json::Value) -> ModelsError {
    let peer = Peer::start(move |_| {
        let body = body.clone();
        async move { json_reply(status, &body) }
    })
    .await;
    let (_, route) = one(&peer.base_url, |config| config.api_key = Some(Secret::given("sk-secret")));
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!(peer.seen().len(), 1, "sent again");
    error
}

#[tokio::test]
async fn a_wrong_request_is_the_callers_with_the_servers_words() {
    let error =
        refused_with(400, json!({"error": {"message": "temperature is too hot", "param": "temperature"}})).await;
    assert_eq!(
        (error.kind(), error.param(), &*error.to_string()),
        (ErrorKind::Invalid, Some("temperature"), "temperature is too hot")
    );
}

#[tokio::test]
async fn a_refused_key_is_the_operators_and_is_not_shown() {
    let error = refused_with(401, json!({"error": {"message": "bad key sk-secret"}})).await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "upstream_misconfigured"));
    assert!(!format!("{error} {error:?}").contains("sk-secret"));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Peer::start(|_| async { said("hi") }).await;
    let target = format!("{}/chat/completions", elsewhere.base_url);
    let peer = Peer::start(move |_| {
        let target = target.clone();
        async move {
            let mut reply = json_reply(307, &json!({}));
            reply.headers_mut().insert("location", target.parse().unwrap());
            reply
        }
    })
    .await;
    let (_, route) = one(&peer.base_url, |_| {});
    assert_eq!(route.chat(&ask("hello"), by("ann")).await.unwrap_err().code(), "upstream_misconfigured");
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn garbage_is_no_answer() {
    let not_http = raw(|_, mut stream| async move {
        read_request(&mut stream).await;
        write(&mut stream, "what?\r\n\r\n").await;
    })
    .await;
    let (_, route) = one(&not_http, |_| {});
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "upstream_invalid_reply"));

    let peer = Peer::start(|seen| async move {
        match seen.at {
            0 => Response::new("<html>".into()),
            1 => Response::new("{}".into()),
            _ => said(&"x".repeat(5_000)),
        }
    })
    .await;
    let (_, route) = one(&peer.base_url, |config| config.max_reply_bytes = 4_000);
    for _ in 0..3 {
        let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
        assert_eq!(error.code(), "upstream_invalid_reply");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_none() {
    let body = said_json("hi").to_string();
    let base_url = raw(move |_, mut stream| {
        let body = body.clone();
        async move {
            read_request(&mut stream).await;
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
            write(&mut stream, &format!("{head}{}", &body[..20])).await;
        }
    })
    .await;
    let (catalog, route) = one(&base_url, |_| {});
    let error = route.chat(&ask("hello"), by("ann")).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_seconds()), ("upstream_interrupted", Some(1)));
    assert_eq!(catalog.snapshots()[0].counts.retries, 0, "bytes of the answer had come");
}

#[tokio::test]
async fn bytes_are_counted_both_ways() {
    let peer = Peer::start(|_| async { said("hi") }).await;
    let (catalog, route) = one(&peer.base_url, |_| {});
    route.chat(&ask("hello"), by("ann")).await.unwrap();
    let counts = &catalog.snapshots()[0].counts;
    assert_eq!(counts.bytes_sent, peer.seen()[0].bytes as u64);
    assert_eq!(counts.bytes_received, said_json("hi").to_string().len() as u64);
    assert_eq!((counts.requests, counts.errors.len(), counts.cancelled), (1, 0, 0));
}

#[tokio::test]
async fn each_caller_has_a_salt_where_the_server_keeps_them_apart() {
    let peer = Peer::start(|_| async { said("hi") }).await;
    let (_, route) = one(&peer.base_url, |config| config.dialect = Dialect::Vllm);
    for caller in ["ann", "ann", "bob"] {
        route.chat(&ask("hello"), by(caller)).await.unwrap();
    }
    let salts: Vec<_> = peer.seen().iter().map(|seen| seen.body["cache_salt"].as_str().unwrap().to_owned()).collect();
    assert!(salts[0] == salts[1] && salts[0] != salts[2] && !salts.concat().contains("ann"), "{salts:?}");
    let (_, route) = one(&peer.base_url, |_| {});
    route.chat(&ask("hello"), by("ann")).await.unwrap();
    assert!(peer.seen()[3].body.get("cache_salt").is_none());
}
