//! [`Held`]: a place at an upstream and leave of its breaker. Whatever becomes of the exchange, both go back.

use std::sync::Arc;

use super::Upstream;
use crate::breaker::Pass;
use crate::dialect::failure::Failure;
use crate::error::{ModelsError, Unavailability};
use crate::queue::Place;

/// A place at an upstream, held until the exchange is over.
#[derive(Debug)]
pub(crate) struct Held {
    upstream: Arc<Upstream>,
    /// Goes back as soon as the exchange is over, however long its outcome is kept.
    place: Option<Place>,
    pass: Option<Pass>,
    over: bool,
}

impl Held {
    pub(super) const fn new(upstream: Arc<Upstream>, place: Place) -> Self {
        Self { upstream, place: Some(place), pass: None, over: false }
    }

    pub(crate) const fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Asks the breaker for leave to send.
    pub(super) fn ask_leave(&mut self) -> Result<(), ModelsError> {
        let admitted = self.upstream.breaker().admit(self.upstream.now_ms());
        self.pass = Some(admitted.map_err(|wait_ms| self.upstream.left_alone(wait_ms))?);
        Ok(())
    }

    /// The server lives: it sent something that is an answer.
    pub(crate) fn succeed(&mut self) {
        if let Some(pass) = self.pass {
            self.upstream.breaker().succeed(pass);
        }
    }

    /// An attempt failed.
    pub(super) fn fail(&mut self, blame: bool) {
        if let Some(pass) = self.pass.take() {
            let now_ms = self.upstream.now_ms();
            let mut breaker = self.upstream.breaker();
            if blame { breaker.fail(pass, now_ms) } else { breaker.forget(pass) }
        }
    }

    /// The exchange is over, well.
    pub(crate) fn close(&mut self) {
        self.over = true;
        self.place = None;
    }

    /// The exchange is over by a failure; what the caller is told.
    pub(crate) fn close_failed(&mut self, failure: Failure) -> ModelsError {
        self.fail(failure.blame);
        self.close();
        self.upstream.note_error(&failure.error);
        failure.error
    }
}

impl Drop for Held {
    /// The client left: nothing was learned about the upstream.
    fn drop(&mut self) {
        if !self.over {
            self.fail(false);
            self.upstream.counters.cancel();
        }
    }
}

impl Upstream {
    /// Waits for a place, in turn with other callers.
    pub(super) async fn enter(self: &Arc<Self>, caller: &str) -> Result<Held, ModelsError> {
        self.check_state()?;
        let wait_ms = self.breaker().wait_ms(self.now_ms());
        if wait_ms > 0 {
            return Err(self.left_alone(wait_ms));
        }
        let place = self.queue.enter(caller).await.map_err(|full| ModelsError::QueueFull {
            upstream: self.name().to_owned(),
            waiting: full.waiting,
            retry_after_seconds: full.retry_after_seconds,
        })?;
        Ok(Held::new(self.clone(), place))
    }

    fn left_alone(&self, wait_ms: u64) -> ModelsError {
        self.speaker().unavailable(Unavailability::BreakerOpen, Some(wait_ms.div_ceil(1000).max(1)))
    }

    /// Counts an error and tells the operator. No content: codes and our own words only.
    pub(super) fn note_error(&self, error: &ModelsError) {
        self.counters.error(error);
        match error {
            ModelsError::Rejected { code, .. } => tracing::debug!(upstream = self.name(), code, "request refused"),
            error => tracing::warn!(upstream = self.name(), code = error.code(), %error, "upstream did not answer"),
        }
    }
}
