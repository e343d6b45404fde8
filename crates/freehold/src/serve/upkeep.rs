//! What goes on behind the door: once an hour, what is older than its task allows goes.

use std::sync::Arc;
use std::time::Duration;

use app::App;
use store::Swept;

const INTERVAL: Duration = Duration::from_secs(3_600);

/// Runs until it is dropped.
pub(super) async fn upkeep(app: Arc<App>) {
    let mut every = tokio::time::interval(INTERVAL);
    loop {
        every.tick().await;
        match app.store.sweep_retention(app.settings.get().retention_rules(), app.now()).await {
            Ok(Swept { traces, responses, conversations, .. }) if traces + responses + conversations > 0 => {
                tracing::info!(traces, responses, conversations, "removed what was kept long enough");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "what was kept long enough could not be removed"),
        }
    }
}
