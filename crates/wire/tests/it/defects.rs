//! Known defects of other servers that must not become ours: one named test each.

use bytes::BytesMut;
use domain::ErrorKind;
use serde_json::{Value, json};
use wire::ErrorBody;
use wire::chat::{
    AssistantMessage, ChatChunk, ChunkChoice, Delta, FinishReason, Message, ToolCall, ToolCallDelta, Usage,
};
use wire::freehold::{Additions, ChunkAdditions};
use wire::model::ModelEntry;
use wire::sse;

fn written(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn streamed_tool_calls_always_carry_their_index() {
    for delta in [
        ToolCallDelta::opening(0, "call_1", "weather"),
        ToolCallDelta::arguments(0, "{\"ci"),
        ToolCallDelta::arguments(1, "ty\""),
        ToolCallDelta::default(),
    ] {
        assert!(written(&delta)["index"].is_u64(), "{delta:?}");
    }
    let opening = written(&ToolCallDelta::opening(1, "call_1", "weather"));
    let expected = json!({"index": 1, "id": "call_1", "type": "function",
                          "function": {"name": "weather", "arguments": ""}});
    assert_eq!(opening, expected);
    // Only the first delta of a call names it: clients join what they get.
    let more = written(&ToolCallDelta::arguments(1, "{}"));
    assert_eq!(more, json!({"index": 1, "function": {"arguments": "{}"}}));
}

#[test]
fn the_chunk_of_usage_has_an_empty_list_of_choices() {
    let chunk = ChatChunk { usage: Some(Usage::new(10, 4, 5)), ..ChatChunk::default() };
    let chunk = written(&chunk);
    assert_eq!(chunk["choices"], json!([]));
    assert_eq!(chunk["usage"]["total_tokens"], 15);
    assert_eq!(chunk["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
}

#[test]
fn chunks_say_null_until_an_answer_ends() {
    let mut choice =
        ChunkChoice { delta: Delta { content: Some("Hi".into()), ..Delta::default() }, ..Default::default() };
    assert_eq!(written(&choice), json!({"index": 0, "delta": {"content": "Hi"}, "finish_reason": null}));
    choice.delta = Delta::default();
    choice.finish_reason = Some(FinishReason::Stop);
    assert_eq!(written(&choice), json!({"index": 0, "delta": {}, "finish_reason": "stop"}));
}

#[test]
fn content_is_null_beside_calls_and_never_absent() {
    let call = ToolCall::new("call_1", "weather", "{}");
    let answer = AssistantMessage { tool_calls: vec![call.clone()], ..AssistantMessage::default() };
    assert_eq!(written(&answer)["content"], Value::Null);
    assert!(written(&answer).as_object().unwrap().contains_key("content"));
    let plain = AssistantMessage { content: Some("Hi".into()), ..AssistantMessage::default() };
    assert_eq!(written(&plain), json!({"role": "assistant", "content": "Hi", "refusal": null}));
    let history =
        Message { role: wire::chat::MessageRole::Assistant, tool_calls: Some(vec![call]), ..Message::default() };
    assert!(written(&history).as_object().unwrap().contains_key("content"));
}

#[test]
fn every_kind_of_error_has_the_same_envelope() {
    use ErrorKind::{
        Conflict, Forbidden, Internal, Invalid, NotFound, RateLimited, Timeout, TooLarge, Unauthenticated, Unavailable,
    };
    let kinds = [
        (Invalid, "invalid_request_error"),
        (Unauthenticated, "authentication_error"),
        (Forbidden, "permission_error"),
        (NotFound, "invalid_request_error"),
        (Conflict, "invalid_request_error"),
        (TooLarge, "invalid_request_error"),
        (RateLimited, "rate_limit_error"),
        (Timeout, "timeout_error"),
        (Unavailable, "service_unavailable_error"),
        (Internal, "server_error"),
    ];
    for (kind, family) in kinds {
        let body = ErrorBody::new(kind, "some_code", "What to do.").with_request_id("req_1");
        let expected = json!({"error": {
            "message": "What to do.", "type": family, "code": "some_code", "param": null, "request_id": "req_1"
        }});
        assert_eq!(written(&body), expected);
    }
    let invalid = wire::strict::read::<wire::chat::ChatRequest>(br#"{"model": "m", "foo": 1}"#).unwrap_err();
    let body = written(&ErrorBody::from(invalid));
    assert_eq!(body["error"]["param"], "foo");
    assert_eq!(body["error"]["code"], "unknown_parameter");
}

#[test]
fn an_error_inside_a_stream_is_one_event_with_the_envelope() {
    let mut buffer = BytesMut::new();
    sse::data(&mut buffer, &ErrorBody::new(ErrorKind::Unavailable, "engine_restarted", "Ask again.")).unwrap();
    let text = String::from_utf8(buffer.to_vec()).unwrap();
    assert!(text.starts_with("data: {\"error\":{\"message\":\"Ask again.\""), "{text}");
    assert!(text.ends_with("}}\n\n") && text.matches('\n').count() == 2, "{text}");
}

#[test]
fn a_model_says_how_long_its_context_is() {
    let entry = ModelEntry {
        id: "smollm2".into(),
        context_length: Some(8192),
        max_model_len: Some(8192),
        ..ModelEntry::default()
    };
    let entry = written(&entry);
    assert_eq!((&entry["context_length"], &entry["max_model_len"]), (&json!(8192), &json!(8192)));
}

#[test]
fn additions_say_null_for_what_is_not_there() {
    let additions = written(&Additions::default());
    let expected = json!({"trace": null, "task": null, "model": null, "adapter": null, "citations": [],
                          "cost_micro_usd": 0});
    assert_eq!(additions, expected);
    let closing: ChunkAdditions = serde_json::from_value(expected).unwrap();
    assert_eq!(closing, ChunkAdditions::Closing(Additions::default()));
    let opening: ChunkAdditions = serde_json::from_value(json!({"citations": []})).unwrap();
    assert_eq!(opening, ChunkAdditions::Opening { citations: Vec::new() });
}

#[test]
fn what_other_servers_write_is_read_all_the_same() {
    let chunk = json!({
        "id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m", "prompt_logprobs": null,
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": null, "reasoning": null, "tool_calls": null},
                     "logprobs": null, "finish_reason": "eos", "stop_reason": 2}],
        "usage": {"prompt_tokens": 1, "completion_tokens": null, "total_tokens": 1, "prompt_tokens_details": null}
    });
    let chunk: ChatChunk = serde_json::from_value(chunk).unwrap();
    assert_eq!(chunk.choices[0].finish_reason, Some(FinishReason::Stop));
    assert_eq!(chunk.usage.unwrap().cached_tokens(), 0);
    let error: ErrorBody = serde_json::from_value(json!({"error": {"message": "no", "code": 404}})).unwrap();
    assert_eq!(error.error.code.as_deref(), Some("404"));
}

#[test]
fn a_word_in_the_code_is_the_word_on_the_wire() {
    use wire::chat::MessageRole;
    use wire::model::{Locality, ModelKind};
    for kind in [ModelKind::Chat, ModelKind::Embedding, ModelKind::Task] {
        assert_eq!(written(&kind), kind.as_str());
    }
    for locality in [Locality::Local, Locality::External] {
        assert_eq!(written(&locality), locality.as_str());
    }
    for reason in [FinishReason::Length, FinishReason::ToolCalls, FinishReason::ContentFilter, FinishReason::Stop] {
        assert_eq!(written(&reason), reason.as_str());
    }
    for role in
        [MessageRole::System, MessageRole::Developer, MessageRole::User, MessageRole::Assistant, MessageRole::Tool]
    {
        assert_eq!(written(&role), role.as_str());
    }
}
