//! The verbs over a real state and a peer that plays an upstream.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

mod answers;
mod capture;
mod decisions;
mod limits;
mod office;
mod responses;
