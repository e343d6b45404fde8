//! Every exchange leaves a trace, its owner alone sees it, and the model gets only what it needs.

use domain::ErrorKind;
use serde_json::{Value, json};

use crate::office::{Office, question, streaming};

#[tokio::test]
async fn an_answer_names_its_trace_and_its_owner_alone_sees_it() {
    let office = Office::open().await;
    let (ada, bob) = (office.asker("ada"), office.asker("bob"));
    let reply = office.ask(&ada, question("polly wants a cracker")).await.unwrap();
    assert_eq!(reply["choices"][0]["message"]["content"], "polly wants a cracker");
    assert_eq!(reply["model"], "parrot");
    let id = reply["freehold"]["trace"].as_str().unwrap();
    let trace = serde_json::to_value(app::trace(&office.app, &ada, id).await.unwrap()).unwrap();
    assert_eq!(trace["output"], "polly wants a cracker");
    assert_eq!(trace["input"]["messages"][0]["content"], "polly wants a cracker");
    assert_eq!(trace["outcome"], "answered");
    assert_eq!(trace["tokens"], json!({ "prompt": 5, "cached": 0, "completion": 4 }));
    assert_eq!(trace["cost_micro_usd"], 13);
    assert_eq!(trace["weights_hash"], "ab".repeat(32));
    assert_eq!(trace["provenance"].as_array().unwrap().len(), 1);
    assert!(trace["stages"].as_array().unwrap().iter().any(|stage| stage["name"] == "total"));
    let error = app::trace(&office.app, &bob, id).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let never = app::trace(&office.app, &bob, "trc_00000000000000000000000000000000").await.unwrap_err();
    assert_eq!(error.to_string(), never.to_string());
    assert!(app::traces(&office.app, &bob, app::TraceFilter::default()).await.unwrap().data.is_empty());
}

#[tokio::test]
async fn the_model_does_not_learn_what_only_the_door_needs() {
    let office = Office::open().await;
    let mut request = question("hello");
    request["user"] = json!("customer-7");
    request["metadata"] = json!({ "case": "42" });
    office.ask(&office.asker("desk"), request).await.unwrap();
    let seen = office.peer.seen.lock().unwrap()[0].clone();
    for field in ["user", "metadata", "store", "service_tier"] {
        assert_eq!(seen.get(field), None, "{field}");
    }
    assert_eq!(seen["max_tokens"], 1024);
    let trace = office.newest_trace(&office.asker("desk")).await;
    assert_eq!(trace["caller"]["subject"], "customer-7");
    assert_eq!(trace["metadata"], json!({ "case": "42" }));
}

#[tokio::test]
async fn a_refusal_leaves_a_trace_too() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    let requests = [
        (
            json!({ "model": "no-such", "messages": [{ "role": "user", "content": "x" }] }),
            ErrorKind::NotFound,
            "model_not_found",
        ),
        (json!({ "model": "parrot", "messages": [], "bogus": 1 }), ErrorKind::Invalid, "unknown_parameter"),
        (
            json!({ "model": "parrot", "messages": [{ "role": "user", "content": "x" }], "temperature": 3 }),
            ErrorKind::Invalid,
            "invalid_value",
        ),
    ];
    for (request, kind, code) in requests {
        let refused = office.ask(&ada, request).await.unwrap_err();
        assert_eq!((refused.error.kind(), refused.error.code()), (kind, code));
        let trace = office.newest_trace(&ada).await;
        assert_eq!(trace["id"].as_str().map(ToOwned::to_owned), refused.trace.map(|id| id.to_string()));
        assert_eq!((trace["outcome"].as_str(), trace["reason"].as_str()), (Some("refused"), Some(code)));
    }
}

#[tokio::test]
async fn a_guest_gets_the_answer_for_a_model_that_never_was() {
    let office = Office::open().await;
    let guest = office.asker("guest");
    let hidden = office.ask(&guest, question("x")).await.unwrap_err().error.to_string();
    let mut request = question("x");
    request["model"] = json!("absent");
    let absent = office.ask(&guest, request).await.unwrap_err().error.to_string();
    assert_eq!(hidden.replace("parrot", "absent"), absent);
    assert!(app::models(&office.app, &guest).is_empty());
    let seen = app::models(&office.app, &office.asker("desk"));
    assert_eq!(seen.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(), ["parrot", "assistant"]);
}

#[tokio::test]
async fn the_last_chunk_of_a_stream_leaves_after_its_trace_is_durable() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    let mut stream = office.stream(&ada, streaming("one two three")).await;
    let mut words = String::new();
    let mut last = None;
    while let Some(chunk) = stream.next().await {
        let chunk = serde_json::to_value(chunk.unwrap()).unwrap();
        assert_eq!(chunk.get("usage").filter(|usage| !usage.is_null()), None);
        words.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        if let Some(trace) = chunk["freehold"]["trace"].as_str() {
            app::trace(&office.app, &ada, trace).await.unwrap();
            last = Some(chunk);
        }
    }
    assert_eq!(words, "one two three");
    assert_eq!(last.unwrap()["choices"][0]["finish_reason"], "stop");
    let trace = office.newest_trace(&ada).await;
    assert_eq!(trace["output"], "one two three");
    assert_eq!(trace["tokens"]["completion"], 3);
}

#[tokio::test]
async fn usage_comes_last_without_choices_where_it_is_asked_for() {
    let office = Office::open().await;
    let mut request = streaming("a b");
    request["stream_options"] = json!({ "include_usage": true });
    let mut stream = office.stream(&office.asker("ada"), request).await;
    let mut chunks = Vec::new();
    while let Some(chunk) = stream.next().await {
        chunks.push(serde_json::to_value(chunk.unwrap()).unwrap());
    }
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 2);
    assert!(last["freehold"]["trace"].is_string());
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "stop");
}

#[tokio::test]
async fn a_client_that_leaves_leaves_a_failed_trace_with_what_was_said() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    let mut stream = office.stream(&ada, streaming("one two three four")).await;
    stream.next().await.unwrap().unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    office.app.finish().await;
    let trace = office.newest_trace(&ada).await;
    assert_eq!((trace["outcome"].as_str(), trace["reason"].as_str()), (Some("failed"), Some("client_gone")));
    assert_eq!(trace["output"], "one two ");
}

#[tokio::test]
async fn an_upstream_that_breaks_off_is_an_error_and_a_failed_trace() {
    let office = Office::open().await;
    let ada = office.asker("ada");
    *office.peer.breaks_after.lock().unwrap() = Some(2);
    let mut stream = office.stream(&ada, streaming("one two three four")).await;
    for _ in 0..2 {
        stream.next().await.unwrap().unwrap();
    }
    office.peer.breaking.notify_one();
    let error = stream.next().await.unwrap().err();
    assert!(stream.next().await.is_none());
    assert_eq!(error.unwrap().code(), "upstream_interrupted");
    let trace = office.newest_trace(&ada).await;
    assert_eq!((trace["outcome"].as_str(), trace["output"].as_str()), (Some("failed"), Some("one two ")));
}

#[tokio::test]
async fn feedback_stands_on_a_trace_that_one_may_see() {
    let office = Office::open().await;
    let (ada, bob) = (office.asker("ada"), office.asker("bob"));
    let reply = office.ask(&ada, question("x")).await.unwrap();
    let feedback = |kind: &str, value: Value| {
        serde_json::from_value::<app::FeedbackRequest>(
            json!({ "trace": reply["freehold"]["trace"], "kind": kind, "value": value }),
        )
        .unwrap()
    };
    app::give_feedback(&office.app, &ada, feedback("rating", json!(1))).await.unwrap();
    app::give_feedback(&office.app, &ada, feedback("correction", json!("y"))).await.unwrap();
    let refused = app::give_feedback(&office.app, &bob, feedback("rating", json!(1))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let refused = app::give_feedback(&office.app, &ada, feedback("rating", json!(2))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    let kept = office.newest_trace(&ada).await["feedback"].clone();
    assert_eq!(kept.as_array().unwrap().len(), 2);
    assert_eq!(kept[1]["value"], "y");
}
