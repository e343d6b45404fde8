//! What is refused and in which words: one table per request.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wire::chat::ChatRequest;
use wire::completion::CompletionRequest;
use wire::conversation::{ConversationRequest, ConversationUpdate, ItemsRequest};
use wire::embedding::EmbeddingRequest;
use wire::response::ResponseRequest;
use wire::strict::{self, Request};

/// Reads the base with each change made to it, and shows `code param: message` or `taken`.
fn check<T: Request>(base: &Value, changes: &[Value], expected: &Expect) {
    let mut table = String::new();
    for change in changes {
        let mut body = base.clone();
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        let verdict = match strict::read::<T>(body.to_string().as_bytes()) {
            Ok(_) => "taken".to_owned(),
            Err(error) => format!("{} {}: {}", error.code, error.param.unwrap_or_default(), error.message),
        };
        let change: String = change.to_string().chars().take(160).collect();
        writeln!(table, "{change}\n    {verdict}").unwrap();
    }
    expected.assert_eq(&table);
}

fn raw<T: Request>(bodies: &[&[u8]], expected: &Expect) {
    let mut table = String::new();
    for body in bodies {
        let error = strict::read::<T>(body).err().unwrap();
        writeln!(table, "{} {:?}: {}", error.code, error.param, error.message).unwrap();
    }
    expected.assert_eq(&table);
}

#[test]
fn bodies_that_are_no_json() {
    let deep = "[".repeat(200);
    let schema = format!("{{\"response_format\":{{\"json_schema\":{{\"schema\":{}", "{\"a\":".repeat(200));
    raw::<ChatRequest>(
        &[
            b"",
            b" \n",
            b"{\"model\": \"m\",\n \"messages\": [}",
            b"{\"model\": \"\xff\"}",
            b"{\"model\": \"\\ud800\"}",
            b"{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]} trailing",
            b"{\"model\": \"m\", \"temperature\": 1e999}",
            b"[]",
            b"\"hello\"",
            b"null",
            deep.as_bytes(),
            schema.as_bytes(),
        ],
        &expect![[r#"
            invalid_json None: The request has no body: send a JSON object.
            invalid_json None: The request has no body: send a JSON object.
            invalid_json None: The body is not valid JSON: expected value at line 2, column 15.
            invalid_json None: The body is not UTF-8 from byte 11 on: send JSON in UTF-8.
            invalid_json None: The body is not valid JSON: unexpected end of hex escape at line 1, column 18.
            invalid_json None: The body is not valid JSON: trailing characters at line 1, column 64.
            invalid_json None: The body is not valid JSON: number out of range at line 1, column 35.
            invalid_type None: Invalid type for `body`: expected an object, but got an array.
            invalid_type None: Invalid type for `body`: expected an object, but got a string.
            invalid_type None: Invalid type for `body`: expected an object, but got null.
            invalid_type None: Invalid type for `body`: expected an object, but got an array.
            invalid_json None: The JSON is nested deeper than 127 levels at line 1, column 665.
        "#]],
    );
}

fn user(content: Value) -> Value {
    json!({"messages": [{"role": "user", "content": content}]})
}

#[test]
fn chat_messages() {
    let base = json!({"model": "m"});
    let changes = [
        json!({}),
        json!({"messages": null}),
        json!({"messages": []}),
        json!({"messages": "hello"}),
        json!({"messages": [{"role": "user"}]}),
        json!({"messages": [{"role": "user", "content": null}]}),
        json!({"messages": [{"role": "bot", "content": "x"}]}),
        json!({"messages": [{"role": {"user": null}, "content": "x"}]}),
        json!({"messages": [{"content": "x"}]}),
        user(json!(7)),
        user(json!([])),
        user(json!({"type": "text", "text": "x"})),
        user(json!([{"type": "text"}])),
        user(json!([{"text": "x"}])),
        user(json!([{"type": "text", "text": "x", "cache_control": {}}])),
        user(json!([{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "data:"}}])),
        user(json!([{"image_url": {"url": "data:"}, "type": "image_url"}])),
        user(json!([{"type": "input_audio", "input_audio": {}}])),
        user(json!([{"type": "file", "file": {}}])),
        user(json!([{"type": "video"}])),
        user(json!([{"type": "refusal", "refusal": "No."}])),
        user(json!([{"type": "text", "text": "x", "refusal": "No."}])),
        json!({"messages": [{"role": "user", "content": "x", "name": "a b"}]}),
        json!({"messages": [{"role": "user", "content": "x", "name": "<|im_end|>"}]}),
        json!({"messages": [{"role": "user", "content": "x", "tool_calls": []}]}),
        json!({"messages": [{"role": "user", "content": "x", "tool_call_id": "call_1"}]}),
        json!({"messages": [{"role": "assistant"}]}),
        json!({"messages": [{"role": "assistant", "content": "x", "annotations": [], "audio": null,
                             "function_call": null, "tool_calls": null, "refusal": null}]}),
        json!({"messages": [{"role": "assistant", "content": "x", "function_call": {"name": "f"}}]}),
        json!({"messages": [{"role": "tool", "content": "x"}]}),
        json!({"messages": [{"role": "tool", "content": "x", "tool_call_id": "call_1"}]}),
    ];
    check::<ChatRequest>(
        &base,
        &changes,
        &expect![[r#"
        {}
            missing_required_parameter messages: Missing required parameter: `messages`.
        {"messages":null}
            invalid_type messages: Invalid type for `messages`: expected an array, but got null.
        {"messages":[]}
            invalid_value messages: Invalid value for `messages`: expected at least one message.
        {"messages":"hello"}
            invalid_type messages: Invalid type for `messages`: expected an array, but got a string.
        {"messages":[{"role":"user"}]}
            missing_required_parameter messages[0].content: Missing required parameter: `messages[0].content`.
        {"messages":[{"role":"user","content":null}]}
            missing_required_parameter messages[0].content: Missing required parameter: `messages[0].content`.
        {"messages":[{"role":"bot","content":"x"}]}
            invalid_value messages[0].role: Invalid value for `messages[0].role`: expected one of `system`, `developer`, `user`, `assistant`, `tool`.
        {"messages":[{"role":{"user":null},"content":"x"}]}
            invalid_type messages[0].role: Invalid type for `messages[0].role`: expected a string, but got an object.
        {"messages":[{"content":"x"}]}
            missing_required_parameter messages[0].role: Missing required parameter: `messages[0].role`.
        {"messages":[{"role":"user","content":7}]}
            invalid_type messages[0].content: Invalid type for `messages[0].content`: expected a string or an array of content parts, but got a whole number.
        {"messages":[{"role":"user","content":[]}]}
            invalid_value messages[0].content: Invalid value for `messages[0].content`: expected at least one part, or a string.
        {"messages":[{"role":"user","content":{"type":"text","text":"x"}}]}
            invalid_type messages[0].content: Invalid type for `messages[0].content`: expected a string or an array of content parts, but got an object.
        {"messages":[{"role":"user","content":[{"type":"text"}]}]}
            missing_required_parameter messages[0].content[0].text: Missing required parameter: `messages[0].content[0].text`.
        {"messages":[{"role":"user","content":[{"text":"x"}]}]}
            missing_required_parameter messages[0].content[0].type: Missing required parameter: `messages[0].content[0].type`.
        {"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{}}]}]}
            unknown_parameter messages[0].content[0].cache_control: Unknown parameter: `messages[0].content[0].cache_control`. Remove it, or check its spelling.
        {"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"data:"}}]}]}
            invalid_value messages[0].content[1].type: Invalid value for `messages[0].content[1].type`: images are not accepted; send `text` parts only.
        {"messages":[{"role":"user","content":[{"image_url":{"url":"data:"},"type":"image_url"}]}]}
            unknown_parameter messages[0].content[0].image_url: Unknown parameter: `messages[0].content[0].image_url`. Send `text` parts only.
        {"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}]}
            invalid_value messages[0].content[0].type: Invalid value for `messages[0].content[0].type`: audio is not accepted; send `text` parts only.
        {"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}
            invalid_value messages[0].content[0].type: Invalid value for `messages[0].content[0].type`: files are not accepted here; send their text in `text` parts.
        {"messages":[{"role":"user","content":[{"type":"video"}]}]}
            invalid_value messages[0].content[0].type: Invalid value for `messages[0].content[0].type`: expected `text` or `refusal`.
        {"messages":[{"role":"user","content":[{"type":"refusal","refusal":"No."}]}]}
            invalid_value messages[0].content[0].type: Invalid value for `messages[0].content[0].type`: only the assistant refuses; send `text` parts.
        {"messages":[{"role":"user","content":[{"type":"text","text":"x","refusal":"No."}]}]}
            invalid_value messages[0].content[0].refusal: Invalid value for `messages[0].content[0].refusal`: it belongs to parts of type `refusal`.
        {"messages":[{"role":"user","content":"x","name":"a b"}]}
            invalid_value messages[0].name: Invalid value for `messages[0].name`: expected 1 to 64 characters without spaces and without < > | \ /.
        {"messages":[{"role":"user","content":"x","name":"<|im_end|>"}]}
            invalid_value messages[0].name: Invalid value for `messages[0].name`: expected 1 to 64 characters without spaces and without < > | \ /.
        {"messages":[{"role":"user","content":"x","tool_calls":[]}]}
            invalid_value messages[0].tool_calls: Invalid value for `messages[0].tool_calls`: it belongs to messages of role `assistant`.
        {"messages":[{"role":"user","content":"x","tool_call_id":"call_1"}]}
            invalid_value messages[0].tool_call_id: Invalid value for `messages[0].tool_call_id`: it belongs to messages of role `tool`.
        {"messages":[{"role":"assistant"}]}
            missing_required_parameter messages[0].content: Missing required parameter: `messages[0].content`.
        {"messages":[{"role":"assistant","content":"x","annotations":[],"audio":null,"function_call":null,"tool_calls":null,"refusal":null}]}
            taken
        {"messages":[{"role":"assistant","content":"x","function_call":{"name":"f"}}]}
            invalid_value messages[0].function_call: Invalid value for `messages[0].function_call`: it is not supported; leave it out.
        {"messages":[{"role":"tool","content":"x"}]}
            missing_required_parameter messages[0].tool_call_id: Missing required parameter: `messages[0].tool_call_id`.
        {"messages":[{"role":"tool","content":"x","tool_call_id":"call_1"}]}
            invalid_value messages[0].tool_call_id: Invalid value for `messages[0].tool_call_id`: no earlier message has a call with this id in `tool_calls`.
    "#]],
    );
}

#[test]
fn chat_calls_in_messages() {
    let call = json!({"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let with = |calls: Value| json!({"messages": [{"role": "assistant", "tool_calls": calls}]});
    let mut nameless = call.clone();
    nameless["function"]["name"] = json!("");
    let mut custom = call.clone();
    custom["type"] = json!("custom");
    let mut parsed = call.clone();
    parsed["function"]["arguments"] = json!({"city": "Oslo"});
    let mut extra = call.clone();
    extra["function"]["foo"] = json!(1);
    let changes = [
        with(json!([call])),
        with(json!([call, call])),
        with(json!([nameless])),
        with(json!([custom])),
        with(json!([parsed])),
        with(json!([extra])),
        with(json!([{"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}])),
    ];
    check::<ChatRequest>(
        &json!({"model": "m"}),
        &changes,
        &expect![[r#"
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}]}
            taken
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"call_1","type":"function","func
            invalid_value messages[0].tool_calls[1].id: Invalid value for `messages[0].tool_calls[1].id`: another call of this message has this id.
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"","arguments":"{}"}}]}]}
            invalid_value messages[0].tool_calls[0].function.name: Invalid value for `messages[0].tool_calls[0].function.name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"custom","function":{"name":"f","arguments":"{}"}}]}]}
            invalid_value messages[0].tool_calls[0].type: Invalid value for `messages[0].tool_calls[0].type`: expected `function`.
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":{"city":"Oslo"}}}]}]}
            invalid_type messages[0].tool_calls[0].function.arguments: Invalid type for `messages[0].tool_calls[0].function.arguments`: expected a string, but got an object.
        {"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}","foo":1}}]}]}
            unknown_parameter messages[0].tool_calls[0].function.foo: Unknown parameter: `messages[0].tool_calls[0].function.foo`. Remove it, or check its spelling.
        {"messages":[{"role":"assistant","tool_calls":[{"id":"","type":"function","function":{"name":"f","arguments":"{}"}}]}]}
            invalid_value messages[0].tool_calls[0].id: Invalid value for `messages[0].tool_calls[0].id`: it is empty.
    "#]],
    );
}

#[test]
fn chat_numbers() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let many: Vec<String> = (0..17).map(|n| n.to_string()).collect();
    let changes = [
        json!({"model": ""}),
        json!({"model": 7}),
        json!({"temperature": 0, "top_p": 1, "n": 8, "top_k": -1, "min_p": 0}),
        json!({"temperature": 2.1}),
        json!({"temperature": "hot"}),
        json!({"temperature": true}),
        json!({"top_p": 0}),
        json!({"top_p": 1.5}),
        json!({"top_k": -2}),
        json!({"min_p": 1.1}),
        json!({"n": 0}),
        json!({"n": 9}),
        json!({"n": -1}),
        json!({"n": 1.5}),
        json!({"n": "2"}),
        json!({"seed": -9_223_372_036_854_775_808_i64}),
        json!({"seed": 1e300}),
        json!({"max_tokens": 0}),
        json!({"max_completion_tokens": 5_000_000_000_u64}),
        json!({"max_tokens": 5, "max_completion_tokens": 5}),
        json!({"max_tokens": 5, "max_completion_tokens": 6}),
        json!({"presence_penalty": -2.5}),
        json!({"frequency_penalty": 2.5}),
        json!({"stop": "END"}),
        json!({"stop": ""}),
        json!({"stop": ["a", ""]}),
        json!({"stop": many}),
        json!({"stop": [1]}),
        json!({"logit_bias": {"42": 100}}),
        json!({"logit_bias": {"42": 101}}),
        json!({"logit_bias": {"hello": 1}}),
        json!({"logit_bias": {"42": 1, "042": 1}}),
        json!({"logit_bias": [1]}),
        json!({"logprobs": true, "top_logprobs": 20}),
        json!({"logprobs": true, "top_logprobs": 21}),
        json!({"top_logprobs": 2}),
        json!({"logprobs": 5}),
    ];
    check::<ChatRequest>(
        &base,
        &changes,
        &expect![[r#"
        {"model":""}
            invalid_value model: Invalid value for `model`: it is empty.
        {"model":7}
            invalid_type model: Invalid type for `model`: expected a string, but got a whole number.
        {"temperature":0,"top_p":1,"n":8,"top_k":-1,"min_p":0}
            taken
        {"temperature":2.1}
            invalid_value temperature: Invalid value for `temperature`: expected a number from 0 to 2, but got 2.1.
        {"temperature":"hot"}
            invalid_type temperature: Invalid type for `temperature`: expected a number, but got a string.
        {"temperature":true}
            invalid_type temperature: Invalid type for `temperature`: expected a number, but got a boolean.
        {"top_p":0}
            invalid_value top_p: Invalid value for `top_p`: expected a number above 0, up to 1, but got 0.
        {"top_p":1.5}
            invalid_value top_p: Invalid value for `top_p`: expected a number from 0 to 1, but got 1.5.
        {"top_k":-2}
            invalid_value top_k: Invalid value for `top_k`: expected a number from -1 to 2147483647, but got -2.
        {"min_p":1.1}
            invalid_value min_p: Invalid value for `min_p`: expected a number from 0 to 1, but got 1.1.
        {"n":0}
            invalid_value n: Invalid value for `n`: expected a number from 1 to 8, but got 0.
        {"n":9}
            invalid_value n: Invalid value for `n`: expected a number from 1 to 8, but got 9.
        {"n":-1}
            invalid_value n: Invalid value for `n`: expected a whole number from 0 to 4294967295, but got -1.
        {"n":1.5}
            invalid_type n: Invalid type for `n`: expected a whole number from 0 to 4294967295, but got a number with a fraction, or too large.
        {"n":"2"}
            invalid_type n: Invalid type for `n`: expected a whole number from 0 to 4294967295, but got a string.
        {"seed":-9223372036854775808}
            taken
        {"seed":1e+300}
            invalid_type seed: Invalid type for `seed`: expected a whole number of at most 64 bits, but got a number with a fraction, or too large.
        {"max_tokens":0}
            invalid_value max_tokens: Invalid value for `max_tokens`: expected a whole number of at least 1, but got 0.
        {"max_completion_tokens":5000000000}
            invalid_value max_completion_tokens: Invalid value for `max_completion_tokens`: expected a whole number from 0 to 4294967295, but got 5000000000.
        {"max_tokens":5,"max_completion_tokens":5}
            taken
        {"max_tokens":5,"max_completion_tokens":6}
            invalid_value max_tokens: Invalid value for `max_tokens`: it is 5, but `max_completion_tokens` is 6; send one of them.
        {"presence_penalty":-2.5}
            invalid_value presence_penalty: Invalid value for `presence_penalty`: expected a number from -2 to 2, but got -2.5.
        {"frequency_penalty":2.5}
            invalid_value frequency_penalty: Invalid value for `frequency_penalty`: expected a number from -2 to 2, but got 2.5.
        {"stop":"END"}
            taken
        {"stop":""}
            invalid_value stop[0]: Invalid value for `stop[0]`: it is empty; leave it out.
        {"stop":["a",""]}
            invalid_value stop[1]: Invalid value for `stop[1]`: it is empty; leave it out.
        {"stop":["0","1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16"]}
            invalid_value stop: Invalid value for `stop`: expected at most 16 strings, but got 17.
        {"stop":[1]}
            invalid_type stop[0]: Invalid type for `stop[0]`: expected a string, but got a whole number.
        {"logit_bias":{"42":100}}
            taken
        {"logit_bias":{"42":101}}
            invalid_value logit_bias.42: Invalid value for `logit_bias.42`: expected a number from -100 to 100, but got 101.
        {"logit_bias":{"hello":1}}
            invalid_value logit_bias.hello: Invalid value for `logit_bias.hello`: the key must be a token id, such as "42".
        {"logit_bias":{"42":1,"042":1}}
            invalid_value logit_bias.042: Invalid value for `logit_bias.042`: the key is given twice.
        {"logit_bias":[1]}
            invalid_type logit_bias: Invalid type for `logit_bias`: expected an object, but got an array.
        {"logprobs":true,"top_logprobs":20}
            taken
        {"logprobs":true,"top_logprobs":21}
            invalid_value top_logprobs: Invalid value for `top_logprobs`: expected a number from 0 to 20, but got 21.
        {"top_logprobs":2}
            invalid_value top_logprobs: Invalid value for `top_logprobs`: it needs `logprobs` to be true.
        {"logprobs":5}
            invalid_type logprobs: Invalid type for `logprobs`: expected a boolean, but got a whole number.
    "#]],
    );
}

#[test]
fn chat_tools_and_formats() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let schema = |value: Value| json!({"response_format": {"type": "json_schema", "json_schema": value}});
    let many: Vec<Value> = (0..129).map(|n| tool(&format!("f{n}"))).collect();
    let changes = [
        json!({"tools": [], "tool_choice": "auto"}),
        json!({"tools": [tool("get_weather-2")], "tool_choice": "required"}),
        json!({"tools": [tool("get weather")]}),
        json!({"tools": [tool(&"f".repeat(65))]}),
        json!({"tools": [tool("f"), tool("f")]}),
        json!({"tools": many}),
        json!({"tools": [{"type": "custom", "custom": {"name": "f"}}]}),
        json!({"tools": [{"type": "function", "name": "f"}]}),
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]}),
        json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}),
        json!({"tool_choice": "required"}),
        json!({"tool_choice": "any"}),
        json!({"tool_choice": 1}),
        json!({"tools": [tool("f")], "tool_choice": {"type": "function", "function": {"name": "g"}}}),
        json!({"tools": [tool("f")], "tool_choice": {"type": "function", "name": "f"}}),
        json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}),
        json!({"functions": []}),
        json!({"function_call": "auto"}),
        json!({"response_format": {"type": "text"}}),
        json!({"response_format": {"type": "json_object"}}),
        json!({"response_format": {"type": "xml"}}),
        json!({"response_format": "json_object"}),
        json!({"response_format": {"type": "json_schema"}}),
        json!({"response_format": {"type": "text", "json_schema": {"name": "a", "schema": {}}}}),
        schema(json!({"name": "a", "schema": {}, "strict": null})),
        schema(json!({"name": "a"})),
        schema(json!({"name": "a b", "schema": {}})),
        schema(json!({"name": "a", "schema": true})),
        schema(json!({"name": "a", "schema": {}, "foo": 1})),
    ];
    check::<ChatRequest>(
        &base,
        &changes,
        &expect![[r#"
        {"tools":[],"tool_choice":"auto"}
            taken
        {"tools":[{"type":"function","function":{"name":"get_weather-2"}}],"tool_choice":"required"}
            taken
        {"tools":[{"type":"function","function":{"name":"get weather"}}]}
            invalid_value tools[0].function.name: Invalid value for `tools[0].function.name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
        {"tools":[{"type":"function","function":{"name":"fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"}}]}
            invalid_value tools[0].function.name: Invalid value for `tools[0].function.name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
        {"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]}
            invalid_value tools[1].function.name: Invalid value for `tools[1].function.name`: another tool has this name.
        {"tools":[{"type":"function","function":{"name":"f0"}},{"type":"function","function":{"name":"f1"}},{"type":"function","function":{"name":"f2"}},{"type":"functi
            invalid_value tools: Invalid value for `tools`: expected at most 128 tools, but got 129.
        {"tools":[{"type":"custom","custom":{"name":"f"}}]}
            invalid_value tools[0].type: Invalid value for `tools[0].type`: expected `function`.
        {"tools":[{"type":"function","name":"f"}]}
            unknown_parameter tools[0].name: Unknown parameter: `tools[0].name`. Remove it, or check its spelling.
        {"tools":[{"type":"function","function":{"name":"f","parameters":"{}"}}]}
            invalid_value tools[0].function.parameters: Invalid value for `tools[0].function.parameters`: expected a JSON schema, which is an object.
        {"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]}
            invalid_value tools[0].function.parameters: Invalid value for `tools[0].function.parameters`: expected a JSON schema, which is an object.
        {"tool_choice":"required"}
            invalid_value tool_choice: Invalid value for `tool_choice`: a call is required, but `tools` offers none.
        {"tool_choice":"any"}
            invalid_value tool_choice: Invalid value for `tool_choice`: expected `none`, `auto`, `required` or an object that names a function.
        {"tool_choice":1}
            invalid_type tool_choice: Invalid type for `tool_choice`: expected `none`, `auto`, `required` or an object that names a function, but got a whole number.
        {"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}
            invalid_value tool_choice.function.name: Invalid value for `tool_choice.function.name`: no tool has this name.
        {"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","name":"f"}}
            unknown_parameter tool_choice.name: Unknown parameter: `tool_choice.name`. Remove it, or check its spelling.
        {"tool_choice":{"type":"allowed_tools","allowed_tools":{}}}
            invalid_value tool_choice.type: Invalid value for `tool_choice.type`: expected `function`.
        {"functions":[]}
            unknown_parameter functions: Unknown parameter: `functions`. Use `tools`.
        {"function_call":"auto"}
            unknown_parameter function_call: Unknown parameter: `function_call`. Use `tool_choice` and `tool_calls`.
        {"response_format":{"type":"text"}}
            taken
        {"response_format":{"type":"json_object"}}
            taken
        {"response_format":{"type":"xml"}}
            invalid_value response_format.type: Invalid value for `response_format.type`: expected `text`, `json_object` or `json_schema`.
        {"response_format":"json_object"}
            invalid_type response_format: Invalid type for `response_format`: expected an object, but got a string.
        {"response_format":{"type":"json_schema"}}
            missing_required_parameter response_format.json_schema: Missing required parameter: `response_format.json_schema`.
        {"response_format":{"type":"text","json_schema":{"name":"a","schema":{}}}}
            invalid_value response_format.json_schema: Invalid value for `response_format.json_schema`: it needs `type` to be `json_schema`.
        {"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"strict":null}}}
            taken
        {"response_format":{"type":"json_schema","json_schema":{"name":"a"}}}
            missing_required_parameter response_format.json_schema.schema: Missing required parameter: `response_format.json_schema.schema`.
        {"response_format":{"type":"json_schema","json_schema":{"name":"a b","schema":{}}}}
            invalid_value response_format.json_schema.name: Invalid value for `response_format.json_schema.name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
        {"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":true}}}
            invalid_value response_format.json_schema.schema: Invalid value for `response_format.json_schema.schema`: expected a JSON schema, which is an object.
        {"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{},"foo":1}}}
            unknown_parameter response_format.json_schema.foo: Unknown parameter: `response_format.json_schema.foo`. Remove it, or check its spelling.
    "#]],
    );
}

#[test]
fn chat_everything_else() {
    let base = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
    let pairs: serde_json::Map<String, Value> = (0..17).map(|n| (n.to_string(), json!("v"))).collect();
    let changes = [
        json!({"stream": "yes"}),
        json!({"stream_options": {"include_usage": true}}),
        json!({"stream": true, "stream_options": {"include_usage": true}}),
        json!({"stream": true, "stream_options": {"include_obfuscation": true}}),
        json!({"stream": true, "stream_options": {"usage": true}}),
        json!({"user": "u".repeat(513)}),
        json!({"user": "é".repeat(512)}),
        json!({"metadata": pairs}),
        json!({"metadata": {"k".repeat(65): "v"}}),
        json!({"metadata": {"k": "v".repeat(513)}}),
        json!({"metadata": {"a.b": "v".repeat(513)}}),
        json!({"metadata": {"k": 1}}),
        json!({"metadata": []}),
        json!({"store": 1}),
        json!({"service_tier": "flex"}),
        json!({"service_tier": {"auto": null}}),
        json!({"reasoning_effort": "high"}),
        json!({"temprature": 1}),
        json!({"engine": {"labels": ["public"]}}),
    ];
    check::<ChatRequest>(
        &base,
        &changes,
        &expect![[r#"
        {"stream":"yes"}
            invalid_type stream: Invalid type for `stream`: expected a boolean, but got a string.
        {"stream_options":{"include_usage":true}}
            invalid_value stream_options: Invalid value for `stream_options`: it needs `stream` to be true.
        {"stream":true,"stream_options":{"include_usage":true}}
            taken
        {"stream":true,"stream_options":{"include_obfuscation":true}}
            unsupported_value stream_options.include_obfuscation: Unsupported value for `stream_options.include_obfuscation`: padding is not offered; leave it out or send false.
        {"stream":true,"stream_options":{"usage":true}}
            unknown_parameter stream_options.usage: Unknown parameter: `stream_options.usage`. Remove it, or check its spelling.
        {"user":"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu
            invalid_value user: Invalid value for `user`: expected at most 512 characters, but got 513.
        {"user":"ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
            taken
        {"metadata":{"0":"v","1":"v","2":"v","3":"v","4":"v","5":"v","6":"v","7":"v","8":"v","9":"v","10":"v","11":"v","12":"v","13":"v","14":"v","15":"v","16":"v"}}
            invalid_value metadata: Invalid value for `metadata`: expected at most 16 pairs, but got 17.
        {"metadata":{"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk":"v"}}
            invalid_value metadata: Invalid value for `metadata`: a key has more than 64 characters.
        {"metadata":{"k":"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
            invalid_value metadata.k: Invalid value for `metadata.k`: expected at most 512 characters, but got 513.
        {"metadata":{"a.b":"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv
            invalid_value metadata["a.b"]: Invalid value for `metadata["a.b"]`: expected at most 512 characters, but got 513.
        {"metadata":{"k":1}}
            invalid_type metadata.k: Invalid type for `metadata.k`: expected a string, but got a whole number.
        {"metadata":[]}
            invalid_type metadata: Invalid type for `metadata`: expected an object, but got an array.
        {"store":1}
            invalid_type store: Invalid type for `store`: expected a boolean, but got a whole number.
        {"service_tier":"flex"}
            invalid_value service_tier: Invalid value for `service_tier`: expected `auto` or `default`.
        {"service_tier":{"auto":null}}
            invalid_type service_tier: Invalid type for `service_tier`: expected a string, but got an object.
        {"reasoning_effort":"high"}
            unknown_parameter reasoning_effort: Unknown parameter: `reasoning_effort`. Reasoning cannot be set here.
        {"temprature":1}
            unknown_parameter temprature: Unknown parameter: `temprature`. Remove it, or check its spelling.
        {"engine":{"labels":["public"]}}
            unknown_parameter engine: Unknown parameter: `engine`. Remove it, or check its spelling.
    "#]],
    );
    raw::<ChatRequest>(
        &[
            br#"{"model": "m", "messages": [], "metadata": {"a": "1", "a": "2"}}"#,
            br#"{"model": "m", "messages": [], "logit_bias": {"1": 1, "1": 2}}"#,
            br#"{"model": "m", "model": "n", "messages": []}"#,
        ],
        &expect![[r#"
            invalid_value Some("metadata.a"): Invalid value for `metadata.a`: the key is given twice.
            invalid_value Some("logit_bias.1"): Invalid value for `logit_bias.1`: the key is given twice.
            invalid_value Some("model"): Invalid value for `model`: it is given twice; send it once.
        "#]],
    );
}

#[test]
fn completions() {
    let base = json!({"model": "m", "prompt": "x"});
    let changes = [
        json!({}),
        json!({"prompt": null}),
        json!({"prompt": ""}),
        json!({"prompt": []}),
        json!({"prompt": ["a", ""]}),
        json!({"prompt": ["a", 1]}),
        json!({"prompt": [1, "a"]}),
        json!({"prompt": [1, 2, 3]}),
        json!({"prompt": [[1, 2], [3]]}),
        json!({"prompt": [[1, "a"]]}),
        json!({"prompt": [-1]}),
        json!({"prompt": [4_294_967_296_u64]}),
        json!({"prompt": vec!["x"; 17], "n": 8}),
        json!({"suffix": "end"}),
        json!({"best_of": 1}),
        json!({"best_of": 2}),
        json!({"logprobs": 5}),
        json!({"logprobs": 6}),
        json!({"logprobs": true}),
        json!({"max_tokens": 0}),
        json!({"max_tokens": 0, "echo": true}),
        json!({"stream_options": {}}),
    ];
    check::<CompletionRequest>(
        &base,
        &changes,
        &expect![[r#"
        {}
            taken
        {"prompt":null}
            invalid_type prompt: Invalid type for `prompt`: expected a string, an array of strings, an array of token ids or an array of such arrays, but got null.
        {"prompt":""}
            invalid_value prompt: Invalid value for `prompt`: it is empty.
        {"prompt":[]}
            invalid_value prompt: Invalid value for `prompt`: expected at least one text or list of tokens.
        {"prompt":["a",""]}
            invalid_value prompt[1]: Invalid value for `prompt[1]`: it is empty.
        {"prompt":["a",1]}
            invalid_value prompt: Invalid value for `prompt`: expected a string, an array of strings, an array of token ids or an array of such arrays, not a mixture.
        {"prompt":[1,"a"]}
            invalid_value prompt: Invalid value for `prompt`: expected a string, an array of strings, an array of token ids or an array of such arrays, not a mixture.
        {"prompt":[1,2,3]}
            taken
        {"prompt":[[1,2],[3]]}
            taken
        {"prompt":[[1,"a"]]}
            invalid_type prompt[0][1]: Invalid type for `prompt[0][1]`: expected a whole number from 0 to 4294967295, but got a string.
        {"prompt":[-1]}
            invalid_type prompt[0]: Invalid type for `prompt[0]`: expected a string, a token id or an array of token ids, but got a whole number.
        {"prompt":[4294967296]}
            invalid_value prompt[0]: Invalid value for `prompt[0]`: expected a token id, but got 4294967296.
        {"prompt":["x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x","x"],"n":8}
            invalid_value prompt: Invalid value for `prompt`: expected at most 128 answers in all (prompts times `n`), but got 136.
        {"suffix":"end"}
            unknown_parameter suffix: Unknown parameter: `suffix`. Only continuing a prompt is offered.
        {"best_of":1}
            taken
        {"best_of":2}
            unsupported_value best_of: Unsupported value for `best_of`: only 1 is offered; ask for `n` answers and choose.
        {"logprobs":5}
            taken
        {"logprobs":6}
            invalid_value logprobs: Invalid value for `logprobs`: expected a number from 0 to 5, but got 6.
        {"logprobs":true}
            invalid_type logprobs: Invalid type for `logprobs`: expected a whole number from 0 to 4294967295, but got a boolean.
        {"max_tokens":0}
            invalid_value max_tokens: Invalid value for `max_tokens`: expected a whole number of at least 1, but got 0.
        {"max_tokens":0,"echo":true}
            taken
        {"stream_options":{}}
            invalid_value stream_options: Invalid value for `stream_options`: it needs `stream` to be true.
    "#]],
    );
}

#[test]
fn embeddings() {
    let base = json!({"model": "m", "input": "x"});
    let changes = [
        json!({}),
        json!({"input": ["a", "b"]}),
        json!({"input": []}),
        json!({"input": [""]}),
        json!({"input": [[]]}),
        json!({"input": {"text": "a"}}),
        json!({"input": vec!["a"; 2049]}),
        json!({"encoding_format": "int8"}),
        json!({"dimensions": 0}),
        json!({"input_type": "document"}),
        json!({"truncate": true}),
    ];
    check::<EmbeddingRequest>(
        &base,
        &changes,
        &expect![[r#"
        {}
            taken
        {"input":["a","b"]}
            taken
        {"input":[]}
            invalid_value input: Invalid value for `input`: expected at least one text or list of tokens.
        {"input":[""]}
            invalid_value input: Invalid value for `input`: it is empty.
        {"input":[[]]}
            invalid_value input: Invalid value for `input`: it is empty.
        {"input":{"text":"a"}}
            invalid_type input: Invalid type for `input`: expected a string, an array of strings, an array of token ids or an array of such arrays, but got an object.
        {"input":["a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a","a
            invalid_value input: Invalid value for `input`: expected at most 2048 inputs, but got 2049.
        {"encoding_format":"int8"}
            invalid_value encoding_format: Invalid value for `encoding_format`: expected `float` or `base64`.
        {"dimensions":0}
            invalid_value dimensions: Invalid value for `dimensions`: expected a number from 1 to 4294967295, but got 0.
        {"input_type":"document"}
            invalid_value input_type: Invalid value for `input_type`: expected `query` or `passage`.
        {"truncate":true}
            unknown_parameter truncate: Unknown parameter: `truncate`. Remove it, or check its spelling.
    "#]],
    );
}

#[test]
fn responses() {
    let base = json!({"model": "m", "input": "x"});
    let message = |role: &str, kind: &str| json!({"input": [{"role": role, "content": [{"type": kind, "text": "x"}]}]});
    let changes = [
        json!({}),
        json!({"input": null}),
        json!({"input": null, "conversation": "cnv_1"}),
        json!({"input": ""}),
        json!({"input": []}),
        json!({"input": 1}),
        json!({"input": [{"role": "user", "content": "x"}]}),
        json!({"input": [{"role": "assistant", "content": "x"}]}),
        json!({"input": [{"role": "user", "content": []}]}),
        json!({"input": [{"role": "tool", "content": "x"}]}),
        json!({"input": [{"role": "user"}]}),
        json!({"input": [{"type": "message", "content": "x"}]}),
        json!({"input": [{"type": "message", "role": "user", "content": "x", "phase": null}]}),
        json!({"input": [{"type": "message", "role": "user", "content": "x", "call_id": "c"}]}),
        json!({"input": [{"type": "reasoning", "summary": []}]}),
        json!({"input": [{"type": "item_reference", "id": "msg_1"}]}),
        message("user", "input_text"),
        message("user", "output_text"),
        message("assistant", "output_text"),
        message("assistant", "input_text"),
        message("user", "input_image"),
        json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:"}]}]}),
        json!({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}),
        json!({"input": [{"type": "function_call", "call_id": "c", "name": "f f", "arguments": "{}"}]}),
        json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}),
        json!({"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}],
               "previous_response_id": "resp_1"}),
        json!({"input": [{"type": "function_call_output", "call_id": "c", "output": {"a": 1}}]}),
        json!({"conversation": {"id": "cnv_1"}}),
        json!({"conversation": {"name": "cnv_1"}}),
        json!({"conversation": "cnv_1", "previous_response_id": "resp_1"}),
        json!({"max_output_tokens": 0}),
        json!({"max_tokens": 5}),
        json!({"messages": []}),
        json!({"reasoning": {"effort": "low"}}),
        json!({"background": true}),
        json!({"truncation": "auto"}),
        json!({"include": []}),
        json!({"include": ["file_search_call.results"]}),
        json!({"top_logprobs": 2}),
        json!({"text": {"format": {"type": "json_schema", "schema": {}}}}),
        json!({"text": {"format": {"type": "json_schema", "name": "a", "schema": {}, "foo": 1}}}),
        json!({"text": {"format": {"type": "text", "name": "a"}}}),
        json!({"text": {"verbosity": "low"}}),
        json!({"tools": [{"type": "web_search"}]}),
        json!({"tools": [{"type": "function", "name": "f f"}]}),
        json!({"tools": [{"type": "function", "name": "f"}], "tool_choice": {"type": "function", "name": "g"}}),
        json!({"response_format": {"type": "text"}}),
    ];
    check::<ResponseRequest>(
        &base,
        &changes,
        &expect![[r#"
            {}
                taken
            {"input":null}
                missing_required_parameter input: Missing required parameter: `input`.
            {"input":null,"conversation":"cnv_1"}
                taken
            {"input":""}
                invalid_value input: Invalid value for `input`: it is empty.
            {"input":[]}
                invalid_value input: Invalid value for `input`: expected a string or at least one item.
            {"input":1}
                invalid_type input: Invalid type for `input`: expected a string or an array of items, but got a whole number.
            {"input":[{"role":"user","content":"x"}]}
                taken
            {"input":[{"role":"assistant","content":"x"}]}
                taken
            {"input":[{"role":"user","content":[]}]}
                invalid_value input[0].content: Invalid value for `input[0].content`: expected at least one part, or a string.
            {"input":[{"role":"tool","content":"x"}]}
                invalid_value input[0].role: Invalid value for `input[0].role`: send what a function returned as `function_call_output`.
            {"input":[{"role":"user"}]}
                missing_required_parameter input[0].content: Missing required parameter: `input[0].content`.
            {"input":[{"type":"message","content":"x"}]}
                missing_required_parameter input[0].role: Missing required parameter: `input[0].role`.
            {"input":[{"type":"message","role":"user","content":"x","phase":null}]}
                taken
            {"input":[{"type":"message","role":"user","content":"x","call_id":"c"}]}
                invalid_value input[0].call_id: Invalid value for `input[0].call_id`: it belongs to another type of item.
            {"input":[{"type":"reasoning","summary":[]}]}
                invalid_value input[0].type: Invalid value for `input[0].type`: expected `message`, `function_call` or `function_call_output`.
            {"input":[{"type":"item_reference","id":"msg_1"}]}
                invalid_value input[0].type: Invalid value for `input[0].type`: expected `message`, `function_call` or `function_call_output`.
            {"input":[{"role":"user","content":[{"type":"input_text","text":"x"}]}]}
                taken
            {"input":[{"role":"user","content":[{"type":"output_text","text":"x"}]}]}
                invalid_value input[0].content[0].type: Invalid value for `input[0].content[0].type`: only the assistant's words are `output_text` or `refusal`; send `input_text`.
            {"input":[{"role":"assistant","content":[{"type":"output_text","text":"x"}]}]}
                taken
            {"input":[{"role":"assistant","content":[{"type":"input_text","text":"x"}]}]}
                invalid_value input[0].content[0].type: Invalid value for `input[0].content[0].type`: the assistant's words are `output_text`.
            {"input":[{"role":"user","content":[{"type":"input_image","text":"x"}]}]}
                invalid_value input[0].content[0].type: Invalid value for `input[0].content[0].type`: images are not accepted; send `input_text` parts only.
            {"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:"}]}]}
                invalid_value input[0].content[0].type: Invalid value for `input[0].content[0].type`: images are not accepted; send `input_text` parts only.
            {"input":[{"type":"function_call","call_id":"c","name":"f"}]}
                missing_required_parameter input[0].arguments: Missing required parameter: `input[0].arguments`.
            {"input":[{"type":"function_call","call_id":"c","name":"f f","arguments":"{}"}]}
                invalid_value input[0].name: Invalid value for `input[0].name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
            {"input":[{"type":"function_call_output","call_id":"c","output":"1"}]}
                invalid_value input[0].call_id: Invalid value for `input[0].call_id`: no earlier `function_call` item has this id.
            {"input":[{"type":"function_call_output","call_id":"c","output":"1"}],"previous_response_id":"resp_1"}
                taken
            {"input":[{"type":"function_call_output","call_id":"c","output":{"a":1}}]}
                invalid_type input[0].output: Invalid type for `input[0].output`: expected a string or an array of parts, but got an object.
            {"conversation":{"id":"cnv_1"}}
                taken
            {"conversation":{"name":"cnv_1"}}
                unknown_parameter conversation.name: Unknown parameter: `conversation.name`. Remove it, or check its spelling.
            {"conversation":"cnv_1","previous_response_id":"resp_1"}
                invalid_value previous_response_id: Invalid value for `previous_response_id`: it cannot stand beside `conversation`; send one of them.
            {"max_output_tokens":0}
                invalid_value max_output_tokens: Invalid value for `max_output_tokens`: expected a whole number of at least 1, but got 0.
            {"max_tokens":5}
                unknown_parameter max_tokens: Unknown parameter: `max_tokens`. Use `max_output_tokens`.
            {"messages":[]}
                unknown_parameter messages: Unknown parameter: `messages`. Use `input`.
            {"reasoning":{"effort":"low"}}
                unknown_parameter reasoning: Unknown parameter: `reasoning`. Reasoning cannot be set here.
            {"background":true}
                unknown_parameter background: Unknown parameter: `background`. Remove it, or check its spelling.
            {"truncation":"auto"}
                invalid_value truncation: Invalid value for `truncation`: expected `disabled`.
            {"include":[]}
                taken
            {"include":["file_search_call.results"]}
                invalid_value include[0]: Invalid value for `include[0]`: expected `message.output_text.logprobs`.
            {"top_logprobs":2}
                invalid_value top_logprobs: Invalid value for `top_logprobs`: it needs `include` to hold "message.output_text.logprobs".
            {"text":{"format":{"type":"json_schema","schema":{}}}}
                missing_required_parameter text.format.name: Missing required parameter: `text.format.name`.
            {"text":{"format":{"type":"json_schema","name":"a","schema":{},"foo":1}}}
                unknown_parameter text.format.foo: Unknown parameter: `text.format.foo`. Remove it, or check its spelling.
            {"text":{"format":{"type":"text","name":"a"}}}
                invalid_value text.format.name: Invalid value for `text.format.name`: it needs `type` to be `json_schema`.
            {"text":{"verbosity":"low"}}
                unknown_parameter text.verbosity: Unknown parameter: `text.verbosity`. Remove it, or check its spelling.
            {"tools":[{"type":"web_search"}]}
                invalid_value tools[0].type: Invalid value for `tools[0].type`: expected `function`.
            {"tools":[{"type":"function","name":"f f"}]}
                invalid_value tools[0].name: Invalid value for `tools[0].name`: expected 1 to 64 of the characters a-z, A-Z, 0-9, _ and -.
            {"tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}}
                invalid_value tool_choice.name: Invalid value for `tool_choice.name`: no tool has this name.
            {"response_format":{"type":"text"}}
                unknown_parameter response_format: Unknown parameter: `response_format`. Use `text.format`.
        "#]],
    );
}

#[test]
fn conversations() {
    let item = json!({"role": "user", "content": "x"});
    let changes = [
        json!({}),
        json!({"items": []}),
        json!({"items": [item], "metadata": {"a": "b"}}),
        json!({"items": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
        json!({"items": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}),
        json!({"items": vec![item.clone(); 21]}),
    ];
    check::<ConversationRequest>(
        &json!({}),
        &changes,
        &expect![[r#"
        {}
            taken
        {"items":[]}
            taken
        {"items":[{"role":"user","content":"x"}],"metadata":{"a":"b"}}
            taken
        {"items":[{"role":"user","content":[{"type":"text","text":"x"}]}]}
            invalid_value items[0].content[0].type: Invalid value for `items[0].content[0].type`: expected `input_text`, `output_text` or `refusal`.
        {"items":[{"type":"function_call_output","call_id":"c","output":"1"}]}
            invalid_value items[0].call_id: Invalid value for `items[0].call_id`: no earlier `function_call` item has this id.
        {"items":[{"role":"user","content":"x"},{"role":"user","content":"x"},{"role":"user","content":"x"},{"role":"user","content":"x"},{"role":"user","content":"x"},
            invalid_value items: Invalid value for `items`: expected at most 20 items, but got 21.
    "#]],
    );
    let changes = [json!({}), json!({"metadata": null}), json!({"metadata": {}}), json!({"items": []})];
    check::<ConversationUpdate>(
        &json!({}),
        &changes,
        &expect![[r#"
        {}
            missing_required_parameter metadata: Missing required parameter: `metadata`.
        {"metadata":null}
            taken
        {"metadata":{}}
            taken
        {"items":[]}
            unknown_parameter items: Unknown parameter: `items`. Remove it, or check its spelling.
    "#]],
    );
    let changes = [
        json!({}),
        json!({"items": []}),
        json!({"items": [item]}),
        json!({"items": [{"type": "function_call_output", "call_id": "c", "output": "1"}]}),
    ];
    check::<ItemsRequest>(
        &json!({}),
        &changes,
        &expect![[r#"
        {}
            missing_required_parameter items: Missing required parameter: `items`.
        {"items":[]}
            invalid_value items: Invalid value for `items`: expected at least one item.
        {"items":[{"role":"user","content":"x"}]}
            taken
        {"items":[{"type":"function_call_output","call_id":"c","output":"1"}]}
            taken
    "#]],
    );
}
