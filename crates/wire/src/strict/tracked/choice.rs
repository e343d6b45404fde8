//! Choices: a word, or an object whose one field is the word with what belongs to it.

use std::fmt;

use serde::Deserializer;
use serde::de::value::CowStrDeserializer;
use serde::de::{self, DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, Unexpected, VariantAccess, Visitor};

use super::Tracked;
use super::access::Entries;

/// What a choice without anything that belongs to it is.
const WORD: &str = "a string";

/// Reads a choice for the visitor of an enum.
pub(super) struct ChoiceVisitor<'a, V> {
    pub(super) chooser: Tracked<'a, V>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ChoiceVisitor<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORD)
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<V::Value, E> {
        self.chooser.inner.visit_enum(CowStrDeserializer::new(word.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        let entries = Entries::new(self.chooser.wrap(entries));
        self.chooser.inner.visit_enum(Choice(entries))
    }
}

/// An object whose one field names the choice.
struct Choice<'a, 'de, A>(Entries<'a, 'de, A>);

impl<'de, A: MapAccess<'de>> Choice<'_, 'de, A> {
    fn only<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<S::Value, A::Error> {
        let value = self.0.next_value_seed(seed)?;
        match self.0.next_key::<IgnoredAny>()? {
            None => Ok(value),
            Some(_) => Err(de::Error::custom("it names more than one choice: give one")),
        }
    }
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Choice<'_, 'de, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), A::Error> {
        match self.0.next_key_seed(seed)? {
            Some(word) => Ok((word, self)),
            None => Err(de::Error::invalid_type(Unexpected::Map, &WORD)),
        }
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Choice<'_, 'de, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        Err(de::Error::invalid_type(Unexpected::Map, &WORD))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.only(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.only(Sequence(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, A::Error> {
        self.only(Object(visitor))
    }
}

/// The fields of a choice.
struct Object<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Object<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_map(self.0)
    }
}

/// The values of a choice in their order.
struct Sequence<V>(V);

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Sequence<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_seq(self.0)
    }
}
