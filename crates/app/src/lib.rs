//! The verbs of Freehold: short functions that read aloud. HTTP, the command line and jobs call these and nothing
//! below them.

pub mod admin;
pub mod assistant;
pub mod audit;
pub mod backup;
pub mod break_glass;
pub mod decisions;
pub mod documents;
pub mod erasures;
pub mod groups;
pub mod import;
pub mod index;
pub mod issuers;
pub mod jobs;
pub mod keys;
pub mod lake;
pub mod links;
pub mod listing;
pub mod lookup;
pub mod me;
pub mod need_to_know;
pub mod parsers;
pub mod people;
pub mod policies;
pub mod search;
pub mod services;
pub mod settings;
pub mod simulation;
pub mod sources;
pub mod stock;
pub mod sync;
pub mod upstreams;

mod admission;
mod answer;
mod app;
mod completion;
mod conversation;
mod counters;
mod embedding;
mod error;
mod exchange;
mod gauges;
mod identity;
mod ids;
mod limiter;
mod model_list;
mod naming;
mod prompt;
mod readiness;
mod redact;
mod repeat;
mod response;
mod schema;
mod shown;
mod stream;
mod traces;
mod transcript;

#[cfg(test)]
mod testing;

pub use answer::{Reply, Unanswered, answer, streams, turn_away};
pub use app::{App, AppOptions};
pub use completion::{Completion, complete};
pub use conversation::{
    add_items as add_conversation_items, conversation, create as create_conversation, delete as delete_conversation,
    delete_item as delete_conversation_item, item as conversation_item, items as conversation_items,
    update as update_conversation,
};
pub use counters::{Counters, Histogram, LATENCY_BOUNDS_SECONDS, ModelCounters};
pub use embedding::embed;
pub use error::AppError;
pub use exchange::{Asker, Exchange};
pub use gauges::{Gauges, UpstreamGauges, gauges};
pub use ids::Ids;
pub use limiter::Limiter;
pub use model_list::{model, models};
pub use readiness::{Part, Readiness};
pub use redact::redact;
pub use repeat::Repeat;
pub use response::{KeptResponse, Responding, ResponseStream, delete as delete_response, kept as response, respond};
pub use stream::{Chunk, ReplyStream};
pub use traces::{FeedbackRequest, TraceFilter, TraceView, give_feedback, trace, traces};

// What an `App` is put together from: whoever opens one names no other crate.
pub use models::{Catalog, CatalogOptions};
pub use stock::Stock;
pub use store::{Faults, Store, StoreOptions};
pub use weights::{ModelFolder, Network};
