//! What the text of a response must look like.

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;

use crate::chat::{FormatKind, JsonSchema, ResponseFormat};
use crate::strict::at;

/// What the text must look like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextOptions {
    /// Free text where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<TextFormat>,
}

/// Text, any JSON object, or JSON of a schema.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TextFormat {
    /// Free text.
    #[default]
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON of a schema.
    JsonSchema {
        /// 1 to 64 of `a-z A-Z 0-9 _ -`.
        name: String,
        /// The schema, an object. Keys keep their order.
        schema: Value,
        /// The schema is enforced either way.
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
        /// What it is for, for the model.
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

impl From<TextFormat> for ResponseFormat {
    fn from(format: TextFormat) -> Self {
        match format {
            TextFormat::Text => Self::Text,
            TextFormat::JsonObject => Self::JsonObject,
            TextFormat::JsonSchema { name, schema, strict, description } => {
                Self::JsonSchema { json_schema: JsonSchema { name, schema, strict, description } }
            }
        }
    }
}

#[derive(Deserialize)]
struct AnyFormat {
    #[serde(rename = "type")]
    kind: FormatKind,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    strict: Option<bool>,
    #[serde(default)]
    description: Option<String>,
}

impl<'de> Deserialize<'de> for TextFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let AnyFormat { kind, name, schema, strict, description } = AnyFormat::deserialize(deserializer)?;
        if let FormatKind::JsonSchema = kind {
            let name = name.ok_or_else(|| de::Error::missing_field("name"))?;
            let schema = schema.ok_or_else(|| de::Error::missing_field("schema"))?;
            return Ok(Self::JsonSchema { name, schema, strict, description });
        }
        let given = [
            ("name", name.is_some()),
            ("schema", schema.is_some()),
            ("strict", strict.is_some()),
            ("description", description.is_some()),
        ];
        if let Some((field, _)) = given.iter().find(|(_, is_given)| *is_given) {
            return Err(at(field, "it needs `type` to be `json_schema`"));
        }
        Ok(if let FormatKind::Text = kind { Self::Text } else { Self::JsonObject })
    }
}
