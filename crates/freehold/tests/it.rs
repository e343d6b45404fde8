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
    mod crash;
    mod documents;
    mod folder;
    mod iceberg_client;
    mod keys;
    mod openai_client;
    mod python;
    mod ready;
    mod server;
    mod settings;
    mod slow;
    mod stop;
    mod tls;
}
