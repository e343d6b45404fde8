//! Context lengths that nobody configured are asked of the servers themselves, and again until they answer. Neither a
//! start nor a change waits for that.

use std::time::Duration;

use domain::ErrorKind;
use models::{ModelsError, UnknownLengths};

use crate::app::App;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Asks every upstream that is in place.
pub fn ask_all(app: &App) {
    app.models.snapshots().iter().for_each(|snapshot| ask(app, &snapshot.name));
}

/// Asks one, where something is not known.
pub(super) fn ask(app: &App, upstream: &str) {
    let Some(unknown) = app.models.unknown_lengths(upstream) else { return };
    let (closing, upstream) = (app.jobs.closing(), upstream.to_owned());
    app.tasks.spawn(async move {
        tokio::select! {
            () = closing.cancelled() => {}
            () = until_told(&unknown, &upstream) => {}
        }
    });
}

async fn until_told(unknown: &UnknownLengths, upstream: &str) {
    let mut pause = FIRST_PAUSE;
    while let Some(Err(error)) = unknown.ask().await {
        if !may_pass(&error) {
            tracing::debug!(upstream, %error, "an upstream does not say how long its contexts are");
            return;
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(2 * pause);
    }
}

/// A server that is down may come; one that says no, or may not be called, stays as it is.
fn may_pass(error: &ModelsError) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::RateLimited)
}
