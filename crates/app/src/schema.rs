//! How the closed words of `domain` stand in the OpenAPI document: generated from their own lists, so that they stay
//! in step.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident from $all:expr;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&str> = $all.iter().map(|word| word.as_str()).collect();
                RefOr::T(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into())
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> { Cow::Borrowed(stringify!($name)) }
        }
    )*};
}

words! {
    /// What a person, group or service may do on this installation.
    Role from domain::Role::ALL;
    /// How much of an exchange is kept.
    Capture from domain::Capture::ALL;
}
