//! The server's own lines, on standard error: for people or as JSON. Only our crates speak below warnings, and none of
//! them logs what was said; libraries would, at their lower levels.

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::panics;
use crate::config::{Log, LogFormat};

/// Our crates, and the engine child whose lines we pass on.
const OURS: [&str; 8] = ["access", "app", "engine", "freehold", "models", "server", "store", "weights"];

/// Starts the log of a server. Panics are lines in it.
pub(super) fn start(log: &Log) {
    panics::install();
    let level = log.level.parse().unwrap_or(Level::INFO);
    begin(level, log.format);
}

/// The log of a command: remarks for people, nothing but warnings where JSON is wanted.
pub(crate) fn to_terminal(json: bool) {
    begin(if json { Level::WARN } else { Level::INFO }, LogFormat::Text);
}

/// The log of an engine process: level and message, which its parent passes on with a time and a name.
pub(crate) fn to_parent() {
    panics::install();
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|target| (target, Level::INFO)));
    let layer = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let layer = layer.with_ansi(false).without_time().with_target(false);
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

fn begin(level: Level, format: LogFormat) {
    let filter = Targets::new().with_default(LevelFilter::WARN).with_targets(OURS.map(|target| (target, level)));
    // Where nobody reads the log any more its lines are lost; a complaint about that on standard error would panic.
    let writer = fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let layer = match format {
        LogFormat::Json => writer.json().flatten_event(true).with_current_span(false).boxed(),
        LogFormat::Text => {
            let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
            writer.with_ansi(colours).boxed()
        }
    };
    // Only a second log in one process could fail here, and the first then goes on.
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}
