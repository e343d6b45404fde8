//! Chat completions: what a client asks and what it gets, whole or as a stream of chunks.

mod check;
mod chunk;
mod format;
mod logprobs;
mod message;
mod reply;
mod request;
mod tool;
mod usage;

pub use chunk::{ChatChunk, ChatChunkObject, ChunkChoice, Delta, FunctionDelta, ToolCallDelta};
pub(crate) use format::FormatKind;
pub use format::{JsonSchema, ResponseFormat};
pub use logprobs::{Logprobs, TokenLogprob, TopLogprob};
pub use message::{Content, ContentPart, Message, MessageRole};
pub use reply::{AssistantMessage, AssistantRole, ChatObject, ChatResponse, Choice, FinishReason};
pub use request::{ChatRequest, Metadata, ServiceTier, Stop, StreamOptions};
pub use tool::{FunctionCall, FunctionDefinition, Tool, ToolCall, ToolChoice, ToolKind};
pub use usage::{CompletionTokensDetails, PromptTokensDetails, Usage};
