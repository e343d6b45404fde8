//! Answers in a form: any JSON object, JSON of a schema, and schemas that cannot be promised.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Running, greedy, words};
use crate::schemas::{Dice, follows, random};

fn format(schema: Value) -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}})
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_random_schemas_are_enforced() {
    let engine = Running::start(|_| ()).await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let schemas: Vec<Value> = (0..20).map(|_| random(&mut dice, 3)).collect();
    let asked = schemas.iter().zip(0..).map(|(schema, seed)| {
        let mut body = greedy("Give me anything.", 400);
        // Hot sampling proposes much that does not follow.
        body["temperature"] = json!(1.3);
        body["seed"] = json!(seed);
        body["response_format"] = format(schema.clone());
        engine.chat(body)
    });
    for (reply, schema) in join_all(asked).await.iter().zip(&schemas) {
        assert_eq!(reply["choices"][0]["finish_reason"], "stop", "{schema}: {reply}");
        let value = serde_json::from_str(words(reply)).expect("JSON");
        assert!(follows(&value, schema), "{value} does not follow {schema}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_json_object_is_one() {
    let engine = Running::start(|_| ()).await;
    let mut body = greedy("Describe a cat with two fields.", 200);
    body["response_format"] = json!({"type": "json_object"});
    let reply = engine.chat(body).await;
    let complete = reply["choices"][0]["finish_reason"] == "stop";
    let parsed = serde_json::from_str::<Value>(words(&reply));
    assert!(words(&reply).trim_start().starts_with('{'), "{reply}");
    assert_eq!(parsed.is_ok_and(|value| value.is_object()), complete, "{reply}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyword_that_cannot_be_enforced_is_refused_by_its_path() {
    let engine = Running::start(|_| ()).await;
    let refused = async |schema: Value| {
        let mut body = greedy("Anything.", 10);
        body["response_format"] = format(schema);
        let reply = engine.post("/v1/chat/completions", body).await;
        assert_eq!(reply.status, 400, "{}", reply.body);
        reply.body["error"]["param"].as_str().expect("a parameter").to_owned()
    };
    let schema = json!({"type": "object", "properties": {"tags": {"type": "array", "uniqueItems": true}}});
    assert_eq!(refused(schema).await, "response_format.json_schema.schema.properties.tags.uniqueItems");
    assert_eq!(refused(json!({"not": {"type": "string"}})).await, "response_format.json_schema.schema.not");
    // What only the compiler of grammars can tell is refused too.
    assert_eq!(refused(json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]})).await, "response_format");
    assert_eq!(refused(json!({"type": "string", "pattern": "(?=a)b"})).await, "response_format");
    assert_eq!(refused(json!({"$ref": "https://example.com/schema"})).await, "response_format");
    assert_eq!(refused(json!({"type": "integer", "minimum": 3, "maximum": 1})).await, "response_format");
}
