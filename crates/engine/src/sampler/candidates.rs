//! Draws from a distribution cut by top-k, top-p and min-p without sorting the vocabulary.
//!
//! Only tokens above a threshold are collected and sorted; the threshold falls until what is needed is inside.

use super::SamplingOptions;
use super::exponential::{BLOCK, block_sum, largest, weigh};

/// How far the threshold falls when too few tokens were above it.
const FALL: f32 = 1.0 / 64.0;

/// Scratch space, kept from token to token.
#[derive(Default)]
pub(super) struct Candidates {
    weights: Vec<f32>,
    best: Vec<(f32, usize)>,
}

impl Candidates {
    /// The place of the token at `uniform` (0.0..1.0) of the cut distribution. The temperature is above 0.
    pub(super) fn draw(&mut self, logits: &[f32], options: &SamplingOptions, uniform: f64) -> usize {
        let total = weigh(logits, largest(logits), 1.0 / options.temperature, &mut self.weights);
        if options.top_k == 0 && options.top_p >= 1.0 && options.min_p <= 0.0 {
            return walk(&self.weights, uniform * total);
        }
        self.collect(options, total);
        self.cut(options, total);
        let kept: f64 = self.best.iter().map(|(weight, _)| f64::from(*weight)).sum();
        let mut rest = uniform * kept;
        for (weight, place) in &self.best {
            rest -= f64::from(*weight);
            if rest < 0.0 {
                return *place;
            }
        }
        self.best.last().map_or(0, |(_, place)| *place)
    }

    /// Gathers all tokens above a threshold low enough that the cuts fall inside. The largest weight is 1.
    fn collect(&mut self, options: &SamplingOptions, total: f64) {
        let mut threshold = FALL;
        loop {
            // Below min-p nothing is ever needed.
            let floor = threshold.max(options.min_p);
            self.best.clear();
            let above = self.weights.iter().enumerate().filter(|(_, weight)| **weight >= floor);
            self.best.extend(above.map(|(place, weight)| (*weight, place)));
            let mass: f64 = self.best.iter().map(|(weight, _)| f64::from(*weight)).sum();
            let enough_tokens = options.top_k > 0 && self.best.len() >= options.top_k;
            let enough_mass = options.top_p < 1.0 && mass >= f64::from(options.top_p) * total;
            if enough_tokens || enough_mass || threshold <= options.min_p || threshold == 0.0 {
                return;
            }
            threshold = if threshold > 1e-12 { threshold * FALL } else { 0.0 };
        }
    }

    /// Sorts what was gathered, likeliest first, and cuts it by top-k, then by top-p of what top-k left.
    fn cut(&mut self, options: &SamplingOptions, total: f64) {
        self.best.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut mass = total;
        if options.top_k > 0 {
            self.best.truncate(options.top_k);
            mass = self.best.iter().map(|(weight, _)| f64::from(*weight)).sum();
        }
        if options.top_p < 1.0 {
            let mut covered = 0.0;
            let wanted = f64::from(options.top_p) * mass;
            let needed = self.best.iter().position(|(weight, _)| {
                covered += f64::from(*weight);
                covered >= wanted
            });
            self.best.truncate(needed.map_or(self.best.len(), |place| place + 1));
        }
    }
}

/// The place where the running sum of all weights passes `rest`, block by block.
fn walk(weights: &[f32], mut rest: f64) -> usize {
    let mut last = 0;
    for (number, block) in weights.chunks(BLOCK).enumerate() {
        let mass = f64::from(block_sum(block));
        if rest >= mass {
            rest -= mass;
            continue;
        }
        for (place, weight) in block.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            last = number * BLOCK + place;
            rest -= f64::from(*weight);
            if rest < 0.0 {
                return last;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by sorting everything, in f64.
    fn naive(logits: &[f32], options: &SamplingOptions) -> Vec<usize> {
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut all: Vec<(f64, usize)> = logits
            .iter()
            .enumerate()
            .map(|(place, logit)| (f64::from((logit - most) / options.temperature).exp(), place))
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if options.top_k > 0 {
            all.truncate(options.top_k);
        }
        let mass: f64 = all.iter().map(|(weight, _)| weight).sum();
        let mut covered = 0.0;
        let mut kept = Vec::new();
        for (weight, place) in all {
            let covered_all = options.top_p < 1.0 && covered >= f64::from(options.top_p) * mass && !kept.is_empty();
            if covered_all || weight < f64::from(options.min_p) {
                break;
            }
            covered += weight;
            kept.push(place);
        }
        kept.sort_unstable();
        kept
    }

    proptest! {
        #[test]
        fn keeps_what_a_full_sort_keeps(
            // Whole numbers keep cut points apart, so that rounding cannot move one.
            logits in prop::collection::vec((-30i16..30).prop_map(f32::from), 1..300),
            top_k in 0usize..20,
            top_p in prop::sample::select(vec![0.1f32, 0.53, 0.9, 1.0]),
            min_p in prop::sample::select(vec![0.0f32, 0.03, 0.4]),
        ) {
            let options = SamplingOptions { top_k, top_p, min_p, temperature: 0.7, ..SamplingOptions::default() };
            let expected = naive(&logits, &options);
            let mut candidates = Candidates::default();
            for step in 0..50 {
                let place = candidates.draw(&logits, &options, f64::from(step) / 50.0);
                prop_assert!(expected.contains(&place), "{} is not in {:?}", place, expected);
            }
        }
    }

    #[test]
    fn draws_follow_the_weights() {
        let logits = [1.0_f32.ln(), 2.0_f32.ln(), 5.0_f32.ln()];
        for options in [SamplingOptions::default(), SamplingOptions { top_k: 3, ..SamplingOptions::default() }] {
            let mut counts = [0_u32; 3];
            let mut candidates = Candidates::default();
            for step in 0..800 {
                counts[candidates.draw(&logits, &options, f64::from(step) / 800.0)] += 1;
            }
            assert!(counts.iter().zip([100, 200, 500]).all(|(count, exact)| count.abs_diff(exact) <= 1), "{counts:?}");
        }
    }
}
