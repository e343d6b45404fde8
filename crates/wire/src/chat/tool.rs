//! Functions a model may call, the choice among them, and the calls.

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The one kind of tool there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// A function with JSON arguments.
    #[default]
    Function,
}

/// A function on offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Always `function`.
    #[serde(rename = "type")]
    pub kind: ToolKind,
    /// The function.
    pub function: FunctionDefinition,
}

impl Tool {
    /// A function on offer.
    #[must_use]
    pub fn new(function: FunctionDefinition) -> Self {
        Self { kind: ToolKind::Function, function }
    }
}

/// A function: its name, what it is for, and the schema of its arguments.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FunctionDefinition {
    /// 1 to 64 of `a-z A-Z 0-9 _ -`.
    pub name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON schema of the arguments, an object; absent means no arguments. Keys keep their order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
    /// Whether the arguments must follow the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// Whether and which function must be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// None may be called.
    None,
    /// The model decides.
    Auto,
    /// Some function must be called.
    Required,
    /// This function must be called.
    Named(String),
}

#[derive(Serialize, Deserialize)]
struct NamedChoice {
    #[serde(rename = "type")]
    kind: ToolKind,
    function: NamedFunction,
}

#[derive(Serialize, Deserialize)]
struct NamedFunction {
    name: String,
}

impl ToolChoice {
    pub(crate) const EXPECTED: &str = "`none`, `auto`, `required` or an object that names a function";

    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "none" => Some(Self::None),
            "auto" => Some(Self::Auto),
            "required" => Some(Self::Required),
            _ => None,
        }
    }

    /// The word for this choice; none for a named function.
    #[must_use]
    pub fn as_word(&self) -> Option<&'static str> {
        match self {
            Self::None => Some("none"),
            Self::Auto => Some("auto"),
            Self::Required => Some("required"),
            Self::Named(_) => None,
        }
    }
}

impl Serialize for ToolChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, self.as_word()) {
            (Self::Named(name), _) => {
                NamedChoice { kind: ToolKind::Function, function: NamedFunction { name: name.clone() } }
                    .serialize(serializer)
            }
            (_, word) => word.unwrap_or_default().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ToolChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Choice;

        impl<'de> Visitor<'de> for Choice {
            type Value = ToolChoice;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(ToolChoice::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ToolChoice, E> {
                ToolChoice::from_word(word).ok_or_else(|| E::custom(format_args!("expected {}", ToolChoice::EXPECTED)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ToolChoice, A::Error> {
                let named = NamedChoice::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ToolChoice::Named(named.function.name))
            }
        }

        deserializer.deserialize_any(Choice)
    }
}

/// A call of a function by the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call; the function's result refers to it.
    pub id: String,
    /// Always `function`.
    #[serde(rename = "type", default)]
    pub kind: ToolKind,
    /// What is called.
    pub function: FunctionCall,
}

impl ToolCall {
    /// A call of a function.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: impl Into<String>) -> Self {
        let function = FunctionCall { name: name.into(), arguments: arguments.into() };
        Self { id: id.into(), kind: ToolKind::Function, function }
    }
}

/// The function called and its arguments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The function.
    pub name: String,
    /// JSON text, as the model wrote it.
    pub arguments: String,
}
