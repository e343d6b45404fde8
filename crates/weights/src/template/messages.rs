//! Messages of OpenAI's shape as templates expect them: content is one text, arguments of tool calls are objects.

use serde_json::{Map, Value};

use crate::WeightsError;

/// The messages for a template.
pub(super) fn prepare(messages: &[Value]) -> Result<Vec<Value>, WeightsError> {
    messages.iter().enumerate().map(|(place, message)| one(place, message)).collect()
}

fn one(place: usize, message: &Value) -> Result<Value, WeightsError> {
    let refuse = |reason: &str| WeightsError::malformed(format!("message {place}"), reason);
    let mut message = message.as_object().ok_or_else(|| refuse("it is no object"))?.clone();
    if !message.get("role").is_some_and(Value::is_string) {
        return Err(refuse("it has no role"));
    }
    let content = match message.get("content") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts = parts.iter().map(text_of).collect::<Option<String>>();
            texts.ok_or_else(|| refuse("its content holds more than text, which this model cannot read"))?
        }
        Some(_) => return Err(refuse("its content is neither text nor parts of text")),
    };
    message.insert("content".to_owned(), content.into());
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) {
            parse_arguments(function);
        }
    }
    Ok(Value::Object(message))
}

fn text_of(part: &Value) -> Option<&str> {
    match part.get("type").and_then(Value::as_str) {
        Some("text" | "input_text" | "output_text") => part.get("text").and_then(Value::as_str),
        Some("refusal") => part.get("refusal").and_then(Value::as_str),
        _ => None,
    }
}

/// Clients send arguments as JSON in a string; templates write them as JSON once more.
fn parse_arguments(function: &mut Map<String, Value>) {
    let parsed = function.get("arguments").and_then(Value::as_str).map(serde_json::from_str::<Value>);
    if let Some(Ok(arguments @ Value::Object(_))) = parsed {
        function.insert("arguments".to_owned(), arguments);
    }
}
