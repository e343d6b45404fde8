//! `freehold index`.

use clap::{Args, Subcommand};
use reqwest::Method;

use super::Globals;
use super::door::{Need, Remote};
use super::listing;
use crate::error::FreeholdError;

const PATH: &str = "/api/v1/index";

#[derive(Debug, Args)]
pub(super) struct Index {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Say how far documents are findable, and what could not be made so
    Status,
    /// Make the index again from the records, in the background
    Rebuild,
}

impl Index {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let at = (globals, &self.remote);
        match self.verb {
            Verb::Status => listing::show(at, Need::SetUp, Method::GET, PATH, None).await,
            Verb::Rebuild => listing::show(at, Need::SetUp, Method::POST, &format!("{PATH}/rebuild"), None).await,
        }
    }
}
