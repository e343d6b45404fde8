//! Settings: one TOML file, overridden by the environment, overridden by flags. [`Settings`] are the raw keys with
//! where each comes from; [`Config`] is what the program runs on, checked. Nothing else reads settings.

mod definition;
mod file;
mod kind;
mod load;
mod settings;
mod show;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use models::UpstreamConfig;
use serde::Deserialize;

pub(crate) use load::{Flag, Loaded, Sources};
pub(crate) use show::{Shown, example, shown};

/// What the program runs on. Every field has its definition in `config/definition.rs`; a test holds the two together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Refuse every outbound call.
    pub(crate) offline: bool,
    /// The door.
    pub(crate) server: Server,
    /// The state.
    pub(crate) data: DataFolder,
    /// The models this machine serves by itself.
    pub(crate) models: Models,
    /// The server's own lines.
    pub(crate) log: Log,
    /// Outside servers.
    pub(crate) upstreams: Vec<UpstreamConfig>,
}

/// The door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) base_path: String,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) metrics_open: bool,
    pub(crate) body_limit_bytes: usize,
    header_timeout_seconds: u64,
    body_idle_timeout_seconds: u64,
    body_timeout_seconds: u64,
    shutdown_grace_seconds: u64,
}

impl Server {
    /// How long a client may take to send a request's head.
    pub(crate) const fn header_timeout(&self) -> Duration {
        Duration::from_secs(self.header_timeout_seconds)
    }

    /// How long a client may pause while it sends a request's body.
    pub(crate) const fn body_idle_timeout(&self) -> Duration {
        Duration::from_secs(self.body_idle_timeout_seconds)
    }

    /// How long a client may take to send a whole body.
    pub(crate) const fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds)
    }

    /// How long running replies may go on after a signal to stop.
    pub(crate) const fn shutdown_grace(&self) -> Duration {
        Duration::from_secs(self.shutdown_grace_seconds)
    }

    /// Whether browsers reach this door only over encrypted connections.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.tls().is_some() || self.public_url.as_ref().is_some_and(|url| url.starts_with("https://"))
    }

    /// The address by which people reach this door, without a slash at its end.
    pub(crate) fn address(&self) -> String {
        if let Some(url) = &self.public_url {
            return url.trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls().is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.listen, self.base_path)
    }

    /// Certificate and key, where TLS ends at this door.
    pub(crate) fn tls(&self) -> Option<(&PathBuf, &PathBuf)> {
        self.tls_cert.as_ref().zip(self.tls_key.as_ref())
    }
}

/// The state.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataFolder {
    pub(crate) dir: PathBuf,
    pub(crate) database_url: Option<String>,
}

/// The models this machine serves by itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Models {
    pub(crate) dir: PathBuf,
    pub(crate) chat: String,
    pub(crate) embedding: String,
    pub(crate) load: Vec<String>,
    pub(crate) slots: u32,
    pub(crate) context: Option<u32>,
    pub(crate) threads: Option<u32>,
    pub(crate) index_url: Option<String>,
    pub(crate) hub_url: Option<String>,
}

/// The server's own lines.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
