//! What the wire promises, seen from outside the crate.

#![allow(clippy::unwrap_used, reason = "tests may, and so may what they share")]
#![allow(clippy::too_many_lines, reason = "tables of cases are long")]

mod it {
    mod bodies;
    mod defects;
    mod engine;
    mod properties;
    mod refusals;
    mod shapes;
    mod streams;
    mod strictness;
}
