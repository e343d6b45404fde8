//! What an operator watches: counters by model, upstreams and engines as they stand now. No people in it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use models::{UpstreamSnapshot, UpstreamState};
use tokio::time::timeout;
use wire::engine::EngineStats;

use crate::app::App;
use crate::counters::ModelCounters;

/// An engine that is busy loading must not hold up the one who watches it.
const ENGINE_PATIENCE: Duration = Duration::from_secs(1);

/// What an operator watches.
#[derive(Debug, Clone)]
pub struct Gauges {
    /// Counters by model.
    pub models: BTreeMap<String, ModelCounters>,
    /// Upstreams by name.
    pub upstreams: Vec<UpstreamGauges>,
}

/// One upstream as it stands now.
#[derive(Debug, Clone)]
pub struct UpstreamGauges {
    /// Its state and counters.
    pub snapshot: UpstreamSnapshot,
    /// What its engine says, where it is an embedded one that answers.
    pub engine: Option<EngineStats>,
}

impl UpstreamGauges {
    /// Whether it takes requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.snapshot.state == UpstreamState::Ready
    }
}

/// What an operator watches, now.
pub async fn gauges(app: &App) -> Gauges {
    let upstreams = join_all(app.models.snapshots().into_iter().map(|snapshot| async {
        let engine = stats(app, &snapshot).await;
        UpstreamGauges { snapshot, engine }
    }));
    Gauges { models: app.counters.snapshot(), upstreams: upstreams.await }
}

async fn stats(app: &App, snapshot: &UpstreamSnapshot) -> Option<EngineStats> {
    let engine = app.models.engine(&snapshot.name).ok().filter(|_| snapshot.state == UpstreamState::Ready)?;
    timeout(ENGINE_PATIENCE, engine.stats()).await.ok()?.ok()
}
