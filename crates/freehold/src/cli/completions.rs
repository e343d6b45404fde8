//! `freehold completions`: a completion script for a shell.

use clap::{Args, CommandFactory};

use super::Cli;
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell
    shell: clap_complete::Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<(), FreeholdError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "freehold", &mut script);
        super::output::bytes(&script);
        Ok(())
    }
}
