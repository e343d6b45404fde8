//! An OpenAI-shaped request with one more field, `engine`, that only the door may set.

use serde::de::{DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::strict::{InvalidParameter, Request, Text};

/// A request as the door hands it to the engine. A client's request is parsed as `T` alone, so that it
/// cannot set `engine`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call<T> {
    /// The request.
    #[serde(flatten)]
    pub request: T,
    /// What the door adds.
    pub engine: EngineExtras,
}

/// What the door adds to a request for its engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EngineExtras {
    /// The adapter that answers, by the name it was loaded under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// One cache label per message (or per prompt): KV state is reused only where token ids, labels and
    /// adapter are all equal. An entry that is `null`, or absent at the end, keeps its tokens uncached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Option<String>>,
    /// The label of what the template writes before the first message: tools, default instructions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preamble_label: Option<String>,
    /// Goes on to the token limit past the model's own end: for measurements.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignore_eos: bool,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Call<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(CallVisitor(std::marker::PhantomData))
    }
}

impl<T: Request> Request for Call<T> {
    fn check(&self) -> Result<(), InvalidParameter> {
        self.request.check()
    }
}

struct CallVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for CallVisitor<T> {
    type Value = Call<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Call<T>, A::Error> {
        let mut engine = None;
        let rest = WithoutExtras { map, engine: &mut engine };
        let request = T::deserialize(serde::de::value::MapAccessDeserializer::new(rest))?;
        Ok(Call { request, engine: engine.unwrap_or_default() })
    }
}

/// The map with `engine` taken out on the way: no buffer, whatever the order of the keys.
struct WithoutExtras<'a, A> {
    map: A,
    engine: &'a mut Option<EngineExtras>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutExtras<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(Text(key)) = self.map.next_key()? {
            if key != "engine" {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            if self.engine.is_some() {
                return Err(serde::de::Error::duplicate_field("engine"));
            }
            *self.engine = Some(self.map.next_value()?);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(seed)
    }
}
