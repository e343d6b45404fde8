//! Items: messages, calls of functions and what they returned. The same in requests, responses and
//! conversations.

use std::borrow::Cow;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::chat::MessageRole;
use crate::response::Part;
use crate::strict::{Refused, Text, at};

/// An item of a response or a conversation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// A message.
    Message(MessageItem),
    /// The model calls a function.
    FunctionCall(FunctionCallItem),
    /// What a function returned.
    FunctionCallOutput(FunctionOutputItem),
}

impl Item {
    /// The item's id; absent on what a client sends new.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Message(item) => item.id.as_deref(),
            Self::FunctionCall(item) => item.id.as_deref(),
            Self::FunctionCallOutput(item) => item.id.as_deref(),
        }
    }

    /// What it says: a message's words, a call's arguments, or what a function returned.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Message(item) => item.text(),
            Self::FunctionCall(item) => Cow::Borrowed(&item.arguments),
            Self::FunctionCallOutput(item) => Cow::Borrowed(&item.output),
        }
    }

    /// Names the item.
    pub fn set_id(&mut self, id: String) {
        match self {
            Self::Message(item) => item.id = Some(id),
            Self::FunctionCall(item) => item.id = Some(id),
            Self::FunctionCallOutput(item) => item.id = Some(id),
        }
    }
}

/// How far an item has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// It is being written.
    InProgress,
    /// It is whole.
    #[default]
    Completed,
    /// It ended early.
    Incomplete,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageItem {
    /// Names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it has come.
    pub status: ItemStatus,
    /// Who speaks; never `tool`.
    pub role: MessageRole,
    /// What is said.
    pub content: Vec<Part>,
}

impl MessageItem {
    /// The words, parts joined without a separator.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self.content.as_slice() {
            [one] => Cow::Borrowed(one.text()),
            many => Cow::Owned(many.iter().map(Part::text).collect()),
        }
    }
}

/// The model calls a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionCallItem {
    /// Names the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it has come.
    pub status: ItemStatus,
    /// Names the call; the function's result refers to it.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// JSON text, as the model wrote it.
    pub arguments: String,
}

/// What a function returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FunctionOutputItem {
    /// Names the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How far it has come.
    pub status: ItemStatus,
    /// The call this answers.
    pub call_id: String,
    /// What it returned.
    pub output: String,
}

/// Any item as it is sent; the type decides which fields belong.
#[derive(Deserialize)]
struct AnyItem {
    #[serde(rename = "type", default)]
    kind: ItemKind,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    status: Option<ItemStatus>,
    #[serde(default)]
    role: Option<MessageRole>,
    #[serde(default)]
    content: Option<Words>,
    #[serde(default)]
    call_id: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
    #[serde(default)]
    output: Option<Words>,
    // Clients that repeat an item whole send `null` for these.
    #[serde(default, rename = "phase")]
    _phase: Option<Refused>,
    #[serde(default, rename = "caller")]
    _caller: Option<Refused>,
    #[serde(default, rename = "namespace")]
    _namespace: Option<Refused>,
    #[serde(default, rename = "created_by")]
    _created_by: Option<Refused>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum ItemKind {
    #[default]
    Message,
    FunctionCall,
    FunctionCallOutput,
}

impl<'de> Deserialize<'de> for ItemKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Text::deserialize(deserializer)?.0.as_ref() {
            "message" => Ok(Self::Message),
            "function_call" => Ok(Self::FunctionCall),
            "function_call_output" => Ok(Self::FunctionCallOutput),
            _ => Err(de::Error::custom("expected `message`, `function_call` or `function_call_output`")),
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let item = AnyItem::deserialize(deserializer)?;
        item.refuse_foreign_fields()?;
        match item.kind {
            ItemKind::Message => item.into_message().map(Self::Message),
            ItemKind::FunctionCall => item.into_call().map(Self::FunctionCall),
            ItemKind::FunctionCallOutput => item.into_output().map(Self::FunctionCallOutput),
        }
    }
}

fn required<T, E: de::Error>(value: Option<T>, field: &'static str) -> Result<T, E> {
    value.ok_or_else(|| E::missing_field(field))
}

impl AnyItem {
    fn refuse_foreign_fields<E: de::Error>(&self) -> Result<(), E> {
        use ItemKind::{FunctionCall, FunctionCallOutput, Message};
        let fields: [(&str, bool, &[ItemKind]); 6] = [
            ("role", self.role.is_some(), &[Message]),
            ("content", self.content.is_some(), &[Message]),
            ("call_id", self.call_id.is_some(), &[FunctionCall, FunctionCallOutput]),
            ("name", self.name.is_some(), &[FunctionCall]),
            ("arguments", self.arguments.is_some(), &[FunctionCall]),
            ("output", self.output.is_some(), &[FunctionCallOutput]),
        ];
        match fields.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&self.kind)) {
            Some((field, _, _)) => Err(at(field, "it belongs to another type of item")),
            None => Ok(()),
        }
    }

    fn into_message<E: de::Error>(self) -> Result<MessageItem, E> {
        let role = required(self.role, "role")?;
        let content = match required(self.content, "content")? {
            Words::Parts(parts) => parts,
            Words::Text(text) if role == MessageRole::Assistant => vec![Part::output(text)],
            Words::Text(text) => vec![Part::InputText { text }],
        };
        Ok(MessageItem { id: self.id, status: self.status.unwrap_or_default(), role, content })
    }

    fn into_call<E: de::Error>(self) -> Result<FunctionCallItem, E> {
        Ok(FunctionCallItem {
            id: self.id,
            status: self.status.unwrap_or_default(),
            call_id: required(self.call_id, "call_id")?,
            name: required(self.name, "name")?,
            arguments: required(self.arguments, "arguments")?,
        })
    }

    fn into_output<E: de::Error>(self) -> Result<FunctionOutputItem, E> {
        let output = match required(self.output, "output")? {
            Words::Text(text) => text,
            Words::Parts(parts) => parts.iter().map(Part::text).collect(),
        };
        Ok(FunctionOutputItem {
            id: self.id,
            status: self.status.unwrap_or_default(),
            call_id: required(self.call_id, "call_id")?,
            output,
        })
    }
}

/// A string, or parts.
enum Words {
    Text(String),
    Parts(Vec<Part>),
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Words;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or an array of parts")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words::Text(text.to_owned()))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Words, E> {
                Ok(Words::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, parts: A) -> Result<Words, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(parts)).map(Words::Parts)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
