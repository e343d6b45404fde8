//! Types of the OpenAPI document in words.

use serde_json::{Map, Value};

/// A type in a few words; a shape that has a name is linked.
pub(super) fn words(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return match name.strip_prefix("Slice_") {
            Some(item) => format!("a page of {}", link(item)),
            None => link(name),
        };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(words).collect::<Vec<_>>().join(" or ");
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return allowed.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    let types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return "any JSON".to_owned(),
    };
    types.iter().map(|name| of_type(name, schema)).collect::<Vec<_>>().join(" or ")
}

fn of_type(name: &str, schema: &Value) -> String {
    match name {
        "array" => format!("list of {}", words(&schema["items"])),
        "object" if schema["additionalProperties"]["type"].is_string() => {
            format!("object of {}", words(&schema["additionalProperties"]))
        }
        "string" if schema["format"] == "date-time" => "time".to_owned(),
        "integer" => format!("whole number{}", bounds(schema)),
        other => other.to_owned(),
    }
}

fn bounds(schema: &Value) -> String {
    match (schema["minimum"].as_u64(), schema["maximum"].as_u64()) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", {least} or more"),
        _ => String::new(),
    }
}

/// The name that a schema refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

/// What a schema is for, in one line.
pub(super) fn meaning(schema: &Value) -> String {
    let own = schema["description"].as_str();
    let inner = || schema["oneOf"].as_array()?.iter().find_map(|choice| choice["description"].as_str());
    one_line(own.or_else(inner).unwrap_or_default())
}

/// Text that fits a cell of a table.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The fields of an object as a table.
pub(super) fn fields(schema: &Value) -> String {
    let none = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&none);
    if properties.is_empty() {
        return String::new();
    }
    let required = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
    let mut table = String::from("| field | type | meaning |\n|---|---|---|\n");
    for (name, field) in properties {
        let star = if required(name) { "" } else { " (may be absent)" };
        table.push_str(&format!("| `{name}` | {}{star} | {} |\n", words(field), meaning(field)));
    }
    table
}
