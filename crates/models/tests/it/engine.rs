//! An embedded engine: a Unix socket, its state, its own routes.

use axum::body::Body;
use axum::response::Response;
use futures::{FutureExt as _, StreamExt as _};
use models::{
    CallContext, Catalog, CatalogOptions, ModelConfig, ModelKind, ModelsError, UpstreamConfig, UpstreamState,
};
use serde_json::json;
use tokio::sync::watch;
use wire::engine::{AdapterName, HealthState, TokenizeRequest};

use crate::peer::{Peer, ask, json_reply, piece, said};

/// An engine that dies of the word "die" once told to, and of "die at once" without a word.
async fn engine(folder: &tempfile::TempDir) -> (Peer, Catalog, watch::Sender<bool>) {
    let socket = folder.path().join("engine.sock");
    let (kill, killed) = watch::channel(false);
    let peer = Peer::start_on_socket(&socket, move |seen| {
        let mut killed = killed.clone();
        async move {
            match (&*seen.path, &*seen.body["messages"][0]["content"].to_string()) {
                ("/v1/chat/completions", "\"die\"") => {
                    let first = async { Ok(format!("data: {}\n\n", piece("hi"))) };
                    let second = async move {
                        killed.wait_for(|killed| *killed).await.unwrap();
                        Err(std::io::Error::other("killed"))
                    };
                    let body = Body::from_stream(first.into_stream().chain(second.into_stream()));
                    Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
                }
                ("/v1/chat/completions", "\"die at once\"") => panic!("killed"),
                ("/v1/chat/completions", _) => said("hi"),
                ("/health", _) => json_reply(503, &json!({"state": "loading", "progress": 0.5})),
                ("/render", _) => json_reply(200, &json!({"prompt": "p", "tokens": [1, 2, 3], "label_spans": []})),
                ("/tokenize", _) => json_reply(200, &json!({"tokens": [7], "count": 1})),
                _ => json_reply(404, &json!({"error": {"message": "no such adapter", "code": "adapter_not_found"}})),
            }
        }
    })
    .await;
    // Even `--offline` leaves the own engine.
    let catalog = Catalog::new(CatalogOptions { offline: true, ..CatalogOptions::default() });
    let models = vec![ModelConfig::new("big", ModelKind::Chat)];
    catalog.put(UpstreamConfig::embedded("engine", socket, models)).unwrap();
    (peer, catalog, kill)
}

fn context() -> CallContext {
    CallContext { caller: "per_1".into(), labels: vec![Some("per_1".into()), None], adapter: Some("triage".into()) }
}

#[tokio::test]
async fn an_engine_answers_once_it_is_ready_and_learns_whose_words_are_whose() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, catalog, _) = engine(&folder).await;
    let route = catalog.resolve("big").unwrap();
    let code = async || route.chat(&ask("hello"), context()).await.map(|_| ()).unwrap_err().code();
    assert_eq!(code().await, "model_loading");
    catalog.set_state("engine", UpstreamState::Down { reason: "killed".into() }).unwrap();
    assert_eq!(code().await, "engine_restarting");
    catalog.set_state("engine", UpstreamState::Ready).unwrap();
    route.chat(&ask("hello"), context()).await.unwrap();
    let [seen] = peer.seen().try_into().unwrap();
    let engine = json!({"adapter": "triage", "labels": ["per_1"], "preamble_label": "public:template"});
    assert_eq!(seen.body["engine"], engine);
}

#[tokio::test]
async fn an_engine_that_dies_says_so_and_is_not_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let (peer, catalog, kill) = engine(&folder).await;
    catalog.set_state("engine", UpstreamState::Ready).unwrap();
    let route = catalog.resolve("big").unwrap();
    let mut chunks = route.chat_stream(&ask("die"), context()).await.unwrap().value;
    assert!(chunks.next().await.unwrap().is_ok());
    kill.send(true).unwrap();
    assert_eq!(chunks.next().await.unwrap().unwrap_err().code(), "engine_restarted");
    let error = route.chat(&ask("die at once"), context()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after_seconds(), peer.seen().len()), ("engine_restarted", Some(1), 2));
}

#[tokio::test]
async fn its_own_routes_are_there_whatever_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let (_, catalog, _) = engine(&folder).await;
    let engine = catalog.engine("engine").unwrap();
    assert_eq!(engine.health().await.unwrap().state, HealthState::Loading);
    let request = TokenizeRequest { text: "x".into(), ..TokenizeRequest::default() };
    assert_eq!(engine.tokenize(&request).await.unwrap().tokens, [7]);
    let error = engine.unload_adapter(&AdapterName { name: "x".into() }).await.unwrap_err();
    assert_eq!((error.code(), &*error.to_string()), ("adapter_not_found", "no such adapter"));
    let route = catalog.resolve("big").unwrap();
    assert_eq!(route.count_prompt_tokens(&ask("hello")).await, None, "while it loads nobody can count");
    catalog.set_state("engine", UpstreamState::Ready).unwrap();
    assert_eq!(route.count_prompt_tokens(&ask("hello")).await, Some(3));
}

#[tokio::test]
async fn an_engine_without_a_socket_is_down() {
    let folder = tempfile::tempdir().unwrap();
    let catalog = Catalog::new(CatalogOptions::default());
    let models = vec![ModelConfig::new("big", ModelKind::Chat)];
    catalog.put(UpstreamConfig::embedded("engine", folder.path().join("none.sock"), models)).unwrap();
    catalog.set_state("engine", UpstreamState::Ready).unwrap();
    let error = catalog.resolve("big").unwrap().chat(&ask("hello"), context()).await.unwrap_err();
    assert!(matches!(error, ModelsError::Unavailable { .. }) && error.code() == "engine_restarting", "{error:?}");
}
