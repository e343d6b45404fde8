//! Functions a response may call: flatter than chat's.

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::chat::{FunctionDefinition, Tool, ToolChoice, ToolKind};

/// A function on offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionTool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// 1 to 64 of `a-z A-Z 0-9 _ -`.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: Option<String>,
    /// JSON schema of the arguments, an object. Keys keep their order.
    #[serde(default)]
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema.
    #[serde(default)]
    pub strict: Option<bool>,
}

impl From<FunctionTool> for Tool {
    fn from(tool: FunctionTool) -> Self {
        let FunctionTool { kind: _, name, description, parameters, strict } = tool;
        Self::new(FunctionDefinition { name, description, parameters, strict })
    }
}

/// The same choice as chat's, in the shape of the Responses API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseToolChoice(pub ToolChoice);

impl Default for ResponseToolChoice {
    fn default() -> Self {
        Self(ToolChoice::Auto)
    }
}

#[derive(Serialize, Deserialize)]
struct NamedChoice {
    #[serde(rename = "type")]
    kind: ToolKind,
    name: String,
}

impl Serialize for ResponseToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            ToolChoice::Named(name) => {
                NamedChoice { kind: ToolKind::Function, name: name.clone() }.serialize(serializer)
            }
            word => word.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ResponseToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;

        impl<'de> Visitor<'de> for Choice {
            type Value = ResponseToolChoice;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(ToolChoice::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ResponseToolChoice, E> {
                ToolChoice::from_word(word)
                    .map(ResponseToolChoice)
                    .ok_or_else(|| E::custom(format_args!("expected {}", ToolChoice::EXPECTED)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ResponseToolChoice, A::Error> {
                let named = NamedChoice::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ResponseToolChoice(ToolChoice::Named(named.name)))
            }
        }

        deserializer.deserialize_any(Choice)
    }
}
