//! Server-sent events: written without a copy per chunk, read back across any split of the bytes.

mod decode;
mod encode;

pub use decode::{DecodeError, Decoder, SseEvent};
pub use encode::{comment, data, done, named, raw};

/// The data of the event that ends an OpenAI stream.
pub const DONE: &str = "[DONE]";
