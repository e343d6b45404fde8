//! Shapes of fields that several requests share.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Text that is borrowed from the body where it holds no escapes.
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;

        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }

        deserializer.deserialize_str(Borrowing)
    }
}

/// An error at a field of the object being read: `explain` adds the field to the path.
pub(crate) fn at<E: de::Error>(field: &str, message: impl Display) -> E {
    E::custom(format_args!("`{field}`: {message}"))
}

/// Reads `null` as the default: upstreams write it for what they leave out.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A field that must be absent or `null`.
pub(crate) struct Refused;

impl<'de> Deserialize<'de> for Refused {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("it is not supported; leave it out"))
    }
}

/// One string or an array of them.
pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
    expected: &'static str,
) -> Result<Vec<String>, D::Error> {
    struct Either(&'static str);

    impl<'de> Visitor<'de> for Either {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, texts: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(de::value::SeqAccessDeserializer::new(texts))
        }
    }

    deserializer.deserialize_any(Either(expected))
}

/// A map whose keys may not repeat: a repeated key would hide the first value.
struct UniqueKeys<K, V>(std::marker::PhantomData<(K, V)>);

impl<'de, K: std::str::FromStr + Ord, V: DeserializeOwned> Visitor<'de> for UniqueKeys<K, V> {
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<BTreeMap<K, V>, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(text) = entries.next_key::<String>()? {
            let value = entries.next_value()?;
            let key = text.parse().map_err(|_| at(&text, "the key must be a token id, such as \"42\""))?;
            if map.insert(key, value).is_some() {
                return Err(at(&text, "the key is given twice"));
            }
        }
        Ok(map)
    }
}

/// `logit_bias`: token ids to numbers.
pub(crate) mod token_map {
    use super::{BTreeMap, Deserializer, OptionalMap};
    use serde::{Serialize, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BTreeMap<u32, f64>>, D::Error> {
        deserializer.deserialize_option(OptionalMap::new())
    }

    pub(crate) fn serialize<S: Serializer>(map: &Option<BTreeMap<u32, f64>>, serializer: S) -> Result<S::Ok, S::Error> {
        map.serialize(serializer)
    }
}

/// `metadata`: texts to texts.
pub(crate) mod text_map {
    use super::{BTreeMap, Deserializer, OptionalMap};
    use serde::{Serialize, Serializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<BTreeMap<String, String>>, D::Error> {
        deserializer.deserialize_option(OptionalMap::new())
    }

    pub(crate) fn serialize<S: Serializer>(
        map: &Option<BTreeMap<String, String>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        map.serialize(serializer)
    }
}

struct OptionalMap<K, V>(std::marker::PhantomData<(K, V)>);

impl<K, V> OptionalMap<K, V> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, K: std::str::FromStr + Ord, V: DeserializeOwned> Visitor<'de> for OptionalMap<K, V> {
    type Value = Option<BTreeMap<K, V>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(UniqueKeys(std::marker::PhantomData)).map(Some)
    }
}
