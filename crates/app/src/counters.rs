//! Operational counters: requests, tokens, latency and cost by model, open to whoever operates (docs/access.md, rule 10).
//! Labels are names of models that exist here and closed words, so their number is bounded and nobody is in them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::{Outcome, TokenCounts, Trace};

/// Upper bounds of the latency buckets, seconds; vLLM's, so that its dashboards fit.
pub const LATENCY_BOUNDS_SECONDS: [f64; 16] =
    [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A cumulative histogram over [`LATENCY_BOUNDS_SECONDS`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Histogram {
    /// How many values were at most the bound of the same index.
    pub buckets: [u64; LATENCY_BOUNDS_SECONDS.len()],
    /// How many values in all.
    pub count: u64,
    /// Their sum, seconds.
    pub sum_seconds: f64,
}

impl Histogram {
    fn add(&mut self, seconds: f64) {
        self.count += 1;
        self.sum_seconds += seconds;
        for (bucket, bound) in self.buckets.iter_mut().zip(LATENCY_BOUNDS_SECONDS) {
            *bucket += u64::from(seconds <= bound);
        }
    }
}

/// What is counted for one model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ModelCounters {
    /// Requests by outcome (`answered`, `refused`, `failed`).
    pub requests: BTreeMap<&'static str, u64>,
    /// Tokens in all.
    pub tokens: TokenCounts,
    /// Cost in all, millionths of a US dollar.
    pub cost_micro_usd: u64,
    /// From receipt to the last byte.
    pub total: Histogram,
    /// From receipt to the first token of an answer.
    pub first_token: Histogram,
}

/// The counters of one process.
#[derive(Debug, Default)]
pub struct Counters {
    models: Mutex<BTreeMap<String, ModelCounters>>,
    running: AtomicI64,
}

impl Counters {
    /// A request came in.
    pub fn start(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    /// An exchange ended.
    pub fn count(&self, trace: &Trace) {
        self.running.fetch_sub(1, Ordering::Relaxed);
        let mut models = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        let name = trace.model.as_deref().unwrap_or("none");
        if !models.contains_key(name) {
            models.insert(name.to_owned(), ModelCounters::default());
        }
        if let Some(model) = models.get_mut(name) {
            model.add(trace);
        }
    }

    /// Requests that are being answered now.
    #[must_use]
    pub fn running(&self) -> i64 {
        self.running.load(Ordering::Relaxed)
    }

    /// Everything by model name; `none` stands for requests that reached no model.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, ModelCounters> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ModelCounters {
    fn add(&mut self, trace: &Trace) {
        *self.requests.entry(trace.outcome.as_str()).or_default() += 1;
        self.tokens.prompt += trace.tokens.prompt;
        self.tokens.cached += trace.tokens.cached;
        self.tokens.completion += trace.tokens.completion;
        self.cost_micro_usd = self.cost_micro_usd.saturating_add(trace.cost_micro_usd);
        for stage in &trace.stages {
            match stage.name.as_str() {
                "total" if trace.outcome == Outcome::Answered => self.total.add(stage.ms / 1e3),
                "first_token" => self.first_token.add(stage.ms / 1e3),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_cumulative() {
        let mut histogram = Histogram::default();
        for seconds in [0.0005, 0.03, 100.0] {
            histogram.add(seconds);
        }
        assert_eq!(histogram.buckets[0], 1);
        assert_eq!(histogram.buckets[4], 2);
        assert_eq!(histogram.buckets[15], 2);
        assert_eq!(histogram.count, 3);
    }
}
