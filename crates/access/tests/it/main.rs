//! The access rules held against an oracle that shares no code with them, and each rule by example.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

mod agreement;
mod break_glass;
mod collection;
mod lists;
mod memory;
mod naive;
mod narrow;
mod oracle;
mod plan;
mod policies;
mod processing;
mod reasons;
mod rules;
mod shown;
mod simulation;
mod world;
