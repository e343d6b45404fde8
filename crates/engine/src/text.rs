//! From tokens to text that may leave: whole characters only, and never a part of a stop string.

mod decoder;
mod stop;

pub(crate) use decoder::Utf8Decoder;
pub(crate) use stop::StopStrings;
