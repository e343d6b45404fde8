//! Fetching weights, for `serve` and `models pull`: announced with its size, with a bar on a terminal and a line in the
//! log now and then elsewhere.

use std::sync::{Arc, Mutex, PoisonError};

use domain::Clock;
use indicatif::ProgressBar;
use weights::pull::OnProgress;
use weights::{Installed, ModelFolder, Network, Progress, Stage, http_client};

use crate::cli::progress;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::error::FreeholdError;

/// What may be used of the network.
///
/// # Errors
/// Where no HTTPS can be prepared.
pub(crate) fn network(config: &Config) -> Result<Network, FreeholdError> {
    if config.offline {
        return Ok(Network::Offline);
    }
    crate::serve::install_crypto();
    let (index_url, hub_url) = (config.models.index_url.clone(), config.models.hub_url.clone());
    Ok(Network::Online { client: http_client()?, index_url, hub_url })
}

/// Makes sure that a model is installed; what is missing is fetched. `tell` hears how far it is.
///
/// # Errors
/// Those of [`ModelFolder::pull`].
pub(crate) async fn pull(
    folder: &ModelFolder,
    name: &str,
    network: &Network,
    tell: impl Fn(&Progress) + Send + Sync + 'static,
) -> Result<Installed, FreeholdError> {
    announce(folder, name);
    let shown = Arc::new(Shown::new(name));
    let listener = shown.clone();
    let on_progress: OnProgress = Arc::new(move |progress| {
        listener.show(&progress);
        tell(&progress);
    });
    let installed = folder.pull(name, network, SystemClock.now(), on_progress).await;
    shown.end();
    Ok(installed?)
}

fn announce(folder: &ModelFolder, name: &str) {
    let Ok(model) = folder.show(name) else { return };
    if let (Some(entry), None) = (model.entry, model.installed) {
        let megabytes = entry.bytes.div_ceil(1_000_000);
        let place = folder.path().display();
        tracing::info!(model = name, megabytes, licence = %entry.licence, %place, "fetching weights");
    }
}

/// A bar on a terminal; else a line in the log for every tenth.
struct Shown {
    name: String,
    now: Mutex<Now>,
}

struct Now {
    bar: Option<ProgressBar>,
    stage: Option<Stage>,
    part: usize,
    tenth: u32,
}

impl Shown {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), now: Mutex::new(Now { bar: None, stage: None, part: 0, tenth: 0 }) }
    }

    fn show(&self, progress: &Progress) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if (now.stage, now.part) != (Some(progress.stage), progress.part) {
            if now.stage != Some(progress.stage) {
                now.tenth = 0;
            }
            (now.stage, now.part) = (Some(progress.stage), progress.part);
            if let Some(bar) = now.bar.replace(progress::bytes(&self.label(progress), progress.bytes_total)) {
                bar.finish_and_clear();
            }
        }
        if let Some(bar) = &now.bar {
            bar.set_position(progress.bytes_done);
        }
        let tenth = (progress.fraction() * 10.0) as u32;
        if tenth > now.tenth && now.bar.as_ref().is_some_and(ProgressBar::is_hidden) {
            now.tenth = tenth;
            tracing::info!(model = self.name, stage = verb(progress.stage), percent = tenth * 10, "weights");
        }
    }

    fn label(&self, progress: &Progress) -> String {
        let of = if progress.parts > 1 { format!(" {}/{}", progress.part, progress.parts) } else { String::new() };
        format!("{} {}{of}", verb(progress.stage), self.name)
    }

    fn end(&self) {
        if let Some(bar) = self.now.lock().unwrap_or_else(PoisonError::into_inner).bar.take() {
            bar.finish_and_clear();
        }
    }
}

const fn verb(stage: Stage) -> &'static str {
    match stage {
        Stage::Locating => "locating",
        Stage::Fetching => "fetching",
        Stage::Extracting => "extracting",
        Stage::Verifying => "verifying",
        Stage::Converting => "converting",
    }
}
