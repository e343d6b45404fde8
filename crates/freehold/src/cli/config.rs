//! `freehold config`: the effective settings with where each comes from, and whether they are right.

use clap::{Args, Subcommand};

use super::{Globals, output};
use crate::config::{Shown, example, shown};
use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct ConfigArguments {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Print every setting, its value and where that comes from; secrets are masked
    Show {
        /// Print a settings file with every key, its default and what it takes, instead
        #[arg(long)]
        example: bool,
    },
    /// Check the settings: file, environment and flags
    Check,
}

impl ConfigArguments {
    pub(super) fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        match self.command {
            ConfigCommand::Show { example: true } => output::text(&example()),
            ConfigCommand::Show { example: false } => show(globals)?,
            ConfigCommand::Check => check(globals)?,
        }
        Ok(())
    }
}

fn show(globals: &Globals) -> Result<(), FreeholdError> {
    let rows = shown(&globals.load(Vec::new())?);
    if globals.json {
        output::document(&rows);
        return Ok(());
    }
    let cells = rows.into_iter().map(|Shown { key, value, origin }| {
        vec![key.to_owned(), value.map_or_else(String::new, |value| value.to_string()), origin]
    });
    output::table(&["key", "value", "from"], cells.collect());
    Ok(())
}

fn check(globals: &Globals) -> Result<(), FreeholdError> {
    let loaded = globals.load(Vec::new())?;
    let file = loaded.file.as_deref().map(|file| file.display().to_string());
    if globals.json {
        output::document(&serde_json::json!({"ok": true, "file": file}));
    } else {
        output::line(&format!(
            "The settings are right ({}).",
            file.as_deref().unwrap_or("no file, defaults and environment")
        ));
    }
    Ok(())
}
