//! The engine as the door sees it: a real small model behind a Unix socket.

#[path = "it/harness.rs"]
mod harness;

#[path = "it/answers.rs"]
mod answers;
