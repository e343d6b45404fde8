//! `freehold search`.

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::door::{Need, Remote};
use super::listing::call;
use super::{Globals, output};
use crate::error::FreeholdError;

/// How much of a passage is shown on a terminal, characters.
const SHOWN: usize = 300;

#[derive(Debug, Args)]
pub(super) struct Search {
    #[command(flatten)]
    remote: Remote,
    /// What to look for, in any language
    query: String,
    /// How many passages at most
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    limit: u32,
    /// Only from this source, by name or id; may be repeated
    #[arg(long = "source", value_name = "SOURCE")]
    sources: Vec<String>,
}

impl Search {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let mut body = json!({"query": self.query, "limit": self.limit});
        if !self.sources.is_empty() {
            body["sources"] = json!(self.sources);
        }
        let at = (globals, &self.remote);
        let found = call(at, Need::SetUp, Method::POST, "/api/v1/search", Some(&body)).await?;
        if globals.json {
            output::document(&found);
            return Ok(());
        }
        let passages = found["passages"].as_array().map(Vec::as_slice).unwrap_or_default();
        for (number, passage) in (1..).zip(passages) {
            show(number, passage);
        }
        if passages.is_empty() {
            output::remark("nothing was found that you may read");
        }
        Ok(())
    }
}

fn show(number: usize, passage: &Value) {
    let text = |field: &str| passage[field].as_str().unwrap_or_default();
    let place = if text("url").is_empty() { text("external_id") } else { text("url") };
    output::line(&format!("{number}. {} ({place}, {})", text("title"), text("document")));
    let words: Vec<&str> = text("text").split_whitespace().collect();
    let words = words.join(" ");
    let shown: String = words.chars().take(SHOWN).collect();
    let more = if shown.len() < words.len() { " ..." } else { "" };
    output::line(&format!("   {shown}{more}"));
}
