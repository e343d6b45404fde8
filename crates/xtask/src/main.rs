//! The project's own chores: check, tidy.
fn main() {}
