//! `/v1/embeddings`: text or tokens in, vectors out.

mod check;
mod reply;
mod request;

pub use reply::{EmbeddingEntry, EmbeddingObject, EmbeddingResponse, EmbeddingUsage, Vector};
pub use request::{EmbeddingRequest, EncodingFormat, InputType};
