//! Tests against the real executable.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests: one that cannot go on ends"
)]

mod it {
    mod arguments;
    mod capture;
    mod company;
    mod crash;
    mod demo;
    mod documents;
    mod folder;
    mod iceberg_client;
    mod ingest;
    mod keys;
    mod openai_client;
    mod python;
    mod ready;
    mod search;
    mod server;
    mod settings;
    mod slow;
    mod sources;
    mod stop;
    mod tls;
}
