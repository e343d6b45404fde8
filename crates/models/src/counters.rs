//! What an upstream did so far: counters for `/metrics`, and a snapshot of them with its state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use wire::model::Locality;

use crate::ModelsError;
use crate::breaker::BreakerState;
use crate::config::CacheSeparation;
use crate::upstream::UpstreamState;

/// Counters of one upstream; they outlive a change of its configuration.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    cancelled: AtomicU64,
    bytes_sent: AtomicU64,
    bytes_received: AtomicU64,
    errors: Mutex<BTreeMap<&'static str, u64>>,
}

impl Counters {
    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.bytes_sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn error(&self, error: &ModelsError) {
        *self.errors.lock().unwrap_or_else(PoisonError::into_inner).entry(error.code()).or_default() += 1;
    }

    pub(crate) fn read(&self) -> Counts {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: load(&self.requests),
            retries: load(&self.retries),
            cancelled: load(&self.cancelled),
            bytes_sent: load(&self.bytes_sent),
            bytes_received: load(&self.bytes_received),
            errors: self.errors.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Counters of one upstream since the start.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Requests for it, whatever became of them.
    pub requests: u64,
    /// Requests sent once more.
    pub retries: u64,
    /// Requests whose client left before the end.
    pub cancelled: u64,
    /// Bytes of request bodies sent.
    pub bytes_sent: u64,
    /// Bytes of answer bodies received.
    pub bytes_received: u64,
    /// Requests that ended with an error, by code.
    pub errors: BTreeMap<&'static str, u64>,
}

/// An upstream at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpstreamSnapshot {
    /// Its name.
    pub name: String,
    /// The names of its models.
    pub models: Vec<String>,
    /// Whether words sent there leave the organisation.
    pub locality: Locality,
    /// Whether it may be called at all: local, or egress allowed, and not cut off by `--offline`.
    pub reachable: bool,
    /// How the caches of different callers are kept apart.
    pub cache_separation: CacheSeparation,
    /// What the supervisor says.
    pub state: UpstreamState,
    /// What its circuit breaker says.
    pub breaker: BreakerState,
    /// Requests in flight.
    pub running: usize,
    /// Requests that wait for a place.
    pub waiting: usize,
    /// Counters since the start.
    pub counts: Counts,
}
