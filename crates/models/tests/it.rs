//! The crate against real peers over TCP and Unix sockets: what goes out, what comes back, what goes wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may, and so may what they share")]

#[path = "it/answers.rs"]
mod answers;
#[path = "it/catalog.rs"]
mod catalog;
#[path = "it/engine.rs"]
mod engine;
#[path = "it/limits.rs"]
mod limits;
#[path = "it/peer.rs"]
mod peer;
#[path = "it/retries.rs"]
mod retries;
#[path = "it/streams.rs"]
mod streams;
