//! Arrays and objects that give each value its place.

use std::borrow::Cow;

use serde::de::value::CowStrDeserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::super::fields::Text;
use super::{Place, Tracked};

/// The elements of an array.
pub(super) struct Elements<'a, A> {
    array: Tracked<'a, A>,
    index: usize,
}

impl<'a, A> Elements<'a, A> {
    pub(super) fn new(array: Tracked<'a, A>) -> Self {
        Self { array, index: 0 }
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Elements<'_, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let place = Place::Element { parent: self.array.place, index: self.index };
        self.index += 1;
        self.array.inner.next_element_seed(Tracked { inner: seed, place: &place, fault: self.array.fault })
    }

    fn size_hint(&self) -> Option<usize> {
        self.array.inner.size_hint()
    }
}

/// The fields of an object.
pub(super) struct Entries<'a, 'de, A> {
    object: Tracked<'a, A>,
    /// The field whose value comes next.
    name: Cow<'de, str>,
}

impl<'a, A> Entries<'a, '_, A> {
    pub(super) fn new(object: Tracked<'a, A>) -> Self {
        Self { object, name: Cow::Borrowed("") }
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Entries<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(Text(name)) = self.object.inner.next_key()? else { return Ok(None) };
        self.name = name;
        seed.deserialize(CowStrDeserializer::new(Cow::Borrowed(&*self.name))).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let place = Place::Field { parent: self.object.place, name: &self.name };
        self.object.inner.next_value_seed(Tracked { inner: seed, place: &place, fault: self.object.fault })
    }

    fn size_hint(&self) -> Option<usize> {
        self.object.inner.size_hint()
    }
}
