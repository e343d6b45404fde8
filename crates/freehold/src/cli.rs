//! The command line: one file for each command, one place where errors become messages and exit codes.

mod ask;
mod audit;
mod backup;
mod break_glass;
mod can;
mod command;
mod completions;
mod config;
mod doctor;
mod door;
mod engine;
mod erasures;
mod export;
mod groups;
mod index;
mod keys;
mod lake;
mod listing;
mod models;
mod output;
mod parse;
mod people;
pub(crate) mod progress;
mod search;
mod serve;
mod services;
mod sources;
mod traces;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Flag, Loaded, Sources};
use crate::error::FreeholdError;
use command::{EXIT_CODES, examples};

/// The AI your company owns outright: open-weight models behind one door, on your own machines.
#[derive(Debug, Parser)]
#[command(name = "freehold", version, max_term_width = 100, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Globals {
    /// The data folder [default: $XDG_DATA_HOME/freehold or ~/.local/share/freehold]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The settings file [default: freehold.toml in the data folder, where there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print JSON, one document (or one object a line for streams); errors, too, on standard error
    #[arg(long, global = true)]
    json: bool,
}

impl Globals {
    /// The settings that the command line, the environment and the file give.
    fn load(&self, flags: Vec<Flag>) -> Result<Loaded, FreeholdError> {
        let data = self.data.as_ref().map(|dir| Flag::text("data.dir", "--data", dir.to_string_lossy()));
        Sources::of_process(self.config.clone(), data.into_iter().chain(flags).collect()).load()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the door: serve the models, keep the records
    #[command(after_help = examples::SERVE)]
    Serve(serve::Serve),
    /// Ask a question and read the answer as it is written
    #[command(after_help = examples::ASK)]
    Ask(ask::Ask),
    /// Check this machine and the data folder; say what is missing and how to mend it
    #[command(after_help = examples::DOCTOR)]
    Doctor(doctor::Doctor),
    /// Show or check the settings
    #[command(after_help = examples::CONFIG)]
    Config(config::ConfigArguments),
    /// Model files: list, pull, verify, remove, import
    #[command(after_help = examples::MODELS)]
    Models(models::Models),
    /// People: list, show, add, update, remove
    #[command(after_help = examples::PEOPLE)]
    People(people::People),
    /// Groups and who is in them
    #[command(after_help = examples::GROUPS)]
    Groups(groups::Groups),
    /// Services: applications and agents with keys of their own
    #[command(after_help = examples::SERVICES)]
    Services(services::Services),
    /// API keys: create, list, revoke
    #[command(after_help = examples::KEYS)]
    Keys(keys::Keys),
    /// The record of every exchange
    #[command(after_help = examples::TRACES)]
    Traces(traces::Traces),
    /// Where documents come from: list, show, add, read again
    #[command(after_help = examples::SOURCES)]
    Sources(sources::Sources),
    /// Look something up, in any language, among what you may read
    #[command(after_help = examples::SEARCH)]
    Search(search::Search),
    /// How far documents are findable; make the index again
    #[command(after_help = examples::INDEX)]
    Index(index::Index),
    /// May this person do this, and why?
    #[command(after_help = examples::CAN)]
    Can(can::Can),
    /// Who asked for what and why it was allowed or not; past decisions given again
    #[command(after_help = examples::AUDIT)]
    Audit(audit::Audit),
    /// The open tables: what is in them, their upkeep, their verification
    #[command(after_help = examples::LAKE)]
    Lake(lake::Lake),
    /// Copy records and rights, as of one moment, into a folder
    #[command(after_help = examples::BACKUP)]
    Backup(backup::Backup),
    /// Put a backup into a new data folder
    #[command(after_help = examples::RESTORE)]
    Restore(backup::Restore),
    /// Let somebody read what lists do not allow: with a reason, a second person, an expiry, and notice to the owner
    #[command(after_help = examples::BREAK_GLASS)]
    BreakGlass(break_glass::BreakGlass),
    /// Erase a person or an outside customer for good
    #[command(after_help = examples::ERASURES)]
    Erasures(erasures::Erasures),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions(completions::Completions),
    /// The inference process of one model; `serve` starts it
    #[command(hide = true)]
    Engine(engine::Engine),
    /// The process that reads files; `serve` starts it
    #[command(hide = true)]
    Parse(parse::Parse),
}

/// Runs the command and turns its end into an exit code. Wrong arguments exit with 2, as clap does.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cli.globals.json;
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error(&error, json);
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<(), FreeholdError> {
    let globals = cli.globals;
    match cli.command {
        Command::Serve(command) => command.run(&globals),
        Command::Ask(command) => block_on(command.run(&globals)),
        Command::Doctor(command) => command.run(&globals),
        Command::Config(command) => command.run(&globals),
        Command::Models(command) => block_on(command.run(&globals)),
        Command::People(command) => block_on(command.run(&globals)),
        Command::Groups(command) => block_on(command.run(&globals)),
        Command::Services(command) => block_on(command.run(&globals)),
        Command::Keys(command) => block_on(command.run(&globals)),
        Command::Traces(command) => block_on(command.run(&globals)),
        Command::Sources(command) => block_on(command.run(&globals)),
        Command::Search(command) => block_on(command.run(&globals)),
        Command::Index(command) => block_on(command.run(&globals)),
        Command::Can(command) => block_on(command.run(&globals)),
        Command::Audit(command) => block_on(command.run(&globals)),
        Command::Lake(command) => block_on(command.run(&globals)),
        Command::Backup(command) => block_on(command.run(&globals)),
        Command::Restore(command) => block_on(command.run(&globals)),
        Command::BreakGlass(command) => block_on(command.run(&globals)),
        Command::Erasures(command) => block_on(command.run(&globals)),
        Command::Completions(command) => command.run(),
        Command::Engine(command) => command.run(),
        Command::Parse(command) => command.run(),
    }
}

/// Commands that only talk need one thread.
fn block_on(command: impl Future<Output = Result<(), FreeholdError>>) -> Result<(), FreeholdError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime
        .map_err(|error| FreeholdError::Failed {
            problem: format!("the system gave no event loop: {error}"),
            mend: "raise the limit of open files (`ulimit -n`)".to_owned(),
        })?
        .block_on(command)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 22] = [
        "serve",
        "ask",
        "doctor",
        "config",
        "show",
        "models",
        "pull",
        "people",
        "add",
        "keys",
        "create",
        "traces",
        "--data",
        "--json",
        "--help",
        "--person",
        "--role",
        "--limit",
        "--max-tokens",
        "--url",
        "--",
        "-1",
    ];

    proptest! {
        #[test]
        fn any_arguments_are_a_command_or_an_error_that_says_what_is_right(
            words in prop::collection::vec(
                prop_oneof![prop::sample::select(&WORDS[..]).prop_map(str::to_owned), "\\PC{0,8}"], 0..6),
        ) {
            if let Err(error) = Cli::try_parse_from(std::iter::once("freehold".to_owned()).chain(words)) {
                let text = error.to_string();
                prop_assert!(text.contains("help") || text.contains("Usage") || text.contains("freehold "), "{text}");
            }
        }
    }
}
