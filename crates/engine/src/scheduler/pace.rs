//! How many tokens a step may compute: so many that throughput is good, so few that no stream stalls for long.

use std::time::Duration;

/// A step's aim while answers are being written, in seconds: the longest pause a reader sees.
const WHILE_DECODING: f64 = 0.25;
/// A step's aim while only prompts are computed: bounds how late a cancellation is noticed.
const WHILE_PREFILLING: f64 = 1.0;
/// Steps of fewer tokens say nothing about the speed of prompts.
const MEANINGFUL: usize = 24;

/// The measured speed.
#[derive(Debug)]
pub(super) struct Pace {
    tokens_per_second: f64,
}

impl Default for Pace {
    fn default() -> Self {
        // A cautious first guess; the first chunk corrects it.
        Self { tokens_per_second: 256.0 }
    }
}

impl Pace {
    /// Most tokens of the next step.
    pub(super) fn budget(&self, decoding: bool, most: usize) -> usize {
        let (seconds, least) = if decoding { (WHILE_DECODING, 16) } else { (WHILE_PREFILLING, 64) };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped below")]
        let tokens = (self.tokens_per_second * seconds) as usize;
        tokens.max(least).min(most)
    }

    /// Learns from a step.
    pub(super) fn record(&mut self, tokens: usize, elapsed: Duration) {
        if tokens >= MEANINGFUL {
            #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
            let speed = tokens as f64 / elapsed.as_secs_f64().max(1e-6);
            self.tokens_per_second = 0.7 * self.tokens_per_second + 0.3 * speed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_model_gets_small_chunks_and_a_fast_one_large() {
        let mut pace = Pace::default();
        for _ in 0..30 {
            pace.record(64, Duration::from_millis(1600));
        }
        assert_eq!((pace.budget(true, 512), pace.budget(false, 512)), (16, 64));
        for _ in 0..30 {
            pace.record(512, Duration::from_millis(10));
        }
        assert_eq!((pace.budget(true, 512), pace.budget(false, 512)), (512, 512));
    }
}
