//! What goes on behind the door: what is hot rolls into the open tables, small files are joined, and what is older than
//! its task allows goes. The index follows the documents.

use std::sync::Arc;
use std::time::Duration;

use app::App;
use app::lake::{self, Tidied};
use store::Swept;

/// How long a record waits at most before other programs can read it in the open tables.
const ROLL: Duration = Duration::from_secs(60);
const TIDY: Duration = Duration::from_secs(3_600);

/// Runs until it is dropped.
pub(super) async fn upkeep(app: Arc<App>) {
    tokio::join!(roll(&app), tidy(&app), app::index::follow(app.clone()), app::sync::follow(app.clone()));
}

async fn roll(app: &App) {
    let mut every = tokio::time::interval(ROLL);
    loop {
        every.tick().await;
        match lake::roll(app).await {
            Ok(Tidied { traces, feedback, decisions, known, .. }) if traces + feedback + decisions + known > 0 => {
                tracing::info!(traces, feedback, decisions, known, "rolled into the open tables");
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "records could not roll into the open tables: they stay in the state")
            }
        }
    }
}

async fn tidy(app: &App) {
    let mut every = tokio::time::interval(TIDY);
    loop {
        every.tick().await;
        match app.store.sweep_retention(app.settings.get().retention_rules(), app.now()).await {
            Ok(Swept { traces, responses, conversations, .. }) if traces + responses + conversations > 0 => {
                tracing::info!(traces, responses, conversations, "removed what was kept long enough");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "what was kept long enough could not be removed"),
        }
        if let Err(error) = lake::upkeep(app).await {
            tracing::error!(%error, "the files of the open tables could not be joined");
        }
    }
}
