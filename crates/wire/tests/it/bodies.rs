//! Requests that use every parameter there is: the other tests bend them.

use serde_json::{Value, json};

pub(crate) fn chat() -> Value {
    json!({
        "model": "assistant",
        "messages": [
            {"role": "system", "content": "Be brief.", "name": "house"},
            {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "kind."}]},
            {"role": "user", "content": "Weather in Oslo?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Oslo\"}"}}
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "refusal": "No."},
            {"role": "user", "content": "And now?"}
        ],
        "stream": true,
        "stream_options": {"include_usage": true, "include_obfuscation": false},
        "n": 2,
        "stop": ["END", "\n\n"],
        "seed": -7,
        "temperature": 0.7,
        "top_p": 0.9,
        "top_k": 40,
        "min_p": 0.05,
        "max_tokens": 64,
        "max_completion_tokens": 64,
        "presence_penalty": -2.0,
        "frequency_penalty": 2.0,
        "logit_bias": {"42": -100.0, "7": 1.5},
        "logprobs": true,
        "top_logprobs": 3,
        "tools": [{"type": "function", "function": {
            "name": "weather",
            "description": "The weather now.",
            "parameters": {"type": "object", "properties": {"z": {}, "a": {}}},
            "strict": true
        }}],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": false,
        "response_format": {"type": "json_schema", "json_schema": {
            "name": "reply", "schema": {"type": "object"}, "strict": true, "description": "A reply."
        }},
        "user": "customer-9",
        "metadata": {"order": "17"},
        "store": false,
        "service_tier": "default"
    })
}

pub(crate) fn completion() -> Value {
    json!({
        "model": "smollm2",
        "prompt": ["Once", "upon"],
        "echo": true,
        "logprobs": 2,
        "best_of": 1,
        "stream": true,
        "stream_options": {"include_usage": true},
        "n": 2,
        "stop": "END",
        "seed": 1,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "max_tokens": 0,
        "presence_penalty": 0.5,
        "frequency_penalty": 0.5,
        "logit_bias": {"5": 1.0},
        "user": "u"
    })
}

pub(crate) fn embedding() -> Value {
    json!({
        "model": "multilingual-e5-small-q4",
        "input": [[1, 2], [3]],
        "encoding_format": "base64",
        "dimensions": 384,
        "input_type": "query",
        "user": "u"
    })
}

pub(crate) fn response() -> Value {
    json!({
        "model": "assistant",
        "input": [
            {"type": "message", "id": "msg_1", "status": "completed", "role": "user",
             "content": [{"type": "input_text", "text": "Weather?"}]},
            {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "call_1", "name": "weather",
             "arguments": "{}"},
            {"type": "function_call_output", "id": "fo_1", "status": "completed", "call_id": "call_1",
             "output": "rain"},
            {"type": "message", "id": "msg_2", "status": "incomplete", "role": "assistant", "content": [
                {"type": "output_text", "text": "Rain", "annotations": [], "logprobs": [
                    {"token": "Rain", "logprob": -0.5, "bytes": [82], "top_logprobs": [
                        {"token": "Rain", "logprob": -0.5, "bytes": [82]}
                    ]}
                ]},
                {"type": "refusal", "refusal": "No."}
            ]}
        ],
        "instructions": "Be brief.",
        "max_output_tokens": 32,
        "temperature": 1.0,
        "top_p": 0.5,
        "stream": true,
        "stream_options": {"include_obfuscation": false},
        "store": true,
        "previous_response_id": "resp_1",
        "tools": [{"type": "function", "name": "weather", "description": "Now.", "parameters": {"type": "object"},
                   "strict": false}],
        "tool_choice": {"type": "function", "name": "weather"},
        "parallel_tool_calls": true,
        "text": {"format": {"type": "json_schema", "name": "reply", "schema": {"type": "object"}, "strict": true,
                            "description": "A reply."}},
        "metadata": {"order": "17"},
        "user": "u",
        "include": ["message.output_text.logprobs"],
        "truncation": "disabled",
        "top_logprobs": 2,
        "service_tier": "auto"
    })
}

pub(crate) fn conversation() -> Value {
    json!({
        "items": [{"type": "message", "status": "completed", "role": "user",
                   "content": [{"type": "input_text", "text": "Hello"}]}],
        "metadata": {"topic": "demo"}
    })
}
