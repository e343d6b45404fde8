//! `freehold traces export`: one's traces as a file that other programs read.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use lake::TraceExport;
use reqwest::Method;
use serde_json::Value;

use super::door::{Door, Need, Remote};
use super::listing::segment;
use super::{Globals, output};
use crate::error::FreeholdError;

const PAGE: u32 = 1_000;

#[derive(Debug, Args)]
pub(super) struct Export {
    /// The file to make; its ending says the format: .parquet, or .jsonl with one trace a line
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The format, where the ending does not say it
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only those of this task or model
    #[arg(long)]
    task: Option<String>,
    /// Only those received at this moment or later: 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those received before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Parquet,
    Jsonl,
}

/// The file in the making.
enum Sink {
    Parquet(Box<TraceExport>),
    Lines(BufWriter<File>),
}

impl Export {
    pub(super) async fn run(&self, globals: &Globals, remote: &Remote) -> Result<(), FreeholdError> {
        let format = self.format.or_else(|| format_of(&self.output)).ok_or_else(|| {
            let problem = format!("{} does not say which format it is to have", self.output.display());
            FreeholdError::usage(problem, "end it with .parquet or .jsonl, or add --format")
        })?;
        if self.output.exists() {
            let problem = format!("{} is there already", self.output.display());
            return Err(FreeholdError::usage(problem, "name a file that does not exist yet"));
        }
        // Half a file must not look whole.
        let part = self.output.with_added_extension("part");
        let door = Door::open(globals, remote, Need::SetUp).await?;
        let written = self.write(&door, &part, format).await;
        door.close().await;
        let renamed = written.and_then(|number| {
            fs::rename(&part, &self.output).map_err(|error| failed(&self.output, error)).map(|()| number)
        });
        let number = renamed.inspect_err(|_| forget(&part))?;
        output::remark(&format!("{number} traces are in {}", self.output.display()));
        Ok(())
    }

    async fn write(&self, door: &Door, part: &Path, format: Format) -> Result<usize, FreeholdError> {
        forget(part);
        let mut sink = Sink::create(part, format)?;
        let (mut number, mut after) = (0, None);
        loop {
            let page = door.call(Method::GET, &self.query(after.as_deref()), None).await?;
            let traces = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            sink.add(part, traces)?;
            number += traces.len();
            after = traces.last().map(|trace| output::cell(&trace["id"]));
            if page["has_more"] != true || after.is_none() {
                return sink.finish(part).map(|()| number);
            }
        }
    }

    fn query(&self, after: Option<&str>) -> String {
        let given = [
            ("task", self.task.as_deref()),
            ("since", self.since.as_deref()),
            ("until", self.until.as_deref()),
            ("after", after),
        ];
        let parameters = given.into_iter().filter_map(|(name, value)| Some(format!("&{name}={}", segment(value?))));
        format!("/api/v1/traces?limit={PAGE}{}", parameters.collect::<String>())
    }
}

impl Sink {
    fn create(path: &Path, format: Format) -> Result<Self, FreeholdError> {
        match format {
            Format::Parquet => {
                let export = TraceExport::create(path).map_err(|error| failed(path, error))?;
                Ok(Self::Parquet(Box::new(export)))
            }
            Format::Jsonl => {
                let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
                Ok(Self::Lines(BufWriter::new(file.map_err(|error| failed(path, error))?)))
            }
        }
    }

    fn add(&mut self, path: &Path, traces: &[Value]) -> Result<(), FreeholdError> {
        match self {
            Self::Parquet(export) => export.add(traces).map_err(|error| failed(path, error)),
            Self::Lines(file) => {
                let mut lines = traces.iter().map(|trace| writeln!(file, "{trace}"));
                lines.try_for_each(|line| line.map_err(|error| failed(path, error)))
            }
        }
    }

    fn finish(self, path: &Path) -> Result<(), FreeholdError> {
        match self {
            Self::Parquet(export) => export.finish().map_err(|error| failed(path, error)),
            Self::Lines(file) => {
                let file = file.into_inner().map_err(|error| failed(path, error.into_error()))?;
                file.sync_all().map_err(|error| failed(path, error))
            }
        }
    }
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "parquet" => Some(Format::Parquet),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        _ => None,
    }
}

fn failed(path: &Path, error: impl std::fmt::Display) -> FreeholdError {
    FreeholdError::Failed {
        problem: format!("{} cannot be written: {error}", path.display()),
        mend: "name a file that does not exist yet, in a folder that this user may write, with room on its disk"
            .to_owned(),
    }
}

/// What an attempt that failed left behind; nothing there is fine.
fn forget(part: &Path) {
    let _ = fs::remove_file(part);
}
