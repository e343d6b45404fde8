//! Freehold: the AI your company owns outright.
fn main() {}
