//! Documents of every format, sound and hostile, and the passages made of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests: one that cannot go on ends, one that is skipped says so"
)]

mod it {
    mod build;
    mod child;
    mod chunks;
    mod formats;
    mod hostile;
    mod limits;
    mod policies;
    mod properties;
    mod scripts;
}
