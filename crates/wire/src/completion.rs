//! `/v1/completions`: text or tokens in, their continuation out.

mod check;
mod prompt;
mod reply;
mod request;

pub(crate) use check::inputs;
pub use prompt::Prompt;
pub(crate) use prompt::prompts;
pub use reply::{CompletionChoice, CompletionLogprobs, CompletionObject, CompletionResponse};
pub use request::CompletionRequest;
