//! Pulling over real sockets, the models folder on a real disk, and the real models where they are installed.

#[path = "it/folder.rs"]
mod folder;
#[path = "it/pull.rs"]
mod pull;
#[path = "it/real.rs"]
mod real;
#[path = "it/sample.rs"]
mod sample;
#[path = "it/server.rs"]
mod server;
