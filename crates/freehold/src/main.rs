//! Freehold: the AI your company owns outright. One executable: the door and its supervisor (`serve`), the engine
//! child (`engine`), and the command line that speaks to a running door.

mod cli;
mod clock;
mod config;
mod error;
mod pull;
mod serve;
mod supervisor;

use std::process::ExitCode;

/// Small and quick under many short requests; DEPENDENCIES.md has the numbers.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
