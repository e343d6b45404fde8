//! Input as text or as token ids, one or many: shared by completions and embeddings.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Prompt {
    /// Text.
    Text(String),
    /// Token ids of the model's vocabulary.
    Tokens(Vec<u32>),
}

impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut prompts = deserializer.deserialize_any(Prompts)?;
        match (prompts.pop(), prompts.is_empty()) {
            (Some(prompt), true) => Ok(prompt),
            (None, _) => Ok(Self::Tokens(Vec::new())),
            _ => Err(de::Error::custom("expected one string or one array of token ids")),
        }
    }
}

/// One input or an array of inputs, for `#[serde(with)]`; an array of token ids is one input.
pub(crate) mod prompts {
    use super::{Deserializer, Prompt, Prompts, Serialize, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Prompt>, D::Error> {
        deserializer.deserialize_any(Prompts)
    }

    /// Writes a lone input bare, as clients do.
    pub(crate) fn serialize<S: Serializer>(prompts: &[Prompt], serializer: S) -> Result<S::Ok, S::Error> {
        match prompts {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }
}

const EXPECTED: &str = "a string, an array of strings, an array of token ids or an array of such arrays";

struct Prompts;

impl<'de> Visitor<'de> for Prompts {
    type Value = Vec<Prompt>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Prompt>, E> {
        Ok(vec![Prompt::Text(text.to_owned())])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<Prompt>, A::Error> {
        let mut prompts = Vec::new();
        let mut tokens = Vec::new();
        while let Some(element) = elements.next_element::<Element>()? {
            match element {
                Element::Token(token) if prompts.is_empty() => tokens.push(token),
                Element::Prompt(prompt) if tokens.is_empty() => prompts.push(prompt),
                _ => return Err(de::Error::custom(format_args!("expected {EXPECTED}, not a mixture"))),
            }
        }
        if !tokens.is_empty() {
            prompts.push(Prompt::Tokens(tokens));
        }
        Ok(prompts)
    }
}

/// An element of the outermost array.
enum Element {
    Token(u32),
    Prompt(Prompt),
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Element;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string, a token id or an array of token ids")
            }

            fn visit_u64<E: de::Error>(self, token: u64) -> Result<Element, E> {
                u32::try_from(token)
                    .map(Element::Token)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(token), &"a token id"))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Element, E> {
                Ok(Element::Prompt(Prompt::Text(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, tokens: A) -> Result<Element, A::Error> {
                let tokens = Vec::deserialize(de::value::SeqAccessDeserializer::new(tokens))?;
                Ok(Element::Prompt(Prompt::Tokens(tokens)))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
