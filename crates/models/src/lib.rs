//! Models and who answers for them: upstreams and their dialects, routing, the queue in front of each.
//!
//! [`Catalog::resolve`] gives a [`Route`]; a route asks its upstream and, along an explicit list only, others. An
//! embedded engine, a vLLM cluster and an outside API are the same kind of upstream.

mod breaker;
mod catalog;
pub mod config;
mod counters;
mod dialect;
mod error;
mod queue;
mod route;
mod upstream;

pub use breaker::{Breaker, BreakerConfig, BreakerState, Pass};
pub use catalog::{Catalog, CatalogOptions, UnknownLengths};
pub use config::{
    CacheSeparation, Dialect, ModelConfig, ModelKind, Prefixes, Secret, Timeouts, UpstreamConfig, UpstreamKind,
};
pub use counters::{Counts, UpstreamSnapshot};
pub use error::{ModelsError, Phase, Unavailability};
pub use route::{Answered, AnsweredBy, CallContext, Route};
pub use upstream::{ChatChunks, Chunks, CompletionChunks, Engine, UpstreamState};
pub use wire::model::Locality;
