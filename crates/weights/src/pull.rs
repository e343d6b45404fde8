//! Pulling a model: its sources are tried in order, transfers resume, every byte is checked before it is installed.
//!
//! Work in progress lies in a folder of its own beside the models, so that dropping the future at any moment loses
//! nothing that arrived. Base addresses come from configuration only, never from this code.

mod assemble;
mod client;
mod download;
mod index;
mod install;
mod network;
mod page;
mod progress;
mod stop;
mod wheel;

use std::path::PathBuf;
use std::sync::Arc;

use domain::Timestamp;

pub use client::http_client;
pub use network::Network;
pub use progress::{Progress, Stage};

use stop::{Stop, StopOnDrop, blocking};

use crate::folder::{Installed, Lock, ModelFolder};
use crate::registry::Entry;
use crate::{SourceAddress, WeightsError, hash};

/// Hears how far a pull is.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// One pull on its way.
#[derive(Clone)]
pub(crate) struct Job {
    entry: Arc<Entry>,
    work: PathBuf,
    network: Network,
    progress: OnProgress,
    stop: Stop,
    /// Held by every task that writes, so that nobody else begins before the last of them is done.
    lock: Arc<Lock>,
}

impl ModelFolder {
    /// Pulls a model, unless it is installed and unchanged. The future may be dropped at any moment; the next pull goes on
    /// from there.
    ///
    /// # Errors
    /// [`WeightsError::Unknown`], [`WeightsError::Busy`] while another process pulls it, [`WeightsError::Offline`],
    /// [`WeightsError::Source`] when no source delivers, [`WeightsError::Checksum`] when a source delivers something else,
    /// [`WeightsError::DiskFull`], [`WeightsError::Storage`].
    pub async fn pull(
        &self,
        name: &str,
        network: &Network,
        now: Timestamp,
        progress: OnProgress,
    ) -> Result<Installed, WeightsError> {
        let (this, wanted) = (self.clone(), name.to_owned());
        let present = blocking(move || this.installed(&wanted)).await;
        match present {
            Err(WeightsError::NotInstalled { .. }) => {}
            // An altered or damaged model that can be fetched again is fetched again.
            Err(error) if self.registry().find(name).is_some() => {
                tracing::warn!(model = name, %error, "pulling it again")
            }
            other => return other,
        }
        let unknown = || WeightsError::Unknown { name: name.to_owned() };
        let entry = Arc::new(self.registry().find(name).ok_or_else(unknown)?.clone());
        let stop = StopOnDrop::default();
        let job = Job {
            entry,
            work: self.work_folder(name),
            network: network.clone(),
            progress,
            stop: stop.stop(),
            lock: Arc::new(self.lock(name)?),
        };
        if let Some(adopted) = job.adopt(self, now).await? {
            return Ok(adopted);
        }
        let place = job.fetch_any().await?;
        let installed = job.at_source(place).install(self, place, now).await?;
        // What other sources left behind is of no use any more.
        let _ = std::fs::remove_dir_all(&job.work);
        Ok(installed)
    }
}

impl Job {
    /// The same job in the work folder of one source: what one delivered in part is not lost when another is tried.
    fn at_source(&self, place: usize) -> Self {
        let source = self.entry.sources.get(place).map(|source| source.from.to_string());
        let folder: String = hash::text(&source.unwrap_or_default()).chars().take(16).collect();
        Self { work: self.work.join(folder), ..self.clone() }
    }

    /// Brings the entry's files into a work folder from the first source that delivers them, and says which it was.
    async fn fetch_any(&self) -> Result<usize, WeightsError> {
        let mut reasons = Vec::new();
        let mut altered = None;
        for (place, source) in self.entry.sources.iter().enumerate() {
            match self.at_source(place).fetch(&source.from).await {
                Ok(()) => return Ok(place),
                Err(error @ (WeightsError::DiskFull { .. } | WeightsError::Storage { .. })) => return Err(error),
                Err(error @ WeightsError::Checksum { .. }) => altered = altered.or(Some(error)),
                Err(WeightsError::Offline { .. }) => {}
                Err(error) => reasons.push(format!("{}: {error}", source.from)),
            }
        }
        let what = self.entry.name.clone();
        match altered {
            Some(error) => Err(error),
            None if reasons.is_empty() => Err(WeightsError::Offline { what }),
            None => Err(WeightsError::Source { what, reason: reasons.join("; ") }),
        }
    }

    async fn fetch(&self, source: &SourceAddress) -> Result<(), WeightsError> {
        self.begin()?;
        self.make_room()?;
        match source {
            SourceAddress::File(path) => self.copy_beside(path.clone()).await?,
            SourceAddress::Web(address) => self.download_beside(address).await?,
            SourceAddress::Hub { repository, file } => {
                let base = self.network.hub_base()?;
                self.download_beside(&format!("{base}/{repository}/resolve/main/{file}")).await?;
            }
            SourceAddress::Wheels { wheels, member, .. } => self.join_wheels(wheels, member).await?,
        }
        self.verify_files().await
    }

    fn report(&self, stage: Stage, bytes_done: u64, bytes_total: Option<u64>) {
        (self.progress)(Progress::new(stage, bytes_done, bytes_total));
    }
}
