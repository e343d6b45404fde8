//! The access rules held against an oracle that shares no code with them, and each rule by example.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

mod oracle;
mod reasons;
mod rules;
mod world;
