//! Starts an engine in this process on a socket of its own, and talks HTTP to it.

use std::path::PathBuf;
use std::time::Duration;

use engine::{EngineError, EngineOptions};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wire::sse::Decoder;

/// The folder of models: what `freehold models pull` fills.
pub(crate) fn model_file(name: &str, file: &str) -> PathBuf {
    let folder = std::env::var_os("FREEHOLD__MODELS__DIR").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/freehold/models"),
        PathBuf::from,
    );
    let path = folder.join(name).join(file);
    assert!(path.is_file(), "{} is missing: run `freehold models pull {name}`", path.display());
    path
}

/// The test model.
pub(crate) fn student() -> PathBuf {
    model_file("smollm2-135m-instruct-q4_1", "SmolLM2-135M-Instruct.Q4_1.gguf")
}

/// A running engine.
pub(crate) struct Running {
    pub(crate) folder: TempDir,
    socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), EngineError>>,
}

/// An answer's status, headers of interest, and body.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Value,
}

impl Running {
    /// Starts the test model and waits until it is ready.
    pub(crate) async fn start(change: impl FnOnce(&mut EngineOptions)) -> Self {
        let running = Self::launch(student(), change);
        running.ready().await;
        running
    }

    /// Starts an engine without waiting.
    pub(crate) fn launch(model: PathBuf, change: impl FnOnce(&mut EngineOptions)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let socket = folder.path().join("engine.sock");
        let mut options = EngineOptions::new(model, socket.clone());
        // Tests run side by side: more threads than cores would spin against each other.
        options.threads = Some(1);
        change(&mut options);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(engine::serve(options, async {
            let _ = stopped.await;
        }));
        Self { folder, socket, stop: Some(stop), served }
    }

    /// Waits until the engine takes requests.
    pub(crate) async fn ready(&self) {
        while !self.served.is_finished() {
            if UnixStream::connect(&self.socket).await.is_ok() && self.get("/health").await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("the engine ended while loading");
    }

    /// Ends the engine and returns its result.
    pub(crate) async fn stop(mut self) -> Result<(), EngineError> {
        let _ = self.stop.take().expect("running").send(());
        self.served.await.expect("the server does not panic")
    }

    /// The result of an engine that ends by itself.
    pub(crate) async fn end(self) -> Result<(), EngineError> {
        self.served.await.expect("the server does not panic")
    }

    /// Sends a request and returns the response with its body still to come.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Response<Incoming> {
        let stream = UnixStream::connect(&self.socket).await.expect("the socket answers");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", "engine");
        sender.send_request(request.body(Full::new(Bytes::from(body))).expect("a request")).await.expect("a response")
    }

    async fn whole(&self, method: &str, path: &str, body: Vec<u8>) -> Reply {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let retry_after = response.headers().get("retry-after").map(|value| value.to_str().expect("text").to_owned());
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        Reply { status, retry_after, body: serde_json::from_slice(&bytes).expect("JSON") }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.whole("GET", path, Vec::new()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.whole("POST", path, body.to_string().into_bytes()).await
    }

    pub(crate) async fn delete(&self, path: &str, body: Value) -> Reply {
        self.whole("DELETE", path, body.to_string().into_bytes()).await
    }

    /// A chat completion that must succeed.
    pub(crate) async fn chat(&self, body: Value) -> Value {
        let reply = self.post("/v1/chat/completions", body).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        reply.body
    }

    /// A chat completion as a stream: the data of all its events, `[DONE]` left out but required.
    pub(crate) async fn stream(&self, mut body: Value) -> Vec<Value> {
        body["stream"] = json!(true);
        let response = self.send("POST", "/v1/chat/completions", body.to_string().into_bytes()).await;
        assert_eq!(response.status().as_u16(), 200);
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        let mut decoder = Decoder::new(1 << 20);
        decoder.push(&bytes);
        let mut events = Vec::new();
        while let Some(event) = decoder.next_event().expect("well-formed events") {
            if event.data == "[DONE]" {
                return events;
            }
            events.push(serde_json::from_str(&event.data).expect("JSON"));
        }
        panic!("the stream has no [DONE]: {}", String::from_utf8_lossy(&bytes));
    }

    pub(crate) async fn stats(&self) -> Value {
        self.get("/stats").await.body
    }

    /// Waits until a number of `/stats` has a value. Bounded by the test's own time limit, not by a sleep.
    pub(crate) async fn until(&self, name: &str, wanted: impl Fn(u64) -> bool) {
        while !wanted(self.stats().await[name].as_u64().expect("a number")) {
            tokio::task::yield_now().await;
        }
    }
}

/// A greedy request of one user message.
pub(crate) fn greedy(words: &str, max_tokens: u32) -> Value {
    json!({
        "model": "m", "temperature": 0, "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": words}],
    })
}

/// The words of the first answer.
pub(crate) fn words(reply: &Value) -> &str {
    reply["choices"][0]["message"]["content"].as_str().expect("content")
}

/// The words of a stream's answer `index`.
pub(crate) fn streamed(events: &[Value], index: u64) -> String {
    let choices = events.iter().flat_map(|event| event["choices"].as_array().expect("choices"));
    choices.filter(|choice| choice["index"] == index).filter_map(|choice| choice["delta"]["content"].as_str()).collect()
}

/// The likeliest first tokens of an answer that was asked for with `top_logprobs`.
fn first_choices(reply: &Value) -> Vec<(String, f64)> {
    let top = reply["choices"][0]["logprobs"]["content"][0]["top_logprobs"].as_array().expect("top_logprobs");
    let entry = |entry: &Value| {
        (entry["token"].as_str().expect("text").to_owned(), entry["logprob"].as_f64().expect("a number"))
    };
    top.iter().map(entry).collect()
}

/// Whether two answers began from the same state. Kernels round differently for other sizes of a batch, so that
/// log-probabilities move by some hundredths, with weights of four bits by up to three tenths; a wrong state moves
/// them by whole numbers.
pub(crate) fn began_alike(one: &Value, other: &Value) -> bool {
    let (one, other) = (first_choices(one), first_choices(other));
    let near = |(token, logprob): &(String, f64)| {
        other.iter().any(|(same, theirs)| same == token && (logprob - theirs).abs() < 0.4)
    };
    // The last of the list may have changed places with one beyond it.
    one.len() > 3 && one[..one.len() - 1].iter().filter(|choice| near(choice)).count() + 1 >= one.len() - 1
}

/// The tokens an answer chose, with their log-probabilities.
pub(crate) fn choices(reply: &Value) -> Vec<(String, f64)> {
    let content = reply["choices"][0]["logprobs"]["content"].as_array().expect("logprobs");
    let entry = |entry: &Value| {
        (entry["token"].as_str().expect("text").to_owned(), entry["logprob"].as_f64().expect("a number"))
    };
    content.iter().map(entry).collect()
}
