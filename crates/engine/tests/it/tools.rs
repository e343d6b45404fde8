//! Function calls: demanded of any model, offered where the template knows them, streamed with an index.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde_json::{Value, json};
use weights::gguf::{GgufFile, GgufWriter, Header};

use crate::harness::{Running, greedy, student};

/// A template in the manner of Hermes and Qwen.
const TEMPLATE: &str = r#"{%- if tools %}<|im_start|>system
{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}
{% endif %}You may call functions with <tool_call></tool_call>.
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}{% if not (tools and loop.first and message['role'] == 'system') %}<|im_start|>{{ message['role'] }}
{{ message['content'] }}{% for call in message.tool_calls or [] %}
<tool_call>
{{ call.function | tojson }}
</tool_call>{% endfor %}<|im_end|>
{% endif %}{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"#;

/// The test model with a template that knows functions.
fn write_model(path: &Path) {
    let source = GgufFile::open(&student()).expect("the test model");
    let mut header = Header::new("llama");
    for (key, value) in source.header().metadata() {
        header.set(key, value.clone());
    }
    header.set("tokenizer.chat_template", TEMPLATE);
    for tensor in source.header().tensors() {
        header.tensor(&tensor.name, tensor.kind, &tensor.dimensions).expect("a tensor");
    }
    let mut writer = GgufWriter::start(File::create(path).expect("a file"), header).expect("a header");
    for tensor in source.header().tensors() {
        writer.tensor(&tensor.name, &source.tensor_bytes(&tensor.name).expect("bytes")).expect("room");
    }
    writer.finish().expect("room");
}

fn weather() -> Value {
    json!({"type": "function", "function": {
        "name": "get_weather", "description": "The weather in a city.",
        "parameters": {
            "type": "object", "required": ["city", "unit"], "additionalProperties": false,
            "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["celsius", "fahrenheit"]}},
        },
    }})
}

fn clock() -> Value {
    json!({"type": "function", "function": {"name": "get_time"}})
}

fn ask(choice: Value) -> Value {
    let mut body = greedy("What is the weather in Oslo?", 120);
    body["tools"] = json!([clock(), weather()]);
    body["tool_choice"] = choice;
    body
}

fn arguments(call: &Value) -> Value {
    serde_json::from_str(call["function"]["arguments"].as_str().expect("text")).expect("JSON")
}

fn check_weather(call: &Value) {
    assert_eq!((&call["type"], &call["function"]["name"]), (&json!("function"), &json!("get_weather")));
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("call_")));
    let arguments = arguments(call);
    assert!(arguments["city"].is_string() && (arguments["unit"] == "celsius" || arguments["unit"] == "fahrenheit"));
    assert_eq!(arguments.as_object().map(serde_json::Map::len), Some(2));
}

/// Joins the deltas of a stream as clients do: by index.
fn joined(events: &[Value]) -> BTreeMap<u64, Value> {
    let mut calls: BTreeMap<u64, Value> = BTreeMap::new();
    let deltas = events.iter().filter_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array()).flatten();
    for delta in deltas {
        let index = delta["index"].as_u64().expect("every delta has an index");
        match calls.get_mut(&index) {
            None => {
                assert!(
                    delta["id"].is_string() && delta["type"] == "function" && delta["function"]["name"].is_string()
                );
                calls.insert(index, delta.clone());
            }
            Some(call) => {
                assert!(delta["id"].is_null() && delta["function"]["name"].is_null());
                let more = delta["function"]["arguments"].as_str().expect("text");
                let all = call["function"]["arguments"].as_str().expect("text").to_owned() + more;
                call["function"]["arguments"] = json!(all);
            }
        }
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn any_model_can_be_made_to_call() {
    let engine = Running::start(|_| ()).await;
    let named = json!({"type": "function", "function": {"name": "get_weather"}});
    let reply = engine.chat(ask(named.clone())).await;
    let choice = &reply["choices"][0];
    assert_eq!((&choice["finish_reason"], &choice["message"]["content"]), (&json!("tool_calls"), &Value::Null));
    check_weather(&choice["message"]["tool_calls"][0]);

    let events = engine.stream(ask(named)).await;
    let calls = joined(&events);
    assert_eq!(calls.len(), 1);
    check_weather(&calls[&0]);
    assert_eq!(arguments(&calls[&0]), arguments(&choice["message"]["tool_calls"][0]));
    assert_eq!(events.last().expect("events")["choices"][0]["finish_reason"], "tool_calls");

    let required = engine.chat(ask(json!("required"))).await;
    let call = &required["choices"][0]["message"]["tool_calls"][0];
    match call["function"]["name"].as_str() {
        Some("get_time") => assert_eq!(arguments(call), json!({})),
        _ => check_weather(call),
    }
    // The result goes back as a message, and the model goes on in words.
    let mut body = ask(json!("none"));
    let turns = body["messages"].as_array_mut().expect("messages");
    turns.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
    turns.push(json!({"role": "tool", "tool_call_id": call["id"], "content": "12 degrees"}));
    let reply = engine.chat(body).await;
    assert!(reply["choices"][0]["message"]["content"].is_string(), "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn auto_is_refused_where_the_template_knows_no_functions() {
    let engine = Running::start(|_| ()).await;
    assert_eq!(engine.get("/props").await.body["template"], json!({"has_tools": false, "has_system": true}));
    for choice in [json!("auto"), Value::Null] {
        let reply = engine.post("/v1/chat/completions", ask(choice)).await;
        assert_eq!((reply.status, reply.body["error"]["param"].as_str()), (400, Some("tool_choice")));
        assert!(reply.body["error"]["message"].as_str().is_some_and(|message| message.contains("`required`")));
    }
    let mut strict = ask(json!("required"));
    strict["tools"][1]["function"]["strict"] = json!(true);
    strict["tools"][1]["function"]["parameters"]["properties"]["city"]["not"] = json!({});
    let reply = engine.post("/v1/chat/completions", strict.clone()).await;
    assert_eq!(reply.body["error"]["param"], "tools[1].function.parameters.properties.city.not");
    // Without `strict` a schema is advice: the call is still a call.
    strict["tools"][1]["function"]["strict"] = json!(false);
    assert_eq!(engine.post("/v1/chat/completions", strict).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_knows_functions_gets_them_and_tags_its_calls() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let file = folder.path().join("model.gguf");
    write_model(&file);
    let engine = Running::launch(file, |_| ());
    engine.ready().await;
    assert_eq!(engine.get("/props").await.body["template"], json!({"has_tools": true, "has_system": true}));
    let rendered =
        engine.post("/render", json!({"messages": [{"role": "user", "content": "a"}], "tools": [weather()]})).await;
    assert!(rendered.body["prompt"].as_str().is_some_and(|prompt| prompt.contains("The weather in a city.")));

    let mut required = ask(json!("required"));
    required["parallel_tool_calls"] = json!(false);
    let events = engine.stream(required).await;
    assert_eq!(joined(&events).len(), 1);
    assert!(events.iter().all(|event| event["choices"][0]["delta"]["content"].as_str().unwrap_or("").is_empty()));
    // Left to itself it answers in words or calls; either way no tag is left in the words.
    let free = engine.chat(ask(json!("auto"))).await;
    let message = &free["choices"][0]["message"];
    assert!(message["content"].is_string() || message["tool_calls"].is_array(), "{free}");
    assert!(!message["content"].as_str().unwrap_or("").contains("<tool_call>\n{\"name\""));
}
