//! The embedded inference process on llama.cpp: one model, one thread that owns its context, HTTP over a Unix
//! socket.
//!
//! A request becomes labelled tokens ([`prompt`]), tokens become [`job`]s, the [`scheduler`] runs all jobs in
//! shared batches, and what comes back becomes an answer or a stream of events ([`routes`]).

mod constraint;
mod counters;
mod embedding;
mod engine;
mod error;
mod generation;
mod history;
mod identity;
mod job;
mod native;
mod options;
mod prompt;
mod props;
mod queue;
mod routes;
mod sampler;
mod scheduler;
mod server;
mod stream;
mod text;
mod tools;
mod vocabulary;

pub use error::EngineError;
pub use options::EngineOptions;
pub use server::{run, serve};
