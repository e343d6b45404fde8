//! Chooses the next token from a row of logits.
//!
//! Order: bias and penalties, temperature, top-k, top-p, min-p. Log-probabilities are of the raw softmax.
//! The same seed gives the same choices whatever else runs, as far as the arithmetic of the logits does.

mod candidates;
mod exponential;
mod random;
mod raw;

use std::collections::HashMap;

use crate::native::Token;
use candidates::Candidates;
pub(crate) use random::Random;
pub(crate) use raw::{Likely, RawLogprobs};

/// How to choose. The defaults draw from the whole distribution.
#[derive(Clone, Debug)]
pub(crate) struct SamplingOptions {
    /// 0 takes the likeliest token always.
    pub(crate) temperature: f32,
    pub(crate) top_p: f32,
    /// 0 means all.
    pub(crate) top_k: usize,
    pub(crate) min_p: f32,
    pub(crate) presence_penalty: f32,
    pub(crate) frequency_penalty: f32,
    pub(crate) bias: Vec<(Token, f32)>,
    pub(crate) seed: u64,
    /// How many alternatives to report per token; none: no log-probabilities at all.
    pub(crate) logprobs: Option<usize>,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            bias: Vec::new(),
            seed: 0,
            logprobs: None,
        }
    }
}

/// The state of one answer: its random numbers and which tokens it has used.
pub(crate) struct Sampler {
    options: SamplingOptions,
    random: Random,
    counts: HashMap<Token, u32>,
    candidates: Candidates,
}

impl Sampler {
    pub(crate) fn new(options: SamplingOptions) -> Self {
        let random = Random::new(options.seed);
        Self { options, random, counts: HashMap::new(), candidates: Candidates::default() }
    }

    /// The raw log-probabilities of a row, where they were asked for. Call it before [`Self::adjust`].
    pub(crate) fn raw_logprobs(&self, logits: &[f32]) -> Option<RawLogprobs> {
        self.options.logprobs.map(|count| RawLogprobs::new(logits, count))
    }

    /// Adds bias and penalties to the row, in place.
    pub(crate) fn adjust(&self, logits: &mut [f32]) {
        let mut add = |token: Token, amount: f32| {
            if let Some(logit) = usize::try_from(token).ok().and_then(|place| logits.get_mut(place)) {
                *logit += amount;
            }
        };
        for (token, bias) in &self.options.bias {
            add(*token, *bias);
        }
        if self.penalises() {
            for token in self.counts.keys() {
                add(*token, -self.penalty(*token));
            }
        }
    }

    /// What [`Self::adjust`] added to the logit of one token.
    pub(crate) fn adjustment(&self, token: Token) -> f32 {
        let bias: f32 = self.options.bias.iter().filter(|(other, _)| *other == token).map(|(_, bias)| bias).sum();
        bias - self.penalty(token)
    }

    fn penalises(&self) -> bool {
        self.options.presence_penalty != 0.0 || self.options.frequency_penalty != 0.0
    }

    fn penalty(&self, token: Token) -> f32 {
        let Some(count) = self.counts.get(&token).filter(|_| self.penalises()) else { return 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^24")]
        let count = *count as f32;
        self.options.presence_penalty + self.options.frequency_penalty * count
    }

    /// Draws a token from the adjusted row.
    pub(crate) fn draw(&mut self, logits: &[f32]) -> Token {
        let place = if self.options.temperature <= 0.0 {
            likeliest(logits)
        } else {
            let uniform = self.random.uniform();
            self.candidates.draw(logits, &self.options, uniform)
        };
        Token::try_from(place).unwrap_or(0)
    }

    /// Counts a token that became part of the answer.
    pub(crate) fn accept(&mut self, token: Token) {
        *self.counts.entry(token).or_insert(0) += 1;
    }
}

/// The place of the largest value, the first of equals. Two passes, so that each runs on whole vectors.
fn likeliest(logits: &[f32]) -> usize {
    let largest = exponential::largest(logits);
    logits.iter().position(|logit| *logit >= largest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(options: SamplingOptions) -> Sampler {
        Sampler::new(options)
    }

    #[test]
    fn greedy_takes_the_first_of_the_largest() {
        let mut greedy = sampler(SamplingOptions { temperature: 0.0, ..SamplingOptions::default() });
        assert_eq!(greedy.draw(&[0.0, 3.0, 3.0, -1.0]), 1);
    }

    #[test]
    fn bias_and_penalties_change_the_choice() {
        let options = SamplingOptions {
            temperature: 0.0,
            frequency_penalty: 0.75,
            presence_penalty: 0.5,
            bias: vec![(2, 4.0), (-7, 1.0), (99, 1.0)],
            ..SamplingOptions::default()
        };
        let mut greedy = sampler(options);
        let mut row = [0.0, 3.0, 0.0];
        greedy.adjust(&mut row);
        assert_eq!(row, [0.0, 3.0, 4.0]);
        assert_eq!(greedy.draw(&row), 2);
        greedy.accept(2);
        greedy.accept(2);
        let mut row = [0.0, 3.0, 0.0];
        greedy.adjust(&mut row);
        assert_eq!(row, [0.0, 3.0, 2.0]);
        assert_eq!((greedy.adjustment(1), greedy.adjustment(2)), (0.0, 2.0));
    }

    #[test]
    fn one_seed_gives_one_sequence() {
        let row: Vec<f32> = (0..500).map(|place| ((place * 37) % 101) as f32 / 20.0).collect();
        let draws = |seed| {
            let mut sampler = sampler(SamplingOptions { seed, ..SamplingOptions::default() });
            (0..20).map(|_| sampler.draw(&row)).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
