//! The engine as the door sees it: a real small model behind a Unix socket.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

#[path = "it/harness.rs"]
mod harness;
#[path = "it/schemas.rs"]
mod schemas;

#[path = "it/adapters.rs"]
mod adapters;
#[path = "it/answers.rs"]
mod answers;
#[path = "it/cache.rs"]
mod cache;
#[path = "it/embeddings.rs"]
mod embeddings;
#[path = "it/formats.rs"]
mod formats;
#[path = "it/lifecycle.rs"]
mod lifecycle;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/prompts.rs"]
mod prompts;
#[path = "it/tools.rs"]
mod tools;
