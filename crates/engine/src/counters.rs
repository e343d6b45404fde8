//! Counters and gauges of the model thread, read by `/stats` and by the bound of the queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use wire::engine::EngineStats;

/// One number that one thread writes and others read.
#[derive(Debug, Default)]
pub(crate) struct Number(AtomicU64);

impl Number {
    pub(crate) fn add(&self, amount: usize) {
        self.0.fetch_add(as_u64(amount), Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, amount: usize) {
        self.0.fetch_sub(as_u64(amount), Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: usize) {
        self.0.store(as_u64(value), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds `amount` unless the sum would exceed `limit`; then the present value is the error.
    pub(crate) fn add_within(&self, amount: usize, limit: usize) -> Result<(), u64> {
        let (amount, limit) = (as_u64(amount), as_u64(limit));
        let fits = |value: u64| (value + amount <= limit).then_some(value + amount);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map(|_| ())
    }
}

fn as_u64(amount: usize) -> u64 {
    u64::try_from(amount).unwrap_or(u64::MAX)
}

/// All numbers of one engine.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) running: Number,
    pub(crate) waiting: Number,
    pub(crate) kv_used: Number,
    pub(crate) kv_total: Number,
    pub(crate) prompt_tokens: Number,
    pub(crate) generated_tokens: Number,
    pub(crate) cache_hit_tokens: Number,
    pub(crate) steps: Number,
    pub(crate) finished: Number,
    pub(crate) cancelled: Number,
    pub(crate) refused: Number,
    mean_duration_ms: Number,
}

impl Counters {
    /// Takes a request's duration into a moving mean.
    pub(crate) fn record_duration(&self, duration: Duration) {
        let latest = usize::try_from(duration.as_millis()).unwrap_or(usize::MAX);
        let mean = usize::try_from(self.mean_duration_ms.get()).unwrap_or(0);
        self.mean_duration_ms.set(if mean == 0 { latest } else { (mean * 7 + latest) / 8 });
    }

    /// When a refused client may find room again: when a slot's share of the queue is done, in seconds.
    pub(crate) fn retry_after_seconds(&self, slots: usize) -> u64 {
        let rounds = self.waiting.get() / as_u64(slots.max(1)) + 1;
        (rounds * self.mean_duration_ms.get()).div_ceil(1000).clamp(1, 60)
    }

    pub(crate) fn stats(&self) -> EngineStats {
        let small = |number: &Number| u32::try_from(number.get()).unwrap_or(u32::MAX);
        EngineStats {
            running: small(&self.running),
            waiting: small(&self.waiting),
            kv_tokens_used: self.kv_used.get(),
            kv_tokens_total: self.kv_total.get(),
            prompt_tokens: self.prompt_tokens.get(),
            generated_tokens: self.generated_tokens.get(),
            cache_hit_tokens: self.cache_hit_tokens.get(),
            steps: self.steps.get(),
            finished: self.finished.get(),
            cancelled: self.cancelled.get(),
            refused: self.refused.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_exact() {
        let number = Number::default();
        assert_eq!(number.add_within(3, 4), Ok(()));
        assert_eq!(number.add_within(2, 4), Err(3));
        assert_eq!(number.add_within(1, 4), Ok(()));
    }

    #[test]
    fn waiting_longer_means_coming_back_later() {
        let counters = Counters::default();
        assert_eq!(counters.retry_after_seconds(2), 1);
        counters.record_duration(Duration::from_secs(4));
        counters.waiting.add(4);
        assert_eq!(counters.retry_after_seconds(2), 12);
        counters.waiting.add(400);
        assert_eq!(counters.retry_after_seconds(2), 60);
    }
}
