//! What the answer must look like: text, any JSON object, or JSON of a schema.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::strict::{Text, at};

/// What the answer must look like.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON of a schema.
    JsonSchema {
        /// The schema and its name.
        json_schema: JsonSchema,
    },
}

/// A named JSON schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JsonSchema {
    /// 1 to 64 of `a-z A-Z 0-9 _ -`.
    pub name: String,
    /// The schema, an object. Keys keep their order.
    pub schema: Value,
    /// The schema is enforced either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
    /// What it is for, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[derive(Deserialize)]
struct AnyFormat {
    #[serde(rename = "type")]
    kind: FormatKind,
    #[serde(default)]
    json_schema: Option<JsonSchema>,
}

/// The three kinds of format, shared with the Responses API.
pub(crate) enum FormatKind {
    Text,
    JsonObject,
    JsonSchema,
}

impl<'de> Deserialize<'de> for FormatKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)?.0.as_ref() {
            "text" => Ok(Self::Text),
            "json_object" => Ok(Self::JsonObject),
            "json_schema" => Ok(Self::JsonSchema),
            _ => Err(de::Error::custom("expected `text`, `json_object` or `json_schema`")),
        }
    }
}

impl<'de> Deserialize<'de> for ResponseFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match AnyFormat::deserialize(deserializer)? {
            AnyFormat { kind: FormatKind::JsonSchema, json_schema: Some(json_schema) } => {
                Ok(Self::JsonSchema { json_schema })
            }
            AnyFormat { kind: FormatKind::JsonSchema, json_schema: None } => {
                Err(de::Error::missing_field("json_schema"))
            }
            AnyFormat { json_schema: Some(_), .. } => Err(at("json_schema", "it needs `type` to be `json_schema`")),
            AnyFormat { kind: FormatKind::Text, .. } => Ok(Self::Text),
            AnyFormat { kind: FormatKind::JsonObject, .. } => Ok(Self::JsonObject),
        }
    }
}
