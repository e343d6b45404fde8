//! Bounds: the context, the queue, and clients that leave.

use futures::future::join_all;
use serde_json::json;

use crate::harness::{Running, greedy};

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_beyond_the_context_is_refused_with_both_numbers() {
    let engine = Running::start(|options| options.context = Some(128)).await;
    let reply = engine.post("/v1/chat/completions", greedy(&"word ".repeat(300), 8)).await;
    assert_eq!((reply.status, &reply.body["error"]["code"]), (400, &json!("context_length_exceeded")));
    let message = reply.body["error"]["message"].as_str().expect("text");
    let numbers: Vec<u64> =
        message.split(|character: char| !character.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect();
    assert!(numbers[0] > 300 && numbers[1] == 128, "{message}");
    // What fits is answered, at most to the end of the context.
    let mut body = greedy("Go on.", 4000);
    body["engine"] = json!({"ignore_eos": true});
    let reply = engine.chat(body).await;
    assert_eq!(
        (&reply["usage"]["total_tokens"], &reply["choices"][0]["finish_reason"]),
        (&json!(128), &json!("length"))
    );
    let score = engine.post("/score", json!({"prompt": "a", "continuation": "b ".repeat(300)})).await;
    assert_eq!(score.body["error"]["code"], "context_length_exceeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_frees_its_slot() {
    let engine = Running::start(|options| options.slots = Some(1)).await;
    let mut endless = greedy("Go on for ever.", 8000);
    endless["engine"] = json!({"ignore_eos": true});
    endless["stream"] = json!(true);
    let running = engine.send("POST", "/v1/chat/completions", endless.to_string().into_bytes()).await;
    engine.until("running", |running| running == 1).await;
    // One that leaves while it waits, too.
    let waiting = engine.send("POST", "/v1/chat/completions", endless.to_string().into_bytes()).await;
    engine.until("waiting", |waiting| waiting == 1).await;
    drop(waiting);
    engine.until("cancelled", |cancelled| cancelled == 1).await;
    drop(running);
    engine.until("cancelled", |cancelled| cancelled == 2).await;
    let generated = engine.stats().await["generated_tokens"].as_u64().expect("a number");
    assert!(generated < 4000, "{generated}");
    engine.chat(greedy("Hello.", 4)).await;
    engine.until("running", |running| running == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_refuses_with_a_time_to_come_back() {
    let engine = Running::start(|options| {
        options.slots = Some(1);
        options.queue = Some(2);
    })
    .await;
    let mut endless = greedy("Go on for ever.", 8000);
    endless["engine"] = json!({"ignore_eos": true});
    endless["stream"] = json!(true);
    let running = engine.send("POST", "/v1/chat/completions", endless.to_string().into_bytes()).await;
    engine.until("running", |running| running == 1).await;
    // Three answers of one request do not fit, all or none.
    let mut three = greedy("Hello.", 4);
    three["n"] = json!(3);
    let refused = engine.post("/v1/chat/completions", three).await;
    assert_eq!((refused.status, &refused.body["error"]["code"]), (429, &json!("queue_full")));
    assert!(refused.retry_after.and_then(|seconds| seconds.parse::<u64>().ok()) >= Some(1));
    let waiting = join_all((0..2).map(|_| engine.chat(greedy("Hello.", 4))));
    let (_, refused) = tokio::join!(waiting, async {
        engine.until("waiting", |waiting| waiting == 2).await;
        let refused = engine.post("/v1/chat/completions", greedy("Hello.", 4)).await;
        drop(running);
        refused
    });
    assert_eq!((refused.status, &refused.body["error"]["type"]), (429, &json!("rate_limit_error")));
    assert_eq!(engine.stats().await["refused"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_named() {
    let engine = Running::start(|_| ()).await;
    let cases = [
        (json!({"model": "m", "messages": [], "temperatur": 1}), "temperatur"),
        (json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "temperature": 3}), "temperature"),
        (
            json!({"model": "m", "messages": [{"role": "user", "content": "a"}], "logit_bias": {"99999999": 1}}),
            "logit_bias",
        ),
    ];
    for (body, param) in cases {
        let reply = engine.post("/v1/chat/completions", body).await;
        assert_eq!((reply.status, reply.body["error"]["param"].as_str()), (400, Some(param)), "{}", reply.body);
    }
    let reply = engine.post("/v1/embeddings", json!({"model": "m", "input": "a"})).await;
    assert_eq!((reply.status, reply.body["error"]["param"].as_str()), (400, Some("model")));
    let reply = engine.post("/detokenize", json!({"tokens": [4_000_000_000_u32]})).await;
    assert_eq!((reply.status, reply.body["error"]["param"].as_str()), (400, Some("tokens")));
}
