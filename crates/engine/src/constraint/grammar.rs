//! Grammars as text: JSON of a schema, and calls of functions in the form a model was trained to write.

use serde_json::{Value, json};

/// The schema of any JSON object.
pub(crate) const ANY_OBJECT: &str = r#"{"type":"object"}"#;

/// Whitespace allowed between JSON tokens. Bounded, because small models can go on with it for ever.
const WHITESPACE: &str = r"[\x20\x0A\x0D\x09]{0,24}";

/// A grammar, and when it binds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grammar {
    text: String,
    trigger: Option<String>,
    repeats: bool,
}

impl Grammar {
    /// The whole answer is JSON of an enforceable schema (see [`super::enforceable`]).
    pub(crate) fn json(schema: &Value) -> Self {
        Self::always(format!("start: %json {}\n", with_whitespace(schema)))
    }

    /// The whole answer follows rules in Lark's notation.
    pub(crate) fn always(text: String) -> Self {
        Self { text, trigger: None, repeats: false }
    }

    /// Binds only what follows `trigger`; after its end the answer is free again if `repeats`, else it ends.
    pub(crate) fn after(trigger: &str, text: String, repeats: bool) -> Self {
        Self { text, trigger: Some(trigger.to_owned()), repeats }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn trigger(&self) -> Option<&str> {
        self.trigger.as_deref()
    }

    pub(super) fn repeats(&self) -> bool {
        self.repeats
    }
}

/// The schema of one call as JSON: `{"name": ..., "<arguments_key>": ...}`, in this order.
pub(crate) fn function_call(name: &str, arguments_key: &str, arguments: &Value) -> String {
    let schema = json!({
        "type": "object",
        "properties": { "name": { "const": name }, arguments_key: arguments },
        "required": ["name", arguments_key],
        "additionalProperties": false,
    });
    format!("%json {}", with_whitespace(&hoist_definitions(schema, arguments_key)))
}

/// Local references (`#/$defs/...`) count from the root, so definitions of nested arguments move up to it.
fn hoist_definitions(mut schema: Value, arguments_key: &str) -> Value {
    for key in ["$defs", "definitions"] {
        let definitions = schema["properties"][arguments_key].as_object_mut().and_then(|inner| inner.remove(key));
        if let (Some(definitions), Some(root)) = (definitions, schema.as_object_mut()) {
            root.insert(key.to_owned(), definitions);
        }
    }
    schema
}

fn with_whitespace(schema: &Value) -> Value {
    let mut schema = match schema {
        Value::Object(_) => schema.clone(),
        // `true` and `false` are schemas too, but cannot carry options.
        other => json!({ "allOf": [other] }),
    };
    if let Some(root) = schema.as_object_mut() {
        root.insert("x-guidance".to_owned(), json!({ "whitespace_flexible": true, "whitespace_pattern": WHITESPACE }));
    }
    schema
}
