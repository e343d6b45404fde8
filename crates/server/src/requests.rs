//! Counters of the door: requests by route and status. Labels are patterns of the route table and status codes, so
//! their number is bounded and nobody is in them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What is told apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RequestLabel {
    /// `GET`, `POST`, ...; `other` for a method that no route has.
    pub(crate) method: &'static str,
    /// The pattern in the route table, or `unmatched`.
    pub(crate) route: String,
    /// The HTTP status.
    pub(crate) status: u16,
}

/// How many requests were answered, by label.
#[derive(Debug, Default)]
pub(crate) struct RequestCounters(Mutex<BTreeMap<RequestLabel, u64>>);

impl RequestCounters {
    /// One more.
    pub(crate) fn count(&self, label: RequestLabel) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(label).or_default() += 1;
    }

    /// Everything so far.
    pub(crate) fn snapshot(&self) -> BTreeMap<RequestLabel, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
