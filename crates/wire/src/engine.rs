//! What only the door and its engine child say to each other, over a Unix socket.

mod adapter;
mod call;
mod score;
mod state;
mod text;

pub use adapter::{AdapterEntry, AdapterList, AdapterName, ThreadsRequest};
pub use call::{Call, EngineExtras};
pub use score::{ScoreReply, ScoreRequest};
pub use state::{Build, EngineProps, EngineStats, Health, HealthState, TemplateProps};
pub use text::{
    DetokenizeReply, DetokenizeRequest, LabelSpan, RenderReply, RenderRequest, TokenizeReply, TokenizeRequest,
};
