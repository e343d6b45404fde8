//! Peers: an HTTP server with a scripted answer, and a bare TCP server that says exactly what a test wants.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use models::{Catalog, CatalogOptions, Locality, ModelConfig, ModelKind, Route, UpstreamConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};

/// A request as the peer saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: usize,
    pub(crate) body: Value,
    /// Its place among the requests, from 0.
    pub(crate) at: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

type Answer = Pin<Box<dyn Future<Output = Response> + Send>>;
type Script = Arc<dyn Fn(Seen) -> Answer + Send + Sync>;

/// An HTTP server.
pub(crate) struct Peer {
    pub(crate) base_url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Peer {
    pub(crate) async fn start<F: Future<Output = Response> + Send + 'static>(
        script: impl Fn(Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (router, seen) = router(script);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url, seen }
    }

    pub(crate) async fn start_on_socket<F: Future<Output = Response> + Send + 'static>(
        path: &std::path::Path,
        script: impl Fn(Seen) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        let (router, seen) = router(script);
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base_url: String::new(), seen }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn router<F: Future<Output = Response> + Send + 'static>(
    script: impl Fn(Seen) -> F + Send + Sync + 'static,
) -> (Router, Arc<Mutex<Vec<Seen>>>) {
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let script: Script = Arc::new(move |seen| Box::pin(script(seen)));
    let all = seen.clone();
    let router = Router::new().fallback(move |request: Request| {
        let (script, all) = (script.clone(), all.clone());
        async move {
            let (head, body) = request.into_parts();
            let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
            let headers = head.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect();
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            let seen = {
                let mut all = all.lock().unwrap();
                let seen = Seen { path: head.uri.path().to_owned(), headers, bytes: bytes.len(), body, at: all.len() };
                all.push(seen.clone());
                seen
            };
            script(seen).await
        }
    });
    (router, seen)
}

/// A server below HTTP: each connection's number and stream go to the script.
pub(crate) async fn raw<F: Future<Output = ()> + Send + 'static>(
    script: impl Fn(usize, TcpStream) -> F + Send + Sync + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(script(number, stream));
        }
    });
    base_url
}

/// Reads one request, head and body.
pub(crate) async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    loop {
        stream.read_buf(&mut read).await.unwrap();
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
        if read.len() >= end + 4 + length.trim().parse::<usize>().unwrap() {
            return;
        }
    }
}

pub(crate) async fn write(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// The head of a stream of events without an end.
pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

pub(crate) fn json_reply(status: u16, body: &Value) -> Response {
    Response::builder().status(status).header("content-type", "application/json").body(body.to_string().into()).unwrap()
}

/// A whole chat completion that says `text`.
pub(crate) fn said(text: &str) -> Response {
    json_reply(200, &said_json(text))
}

pub(crate) fn said_json(text: &str) -> Value {
    json!({
        "id": "c1", "object": "chat.completion", "created": 1, "model": "org/big",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    })
}

/// Events, each as one `data:` line, whatever the pieces they arrive in.
pub(crate) fn events(data: &[&str]) -> Response {
    let text: String = data.iter().map(|data| format!("data: {data}\n\n")).collect();
    // One piece per byte: the reader must not depend on how bytes arrive.
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        text.into_bytes().chunks(7).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let body = Body::from_stream(futures::stream::iter(pieces));
    Response::builder().header("content-type", "text/event-stream; charset=utf-8").body(body).unwrap()
}

pub(crate) fn piece(text: &str) -> String {
    json!({"id": "c1", "choices": [{"index": 0, "delta": {"content": text}}]}).to_string()
}

pub(crate) const LAST: &str = r#"{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

pub(crate) fn catalog() -> Catalog {
    Catalog::new(CatalogOptions::default())
}

/// A local upstream `name` that serves `model`.
pub(crate) fn local(name: &str, base_url: &str, model: &str) -> UpstreamConfig {
    let models =
        vec![ModelConfig { upstream_name: Some(format!("org/{model}")), ..ModelConfig::new(model, ModelKind::Chat) }];
    UpstreamConfig { locality: Locality::Local, ..UpstreamConfig::remote(name, base_url, models) }
}

/// A catalog with one upstream `gpu` that serves `big`.
pub(crate) fn one(base_url: &str, change: impl FnOnce(&mut UpstreamConfig)) -> (Catalog, Route) {
    let catalog = catalog();
    let mut config = local("gpu", base_url, "big");
    change(&mut config);
    catalog.put(config).unwrap();
    let route = catalog.resolve("big").unwrap();
    (catalog, route)
}

pub(crate) fn ask(text: &str) -> wire::chat::ChatRequest {
    wire::chat::ChatRequest {
        model: "big".to_owned(),
        messages: vec![wire::chat::Message::new(wire::chat::MessageRole::User, text)],
        ..wire::chat::ChatRequest::default()
    }
}

pub(crate) fn by(caller: &str) -> models::CallContext {
    models::CallContext { caller: caller.to_owned(), ..models::CallContext::default() }
}

/// Lets other tasks run until something is so.
pub(crate) async fn until(mut so: impl FnMut() -> bool) {
    while !so() {
        tokio::task::yield_now().await;
    }
}
