//! Blocking work that ends soon after nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::WeightsError;

/// Tells blocking work whether to go on.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// An error once the pull was dropped; nobody is left to read it.
    pub(super) fn check(&self) -> Result<(), WeightsError> {
        if self.0.load(Ordering::Relaxed) { Err(WeightsError::invalid("the pull was given up")) } else { Ok(()) }
    }
}

/// Stops the work when it goes out of scope, which a dropped future makes it do.
#[derive(Debug, Default)]
pub(super) struct StopOnDrop(Stop);

impl StopOnDrop {
    pub(super) fn stop(&self) -> Stop {
        self.0.clone()
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs work that waits for disks or computes, away from the tasks that answer people.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WeightsError> + Send + 'static,
) -> Result<T, WeightsError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(cause) => Err(WeightsError::invalid(format!("the work was cut off ({cause}): try again"))),
    }
}
