//! `freehold engine`: the inference process of one model. `serve` starts it, and it ends when its standard input does.

use std::path::PathBuf;

use clap::Args;
use engine::EngineOptions;

use crate::error::FreeholdError;

#[derive(Debug, Args)]
pub(super) struct Engine {
    /// The GGUF file
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Embed instead of generating
    #[arg(long)]
    embeddings: bool,
    /// How many requests to answer at once
    #[arg(long, value_name = "N")]
    slots: Option<u32>,
    /// Context of a request in tokens
    #[arg(long, value_name = "N")]
    context: Option<u32>,
    /// Threads that compute
    #[arg(long, value_name = "N")]
    threads: Option<u32>,
    /// Written before each query that is embedded
    #[arg(long, value_name = "TEXT")]
    query_prefix: Option<String>,
    /// Written before each passage that is embedded
    #[arg(long, value_name = "TEXT")]
    passage_prefix: Option<String>,
}

impl Engine {
    pub(super) fn run(self) -> Result<(), FreeholdError> {
        crate::serve::log_to_parent();
        let options = EngineOptions {
            embeddings: self.embeddings,
            slots: self.slots,
            context: self.context,
            threads: self.threads,
            query_prefix: self.query_prefix,
            passage_prefix: self.passage_prefix,
            ..EngineOptions::new(self.model, self.socket)
        };
        Ok(engine::run(options)?)
    }
}
