//! OpenAI-shaped types and stream framing, shared by the door, the engine and upstreams.
//!
//! One set of types reads two ways. [`strict::parse`] is for what clients send: an unknown or doubled
//! field, a wrong type or an array in place of an object is refused by its path. Plain `serde_json` is
//! for what upstreams answer: fields we do not know are skipped. Ranges and rules across fields are in
//! each request's `validate`.

mod literal;
mod rules;

pub mod chat;
pub mod completion;
pub mod conversation;
pub mod embedding;
pub mod engine;
pub mod error;
pub mod freehold;
pub mod list;
pub mod model;
pub mod response;
pub mod sse;
pub mod strict;

pub use error::ErrorBody;
pub use strict::InvalidParameter;
