//! Asks an engine how it is, over its socket.

use std::path::Path;
use std::time::Duration;

use wire::engine::{EngineProps, Health, HealthState};

/// How long an answer may take: the engine answers these without waiting for its model.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks one engine.
#[derive(Debug, Clone)]
pub(super) struct Probe {
    client: reqwest::Client,
}

/// What an engine said of itself.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Nothing: it does not listen yet, or no longer.
    Silent,
    /// It loads its model, 0 to 1.
    Loading(f32),
    /// It takes requests.
    Ready,
}

impl Probe {
    /// # Errors
    /// Where no HTTP client can be made.
    pub(super) fn new(socket: &Path) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().unix_socket(socket).timeout(PATIENCE).no_proxy().build()?;
        Ok(Self { client })
    }

    /// How it is.
    pub(super) async fn health(&self) -> Answer {
        let Ok(reply) = self.client.get("http://engine/health").send().await else { return Answer::Silent };
        let healthy = reply.status().is_success();
        match reply.json::<Health>().await {
            Ok(Health { state: HealthState::Ready, .. }) if healthy => Answer::Ready,
            Ok(Health { state: HealthState::Loading, progress }) => Answer::Loading(progress),
            _ => Answer::Silent,
        }
    }

    /// What it serves.
    ///
    /// # Errors
    /// Where it does not answer.
    pub(super) async fn props(&self) -> reqwest::Result<EngineProps> {
        self.client.get("http://engine/props").send().await?.error_for_status()?.json().await
    }
}
