//! A message of a conversation, as a client sends it.

use std::borrow::Cow;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chat::ToolCall;
use crate::strict::{Refused, Text, at};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageRole {
    /// Instructions.
    System,
    /// Instructions, under their newer name.
    Developer,
    /// The one who asks.
    #[default]
    User,
    /// The model.
    Assistant,
    /// What a function returned.
    Tool,
}

impl MessageRole {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// A message of a conversation. Which fields a role needs is checked by the request's `validate`.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Message {
    /// Who speaks.
    pub role: MessageRole,
    /// What is said; absent only where the assistant calls functions or refuses.
    pub content: Option<Content>,
    /// Tells apart speakers of one role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Functions the assistant called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_calls: Option<Vec<ToolCall>>,
    /// The call that a `tool` message answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Why the assistant refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
}

impl Message {
    /// A message of plain text.
    pub fn new(role: MessageRole, text: impl Into<String>) -> Self {
        Self { role, content: Some(Content::Text(text.into())), ..Self::default() }
    }

    /// The words of the message, parts joined; empty where there are none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map_or(Cow::Borrowed(""), Content::text)
    }

    /// Everything that is said in it, a line each: the words, a refusal, the arguments of calls.
    #[must_use]
    pub fn all_words(&self) -> String {
        let calls = self.tool_calls().iter().map(|call| call.function.arguments.as_str());
        let text = self.text();
        let words: Vec<&str> = [&*text].into_iter().chain(self.refusal.as_deref()).chain(calls).collect();
        words.join("\n")
    }

    /// The functions the message calls.
    #[must_use]
    pub fn tool_calls(&self) -> &[ToolCall] {
        self.tool_calls.as_deref().unwrap_or_default()
    }
}

/// The same, with what clients echo from an answer although it says nothing: `null` and empty lists.
#[derive(Deserialize)]
struct EchoedMessage {
    role: MessageRole,
    #[serde(default)]
    content: Option<Content>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default, rename = "function_call")]
    _function_call: Option<Refused>,
    #[serde(default, rename = "audio")]
    _audio: Option<Refused>,
    #[serde(default, rename = "annotations")]
    _annotations: Option<Vec<Refused>>,
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let EchoedMessage { role, content, name, tool_calls, tool_call_id, refusal, .. } =
            EchoedMessage::deserialize(deserializer)?;
        Ok(Self { role, content, name, tool_calls, tool_call_id, refusal })
    }
}

/// What is said: a string, or parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A string.
    Text(String),
    /// Parts in order.
    Parts(Vec<ContentPart>),
}

impl Content {
    /// The words, parts joined without a separator.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Parts(parts) => match parts.as_slice() {
                [one] => Cow::Borrowed(one.text()),
                many => Cow::Owned(many.iter().map(ContentPart::text).collect()),
            },
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Content;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or an array of content parts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Content, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(parts)).map(Content::Parts)
            }

            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Content, A::Error> {
                Err(de::Error::invalid_type(de::Unexpected::Map, &self))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A part of a message. Images, audio and files are refused by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ContentPart {
    /// Words.
    Text {
        /// The words.
        text: String,
    },
    /// The assistant's words of refusal.
    Refusal {
        /// The words.
        refusal: String,
    },
}

impl ContentPart {
    /// The words of the part.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } => text,
            Self::Refusal { refusal } => refusal,
        }
    }
}

#[derive(Deserialize)]
struct AnyPart {
    #[serde(rename = "type")]
    kind: PartKind,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

enum PartKind {
    Text,
    Refusal,
}

impl<'de> Deserialize<'de> for PartKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)?.0.as_ref() {
            "text" => Ok(Self::Text),
            "refusal" => Ok(Self::Refusal),
            "image_url" => Err(de::Error::custom("images are not accepted; send `text` parts only")),
            "input_audio" => Err(de::Error::custom("audio is not accepted; send `text` parts only")),
            "file" => Err(de::Error::custom("files are not accepted here; send their text in `text` parts")),
            _ => Err(de::Error::custom("expected `text` or `refusal`")),
        }
    }
}

impl<'de> Deserialize<'de> for ContentPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match AnyPart::deserialize(deserializer)? {
            AnyPart { kind: PartKind::Text, text: Some(text), refusal: None } => Ok(Self::Text { text }),
            AnyPart { kind: PartKind::Refusal, text: None, refusal: Some(refusal) } => Ok(Self::Refusal { refusal }),
            AnyPart { kind: PartKind::Text, text: None, .. } => Err(de::Error::missing_field("text")),
            AnyPart { kind: PartKind::Refusal, refusal: None, .. } => Err(de::Error::missing_field("refusal")),
            AnyPart { kind: PartKind::Text, .. } => Err(at("refusal", "it belongs to parts of type `refusal`")),
            AnyPart { kind: PartKind::Refusal, .. } => Err(at("text", "it belongs to parts of type `text`")),
        }
    }
}
