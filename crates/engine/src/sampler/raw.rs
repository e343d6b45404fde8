//! Log-probabilities of the raw softmax, before bias, penalties, temperature and grammar.

use std::cmp::Ordering;

use super::exponential::{largest, total};
use crate::native::Token;

/// A token and its log-probability (natural logarithm).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Likely {
    pub(crate) token: Token,
    pub(crate) logprob: f32,
}

/// What is kept of a row: the likeliest tokens, and what turns a logit into a log-probability.
#[derive(Clone, Debug)]
pub(crate) struct RawLogprobs {
    log_total: f32,
    pub(crate) top: Vec<Likely>,
}

impl RawLogprobs {
    /// Keeps the `count` likeliest tokens, likeliest first.
    pub(crate) fn new(logits: &[f32], count: usize) -> Self {
        let log_total = log_total(logits);
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(count + 1);
        for (place, logit) in logits.iter().enumerate() {
            if best.len() == count && best.last().is_none_or(|last| *logit <= last.0) {
                continue;
            }
            let at = best.partition_point(|other| other.0.total_cmp(logit) != Ordering::Less);
            best.insert(at, (*logit, place));
            best.truncate(count);
        }
        let likely = |(logit, place): (f32, usize)| Likely {
            token: Token::try_from(place).unwrap_or(0),
            logprob: logit - log_total,
        };
        Self { log_total, top: best.into_iter().map(likely).collect() }
    }

    /// The log-probability of a raw logit of this row.
    pub(crate) fn of(&self, logit: f32) -> f32 {
        logit - self.log_total
    }
}

/// `ln(sum(e^logit))`.
fn log_total(logits: &[f32]) -> f32 {
    let most = largest(logits);
    #[expect(clippy::cast_possible_truncation, reason = "the result is a f32 like its inputs")]
    let log = total(logits, most).ln() as f32;
    most + log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_the_top_is_sorted() {
        let row: Vec<f32> = (0..1000).map(|place| ((place * 7919) % 1000) as f32 / 100.0).collect();
        let raw = RawLogprobs::new(&row, 5);
        let sum: f64 = row.iter().map(|logit| f64::from(raw.of(*logit)).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        let top: Vec<f32> = raw.top.iter().map(|likely| row[likely.token as usize]).collect();
        assert_eq!(top, [9.99, 9.98, 9.97, 9.96, 9.95]);
        assert!(RawLogprobs::new(&row, 0).top.is_empty());
    }
}
