//! The Responses API: the request, items in and out, the response object and its streaming events.

mod check;
mod event;
mod item;
mod part;
mod reply;
mod request;
mod text;
mod tool;

pub(crate) use check::check_items;
pub use event::{Event, EventKind};
pub use item::{FunctionCallItem, FunctionOutputItem, Item, ItemStatus, MessageItem};
pub use part::{Part, TextLogprob};
pub use reply::{
    ConversationName, IncompleteDetails, IncompleteReason, InputTokensDetails, OutputTokensDetails, Response,
    ResponseError, ResponseObject, ResponseStatus, ResponseUsage,
};
pub use request::{ConversationRef, Include, Input, ResponseRequest, ResponseStreamOptions, Truncation};
pub use text::{TextFormat, TextOptions};
pub use tool::{FunctionTool, ResponseToolChoice};
