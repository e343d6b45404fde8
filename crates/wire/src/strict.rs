//! Strict reading of what clients send: nothing is ignored, and what is wrong is named by its path.

mod explain;
mod fields;
mod tracked;

use serde::de::DeserializeOwned;

pub use explain::InvalidParameter;
pub(crate) use fields::{Refused, Text, at, null_is_default, one_or_many, text_map, token_map};

/// Deepest nesting of arrays and objects in a body.
pub const MAX_DEPTH: usize = 127;

/// Reads a request. Absent and `null` mean the same for what is optional.
///
/// # Errors
/// Names by its path what is unknown, doubled, missing, or of a wrong type; malformed JSON by line and column.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, InvalidParameter> {
    tracked::read(body).map_err(|(error, path)| explain::explain(body, &error, path))
}
