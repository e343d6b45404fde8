//! The request of `/v1/responses`: every parameter that is honoured, and no other.

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::chat::{Metadata, ServiceTier};
use crate::response::{FunctionTool, Item, ResponseToolChoice, TextOptions};

/// A response as asked for. Absent and `null` mean the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ResponseRequest {
    /// A base model, a task or `assistant`.
    pub model: String,
    /// What is new: text of the user, or items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// Instructions for this response alone, before everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Most tokens to generate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// 0 (always the likeliest token) to 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus: the smallest set of tokens with this probability, above 0 up to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Whether to answer as server-sent events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    /// How to stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<ResponseStreamOptions>,
    /// Whether the response is kept to be fetched and continued; true where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// The response this one continues; not together with `conversation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// The conversation this belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationRef>,
    /// Functions the model may call, at most 128.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<FunctionTool>>,
    /// Whether and which function must be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ResponseToolChoice>,
    /// Whether one answer may call several functions; true where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    /// What the text must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<TextOptions>,
    /// Kept with the response.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::strict::text_map")]
    pub metadata: Option<Metadata>,
    /// Whom the client asks for: an opaque id, at most 512 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the answer carries besides the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include: Option<Vec<Include>>,
    /// What to do with a context that is too long: refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation: Option<Truncation>,
    /// How many of the likeliest tokens at each place, 0 to 20; needs the matching `include`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    /// `auto` or `default`: there is one tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier>,
}

impl ResponseRequest {
    /// Whether the answer is a stream.
    #[must_use]
    pub fn streams(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// Whether the response is kept.
    #[must_use]
    pub fn stores(&self) -> bool {
        self.store.unwrap_or(true)
    }

    /// Whether log-probabilities are returned.
    #[must_use]
    pub fn wants_logprobs(&self) -> bool {
        self.include.as_deref().unwrap_or_default().contains(&Include::OutputTextLogprobs)
    }

    /// The functions on offer.
    #[must_use]
    pub fn tools(&self) -> &[FunctionTool] {
        self.tools.as_deref().unwrap_or_default()
    }
}

/// What is new: text of the user, or items.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// One message of the user.
    Text(String),
    /// Items in order.
    Items(Vec<Item>),
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Items(items) => items.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Input;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string or an array of items")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Input, E> {
                Ok(Input::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Input, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(items)).map(Input::Items)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// A conversation by its id: a string on the wire, or `{"id": ...}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ConversationRef(pub String);

impl<'de> Deserialize<'de> for ConversationRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Named {
            id: String,
        }

        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = ConversationRef;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a conversation's id, or an object with `id`")
            }

            fn visit_str<E: de::Error>(self, id: &str) -> Result<ConversationRef, E> {
                Ok(ConversationRef(id.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ConversationRef, A::Error> {
                let named = Named::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(ConversationRef(named.id))
            }
        }

        deserializer.deserialize_any(Either)
    }
}

/// What an answer can carry besides the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Include {
    /// Log-probabilities of the text.
    #[serde(rename = "message.output_text.logprobs")]
    OutputTextLogprobs,
}

/// How to stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ResponseStreamOptions {
    /// Padding against guessing from lengths; only `false` is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub include_obfuscation: Option<bool>,
}

/// What to do with a context that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Truncation {
    /// Refuse it.
    #[default]
    Disabled,
}
