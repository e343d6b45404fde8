//! A call from the door: OpenAI's shape with `engine` beside it, wherever it stands.

use serde_json::json;
use wire::chat::ChatRequest;
use wire::engine::{Call, EngineExtras};
use wire::strict;

use super::bodies;

#[test]
fn a_call_reads_back() {
    let request: ChatRequest = serde_json::from_value(bodies::chat()).unwrap();
    let engine = EngineExtras {
        adapter: Some("adp_1".into()),
        labels: vec![Some("public:triage".into()), None],
        preamble_label: Some("public:triage".into()),
        ignore_eos: true,
    };
    let call = Call { request, engine };
    let text = serde_json::to_vec(&call).unwrap();
    assert_eq!(serde_json::from_slice::<Call<ChatRequest>>(&text).unwrap(), call);
    assert_eq!(strict::read::<Call<ChatRequest>>(&text).unwrap(), call);
}

#[test]
fn engine_may_stand_anywhere_or_nowhere() {
    let first = br#"{"engine":{"adapter":"a"},"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let last = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"engine":{"adapter":"a"}}"#;
    let without = br#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#;
    let read = |body: &[u8]| strict::read::<Call<ChatRequest>>(body).unwrap();
    assert_eq!(read(first), read(last));
    assert_eq!(read(first).engine.adapter.as_deref(), Some("a"));
    assert_eq!(read(without).engine, EngineExtras::default());
}

#[test]
fn errors_in_a_call_are_placed() {
    let param = |body: serde_json::Value| {
        strict::read::<Call<ChatRequest>>(body.to_string().as_bytes()).unwrap_err().param.unwrap()
    };
    let with = |engine: serde_json::Value| json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "engine": engine});
    assert_eq!(param(with(json!({"label": []}))), "engine.label");
    assert_eq!(param(with(json!({"labels": [1]}))), "engine.labels[0]");
    assert_eq!(param(json!({"model": "m", "messages": [{"role": "user", "content": 1}]})), "messages[0].content");
    let twice = br#"{"engine":{},"engine":{},"model":"m","messages":[]}"#;
    assert!(strict::parse::<Call<ChatRequest>>(twice).is_err());
}

#[test]
fn a_client_cannot_set_what_only_the_door_sets() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "engine": {"labels": ["public"]}});
    let error = strict::read::<ChatRequest>(body.to_string().as_bytes()).unwrap_err();
    assert_eq!((error.code, error.param.as_deref()), ("unknown_parameter", Some("engine")));
}
