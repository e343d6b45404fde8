//! Documents of every format, sound and hostile, the passages made of them, and the indexes over these.

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
    mod lexical;
    mod limits;
    mod policies;
    mod properties;
    mod scripts;
    mod sources;
    mod vectors;
}
