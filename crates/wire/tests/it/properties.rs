//! Strict reading under chance: any bytes are an error or a request, and a request reads back.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::chat::{
    ChatRequest, Content, ContentPart, FunctionDefinition, JsonSchema, Message, MessageRole, ResponseFormat,
    ServiceTier, Stop, StreamOptions, Tool, ToolCall, ToolChoice,
};
use wire::completion::CompletionRequest;
use wire::conversation::{ConversationRequest, ItemsRequest};
use wire::embedding::EmbeddingRequest;
use wire::engine::Call;
use wire::response::ResponseRequest;
use wire::strict;

use super::bodies;

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        ".{0,20}".prop_map(Content::Text),
        vec(".{0,20}".prop_map(|text| ContentPart::Text { text }), 1..4).prop_map(Content::Parts),
    ]
}

/// A turn: one message, or a call with its result.
fn turn() -> impl Strategy<Value = Vec<Message>> {
    let role = prop_oneof![
        Just(MessageRole::System),
        Just(MessageRole::Developer),
        Just(MessageRole::User),
        Just(MessageRole::Assistant),
    ];
    let said = (role, content(), of("[a-zA-Z0-9_é]{1,64}"))
        .prop_map(|(role, content, name)| vec![Message { role, content: Some(content), name, ..Message::default() }]);
    let called =
        ("[a-z0-9]{1,10}", "[a-zA-Z0-9_-]{1,64}", ".{0,20}", content()).prop_map(|(id, name, arguments, result)| {
            let call = ToolCall::new(id.clone(), name, arguments);
            vec![
                Message { role: MessageRole::Assistant, tool_calls: Some(vec![call]), ..Message::default() },
                Message {
                    role: MessageRole::Tool,
                    content: Some(result),
                    tool_call_id: Some(id),
                    ..Message::default()
                },
            ]
        });
    prop_oneof![said, called]
}

fn tools() -> impl Strategy<Value = Vec<Tool>> {
    btree_map("[a-zA-Z0-9_-]{1,64}", (of(".{0,20}"), of(any::<bool>())), 0..4).prop_map(|tools| {
        tools
            .into_iter()
            .map(|(name, (description, strict))| {
                let parameters = strict.map(|_| json!({"type": "object"}));
                Tool::new(FunctionDefinition { name, description, parameters, strict })
            })
            .collect()
    })
}

fn format() -> impl Strategy<Value = ResponseFormat> {
    let schema = ("[a-zA-Z0-9_-]{1,64}", of(any::<bool>()), of(".{0,20}")).prop_map(|(name, strict, description)| {
        ResponseFormat::JsonSchema { json_schema: JsonSchema { name, schema: json!({}), strict, description } }
    });
    prop_oneof![Just(ResponseFormat::Text), Just(ResponseFormat::JsonObject), schema]
}

/// Every parameter of sampling.
fn sampled() -> impl Strategy<Value = ChatRequest> {
    let numbers = (
        of(1..=8_u32),
        of(any::<i64>()),
        of(0.0..=2.0_f64),
        of(0.001..=1.0_f64),
        of(-1..=1000_i32),
        of(0.0..=1.0_f64),
        of(1..=u32::MAX),
        of(-2.0..=2.0_f64),
        of(-2.0..=2.0_f64),
        of(btree_map(any::<u32>(), -100.0..=100.0_f64, 0..5)),
    );
    numbers.prop_map(|(n, seed, temperature, top_p, top_k, min_p, max_tokens, presence, frequency, logit_bias)| {
        ChatRequest {
            n,
            seed,
            temperature,
            top_p,
            top_k,
            min_p,
            max_tokens,
            max_completion_tokens: max_tokens,
            presence_penalty: presence,
            frequency_penalty: frequency,
            logit_bias,
            ..ChatRequest::default()
        }
    })
}

fn requests() -> impl Strategy<Value = ChatRequest> {
    let words = (
        "[a-z][a-z0-9-]{0,20}",
        vec(turn(), 1..5).prop_map(|turns| turns.concat()),
        of(any::<bool>()),
        of(vec(".{1,10}", 0..=16).prop_map(Stop)),
        of(0..=20_u32),
        of(tools()),
        of(format()),
        of(".{0,64}"),
        of(btree_map("[^\u{0}]{0,16}", ".{0,128}", 0..=16)),
    );
    (sampled(), words, any::<[Option<bool>; 3]>()).prop_map(|(sampled, words, [usage, store, auto])| {
        let (model, messages, stream, stop, top_logprobs, tools, response_format, user, metadata) = words;
        let first = tools.as_deref().unwrap_or_default().first().map(|tool| tool.function.name.clone());
        let stream_options = StreamOptions { include_usage: usage, include_obfuscation: None };
        ChatRequest {
            model,
            messages,
            stream,
            stream_options: (stream == Some(true)).then_some(stream_options),
            stop,
            logprobs: top_logprobs.map(|_| true),
            top_logprobs,
            tools,
            tool_choice: first.map(ToolChoice::Named),
            response_format,
            user,
            metadata: metadata as Option<BTreeMap<String, String>>,
            store,
            service_tier: auto.map(|auto| if auto { ServiceTier::Auto } else { ServiceTier::Default }),
            ..sampled
        }
    })
}

/// Reads bytes as every kind of request; what is refused must say so.
fn read_as_all(body: &[u8]) {
    macro_rules! read {
        ($($request:ty)*) => {$(
            if let Err(error) = strict::read::<$request>(body) {
                assert!(!error.message.is_empty());
            }
        )*};
    }
    read!(ChatRequest CompletionRequest EmbeddingRequest ResponseRequest ConversationRequest ItemsRequest Call<ChatRequest>);
}

/// Pieces of requests, so that chance gets past the first brace.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "null",
            "true",
            "1",
            "-1.5e9",
            "\"model\":",
            "\"messages\":[",
            "\"role\":\"user\"",
            "\"content\":",
            "\"type\":\"text\"",
            "\"input\":",
            "\"items\":",
            "\"tool_choice\":",
            "\"metadata\":{",
            "\"engine\":{",
            "\"stop\":",
            "\u{feff}",
            "\u{0}",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ]
}

proptest! {
    #[test]
    fn a_request_reads_back(request in requests()) {
        let text = serde_json::to_vec(&request).unwrap();
        prop_assert_eq!(strict::read::<ChatRequest>(&text).unwrap(), request);
    }

    #[test]
    fn any_bytes_are_a_request_or_an_error(body in vec(any::<u8>(), 0..200)) {
        read_as_all(&body);
    }

    #[test]
    fn any_pieces_are_a_request_or_an_error(pieces in vec(piece(), 0..40)) {
        read_as_all(pieces.concat().as_bytes());
    }

    #[test]
    fn a_damaged_request_is_a_request_or_an_error(
        which in 0..5_usize,
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let whole: Value = [bodies::chat, bodies::completion, bodies::embedding, bodies::response, bodies::conversation][which]();
        let mut body = whole.to_string().into_bytes();
        let place = place.index(body.len());
        if cut { body.truncate(place) } else { body[place] = byte }
        read_as_all(&body);
    }
}
