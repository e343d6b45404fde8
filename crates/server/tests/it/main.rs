//! The door from outside: a real application on a folder of its own, called in-process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests; a test that cannot go on ends")]

mod assistant;
mod behalf;
mod bodies;
mod break_glass;
mod decisions;
mod documents;
mod foreign;
mod house;
mod identity;
mod imports;
mod knowledge;
mod models;
mod operation;
mod repeats;
mod search;
mod sessions;
mod table;
mod upstreams;
