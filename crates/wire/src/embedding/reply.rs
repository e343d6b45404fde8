//! The answer of `/v1/embeddings`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::embedding::EncodingFormat;
use crate::freehold::Additions;
use crate::list::ListObject;
use crate::literal::literals;
use crate::strict::null_is_default;

literals! {
    /// Always `embedding`.
    EmbeddingObject = "embedding";
}

/// Vectors in the order of the input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingResponse {
    /// Always `list`.
    #[serde(default)]
    pub object: ListObject,
    /// The vectors.
    pub data: Vec<EmbeddingEntry>,
    /// What answered, by the name the client used.
    #[serde(default)]
    pub model: String,
    /// Tokens it took.
    #[serde(default)]
    pub usage: EmbeddingUsage,
    /// What Freehold adds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freehold: Option<Additions>,
}

/// One vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmbeddingEntry {
    /// Always `embedding`.
    #[serde(default)]
    pub object: EmbeddingObject,
    /// Which input it belongs to, from 0.
    #[serde(default)]
    pub index: u32,
    /// The vector.
    pub embedding: Vector,
}

/// Tokens of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EmbeddingUsage {
    /// Of the input.
    #[serde(default, deserialize_with = "null_is_default")]
    pub prompt_tokens: u32,
    /// The same.
    #[serde(default, deserialize_with = "null_is_default")]
    pub total_tokens: u32,
}

/// A vector as it is written.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Vector {
    /// Numbers.
    Floats(Vec<f32>),
    /// Base64 of little-endian 32-bit floats.
    Base64(String),
}

impl Vector {
    /// Writes a vector in a format.
    #[must_use]
    pub fn encode(values: Vec<f32>, format: EncodingFormat) -> Self {
        match format {
            EncodingFormat::Float => Self::Floats(values),
            EncodingFormat::Base64 => {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                Self::Base64(STANDARD.encode(bytes))
            }
        }
    }

    /// The numbers; none where the base64 text is not whole 32-bit floats.
    #[must_use]
    pub fn decode(self) -> Option<Vec<f32>> {
        match self {
            Self::Floats(values) => Some(values),
            Self::Base64(text) => {
                let bytes = STANDARD.decode(text).ok()?;
                let (floats, rest) = bytes.as_chunks::<4>();
                rest.is_empty().then(|| floats.iter().map(|four| f32::from_le_bytes(*four)).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Vector;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array of numbers or base64 text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vector, E> {
                Ok(Vector::Base64(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Vector, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(values)).map(Vector::Floats)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
