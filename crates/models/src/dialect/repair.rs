//! Answers that are almost of OpenAI's shape, put right as JSON. Runs only where the strict shape did not fit.

use serde_json::{Map, Value};

/// Puts right what servers are known to get wrong; what it does not know it leaves for the reader to refuse.
pub(crate) fn repair(answer: &mut Value) {
    let Some(fields) = answer.as_object_mut() else { return };
    whole_number(fields, "created");
    let seed = fields.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    for name in ["id", "model", "choices"] {
        drop_null(fields, name);
    }
    let choices = fields.get_mut("choices").and_then(Value::as_array_mut);
    for choice in choices.into_iter().flatten().filter_map(Value::as_object_mut) {
        for name in ["index", "delta", "text"] {
            drop_null(choice, name);
        }
        for name in ["message", "delta"] {
            if let Some(message) = choice.get_mut(name).and_then(Value::as_object_mut) {
                repair_message(message, &seed, name == "message");
            }
        }
    }
}

fn repair_message(message: &mut Map<String, Value>, seed: &str, whole: bool) {
    drop_null(message, "role");
    if let Some(text) = message.get("content").and_then(joined_parts) {
        message.insert("content".to_owned(), Value::String(text));
    }
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (at, call) in calls.into_iter().flatten().enumerate() {
        let Some(call) = call.as_object_mut() else { continue };
        for name in ["index", "type"] {
            drop_null(call, name);
        }
        if whole && call.get("id").and_then(Value::as_str).is_none_or(str::is_empty) {
            call.insert("id".to_owned(), Value::String(format!("call_{seed}_{at}")));
        }
        if let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) {
            repair_arguments(function, whole);
        }
    }
}

/// Arguments are JSON text; some servers send the JSON itself, or nothing.
fn repair_arguments(function: &mut Map<String, Value>, whole: bool) {
    let text = match function.get("arguments") {
        Some(Value::String(_)) => return,
        None | Some(Value::Null) if whole => "{}".to_owned(),
        None | Some(Value::Null) => return,
        Some(json) => json.to_string(),
    };
    function.insert("arguments".to_owned(), Value::String(text));
}

fn joined_parts(content: &Value) -> Option<String> {
    let parts = content.as_array()?;
    let texts = parts.iter().filter_map(|part| part.as_str().or_else(|| part.get("text")?.as_str()));
    Some(texts.collect())
}

fn drop_null(fields: &mut Map<String, Value>, name: &str) {
    if fields.get(name).is_some_and(Value::is_null) {
        fields.shift_remove(name);
    }
}

fn whole_number(fields: &mut Map<String, Value>, name: &str) {
    if let Some(number) = fields.get(name).filter(|value| !value.is_i64()) {
        // Seconds since 1970 are far inside the whole numbers a float holds.
        #[allow(clippy::cast_possible_truncation)]
        let whole = number.as_f64().map_or(0, |seconds| seconds as i64);
        fields.insert(name.to_owned(), whole.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::chat::{ChatChunk, ChatResponse};

    #[test]
    fn a_whole_answer_is_put_right() {
        let mut answer = json!({
            "id": "c1", "created": 1.5e9, "model": null,
            "choices": [{"index": null, "finish_reason": "tool_calls", "message": {
                "role": null, "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                "tool_calls": [{"type": null, "function": {"name": "f", "arguments": {"x": 1}}},
                               {"id": "k", "function": {"name": "g", "arguments": null}}],
            }}],
        });
        assert!(serde_json::from_value::<ChatResponse>(answer.clone()).is_err());
        repair(&mut answer);
        let answer: ChatResponse = serde_json::from_value(answer).unwrap();
        let message = &answer.choices[0].message;
        assert_eq!((answer.created, message.content.as_deref()), (1_500_000_000, Some("ab")));
        let calls: Vec<_> = message.tool_calls.iter().map(|c| (&*c.id, &*c.function.arguments)).collect();
        assert_eq!(calls, [("call_c1_0", r#"{"x":1}"#), ("k", "{}")]);
    }

    #[test]
    fn a_chunk_of_usage_without_choices_is_a_chunk() {
        for choices in [json!([]), json!(null)] {
            let mut chunk = json!({"choices": choices, "usage": {"prompt_tokens": 3, "completion_tokens": null}});
            repair(&mut chunk);
            let chunk: ChatChunk = serde_json::from_value(chunk).unwrap();
            assert_eq!(chunk.usage.unwrap().prompt_tokens, 3);
        }
    }

    #[test]
    fn what_is_no_answer_stays_none() {
        for text in ["null", "[]", "7", r#"{"choices": 3}"#, r#"{"choices": [null, {"message": 5}]}"#] {
            assert!(crate::dialect::reply::chat(text.as_bytes(), "big", 1).is_err(), "{text}");
        }
    }
}
