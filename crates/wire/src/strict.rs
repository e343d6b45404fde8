//! Strict reading of what clients send: nothing is ignored, and what is wrong is named by its path.

mod explain;
mod fields;
mod tracked;

use serde::de::DeserializeOwned;

pub use explain::InvalidParameter;
pub(crate) use fields::{Refused, Text, at, null_is_default, one_or_many, text_map, token_map};
pub(crate) use tracked::push_field;

/// Deepest nesting of arrays and objects in a body.
pub const MAX_DEPTH: usize = 127;

/// A request with rules beyond the shape of its fields.
pub trait Request: DeserializeOwned {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    fn check(&self) -> Result<(), InvalidParameter>;
}

macro_rules! requests {
    ($($request:ty)*) => {$(
        impl Request for $request {
            fn check(&self) -> Result<(), InvalidParameter> {
                self.validate()
            }
        }
    )*};
}

requests! {
    crate::chat::ChatRequest
    crate::completion::CompletionRequest
    crate::embedding::EmbeddingRequest
    crate::response::ResponseRequest
    crate::conversation::ConversationRequest
    crate::conversation::ConversationUpdate
    crate::conversation::ItemsRequest
}

/// Reads a request and checks its rules: [`parse`], then `validate`.
///
/// # Errors
/// Names the first parameter at fault and says what would be right.
pub fn read<T: Request>(body: &[u8]) -> Result<T, InvalidParameter> {
    let request: T = parse(body)?;
    request.check()?;
    Ok(request)
}

/// Reads a body by its shape alone. Absent and `null` mean the same for what is optional.
///
/// A choice is a word, or `{"word": {...}}` where something belongs to it. serde buffers what stands under `untagged`,
/// `tag` or `flatten`: in there nothing is watched, so such types need `deny_unknown_fields` of their own.
///
/// # Errors
/// Names by its path what is unknown, doubled, missing, or of a wrong type; malformed JSON by line and column.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, InvalidParameter> {
    tracked::read(body).map_err(|(error, path)| explain::explain(body, &error, path))
}
