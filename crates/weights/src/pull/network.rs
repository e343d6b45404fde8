//! What a pull may use of the network, and where it looks: the configured addresses first, then those of the
//! environment, then pip's own.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::WeightsError;

const PIP_TIMEOUT: Duration = Duration::from_secs(30);

/// What a pull may use of the network.
#[derive(Debug, Clone)]
pub enum Network {
    /// Nothing at all: only files on this machine.
    Offline,
    /// The network, through this client.
    Online {
        /// Sends the requests; [`crate::http_client`] makes one.
        client: reqwest::Client,
        /// Base address of a simple package index; else that of the environment or of pip.
        index_url: Option<String>,
        /// Base address of a model hub; else that of the environment; else hub sources are passed over.
        hub_url: Option<String>,
    },
}

impl Network {
    /// The client, where the network may be used.
    pub(super) fn client(&self, what: &str) -> Result<&reqwest::Client, WeightsError> {
        match self {
            Self::Offline => Err(WeightsError::Offline { what: what.to_owned() }),
            Self::Online { client, .. } => Ok(client),
        }
    }

    /// Base address of the model hub.
    pub(super) fn hub_base(&self) -> Result<String, WeightsError> {
        let configured = match self {
            Self::Offline => return Err(WeightsError::Offline { what: "a model hub".to_owned() }),
            Self::Online { hub_url, .. } => hub_url.clone(),
        };
        configured
            .or_else(|| variable("HF_ENDPOINT"))
            .map(|base| base.trim_end_matches('/').to_owned())
            .ok_or_else(|| WeightsError::invalid("no model hub is configured (models.hub_url or HF_ENDPOINT)"))
    }

    /// Base address of the package index.
    pub(super) async fn index_base(&self) -> Result<String, WeightsError> {
        let configured = match self {
            Self::Offline => return Err(WeightsError::Offline { what: "a package index".to_owned() }),
            Self::Online { index_url, .. } => index_url.clone(),
        };
        let environment = || ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].into_iter().find_map(variable);
        let base = match configured.or_else(environment) {
            Some(base) => Some(base),
            None => pips_index().await,
        };
        base.map(|base| base.trim_end_matches('/').to_owned()).ok_or_else(|| {
            WeightsError::invalid(
                "no package index is known: set models.index_url, set PIP_INDEX_URL, or install Python's pip, which knows one",
            )
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What pip is configured to use, else what it uses unconfigured.
async fn pips_index() -> Option<String> {
    const BUILT_IN: &str = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
    match python(&["-m", "pip", "config", "get", "global.index-url"]).await {
        Some(configured) => Some(configured),
        None => python(&["-c", BUILT_IN]).await,
    }
}

/// The one line that Python prints, if it is an address.
async fn python(arguments: &[&str]) -> Option<String> {
    let output = Command::new("python3").args(arguments).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(PIP_TIMEOUT, output).await.ok()?.ok()?;
    let line = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && line.starts_with("http")).then_some(line)
}
