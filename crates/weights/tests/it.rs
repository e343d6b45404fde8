//! Pulling over real sockets, the models folder on a real disk, and the real models where they are installed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

#[cfg(test)]
#[path = "it/folder.rs"]
mod folder;
#[cfg(test)]
#[path = "it/pull.rs"]
mod pull;
#[cfg(test)]
#[path = "it/real.rs"]
mod real;
#[cfg(test)]
#[path = "it/sample.rs"]
mod sample;
#[cfg(test)]
#[path = "it/server.rs"]
mod server;
