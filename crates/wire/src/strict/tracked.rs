//! A deserializer that wraps another and knows where it is: fields that a type would skip are errors, an
//! array is not taken for an object, and the place of the first error is kept. One pass, no allocation
//! unless something is wrong.

mod access;
mod choice;
mod visitor;

use std::cell::Cell;
use std::fmt::Write as _;

use serde::Deserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Visitor};

use choice::ChoiceVisitor;

/// What `explain` looks for: a field no type asked for.
pub(super) const UNKNOWN: &str = "unknown parameter";

/// Reads a whole body; an error comes with the path of the place where it was found, empty for the top.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, (serde_json::Error, String)> {
    let fault = Fault::default();
    let mut inner = serde_json::Deserializer::from_slice(body);
    let read = T::deserialize(Tracked { inner: &mut inner, place: &Place::Top, fault: &fault })
        .and_then(|value| inner.end().map(|()| value));
    read.map_err(|error| (error, fault.0.take().unwrap_or_default()))
}

/// Where a value is, as a chain to the top that lives on the stack.
pub(super) enum Place<'a> {
    Top,
    Field { parent: &'a Place<'a>, name: &'a str },
    Element { parent: &'a Place<'a>, index: usize },
}

impl Place<'_> {
    fn write(&self, path: &mut String) {
        match self {
            Self::Top => {}
            Self::Field { parent, name } => {
                parent.write(path);
                push_field(path, name);
            }
            Self::Element { parent, index } => {
                parent.write(path);
                // Writing to a string cannot fail.
                let _ = write!(path, "[{index}]");
            }
        }
    }
}

/// Adds a field to a path: `.name`, or `["odd name"]`, cut to 64 characters.
pub(crate) fn push_field(path: &mut String, name: &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !name.is_empty() && name.len() <= 64 && name.chars().all(plain) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
    } else {
        let short: String = name.chars().take(64).collect();
        let _ = write!(path, "[{}]", serde_json::Value::String(short));
    }
}

/// The path of the first error.
#[derive(Default)]
struct Fault(Cell<Option<String>>);

impl Fault {
    fn record(&self, place: &Place<'_>) {
        let path = self.0.take().unwrap_or_else(|| {
            let mut path = String::new();
            place.write(&mut path);
            path
        });
        self.0.set(Some(path));
    }
}

/// A deserializer, visitor, access or seed that knows its place.
struct Tracked<'a, X> {
    inner: X,
    place: &'a Place<'a>,
    fault: &'a Fault,
}

impl<'a, X> Tracked<'a, X> {
    fn wrap<Y>(&self, inner: Y) -> Tracked<'a, Y> {
        Tracked { inner, place: self.place, fault: self.fault }
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Tracked<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let Self { inner, place, fault } = self;
        inner.deserialize(Tracked { inner: deserializer, place, fault }).inspect_err(|_| fault.record(place))
    }
}

/// Scalars need no watching: their errors are placed by whoever asked for the value.
macro_rules! scalars {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(visitor)
        }
    )*};
}

/// What may hold other values is watched.
macro_rules! containers {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {$(
        fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            let visitor = self.wrap(visitor);
            self.inner.$method($($name,)* visitor)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Tracked<'_, D> {
    type Error = D::Error;

    scalars! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
    }

    containers! {
        deserialize_any();
        deserialize_option();
        deserialize_seq();
        deserialize_map();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_newtype_struct(name: &'static str);
        deserialize_unit_struct(name: &'static str);
    }

    /// A struct is an object: its fields in order, as an array, are not.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.deserialize_map(visitor)
    }

    /// A choice is a word, or an object whose one field is the word with what belongs to it; `{"word": null}` is not.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let Self { inner, place, fault } = self;
        inner.deserialize_any(ChoiceVisitor { chooser: Tracked { inner: visitor, place, fault } })
    }

    /// Only a field that no type asked for is skipped.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, D::Error> {
        Err(de::Error::custom(UNKNOWN))
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}
