//! An answer being written: choose a token, check it against the grammar, release what text is safe.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::constraint::Constraint;
use crate::job::{Chosen, Event, Generation, Reason};
use crate::native::Token;
use crate::sampler::Sampler;
use crate::text::{StopStrings, Utf8Decoder};
use crate::vocabulary::Vocabulary;

/// What came of one row of logits.
#[derive(Default)]
pub(super) struct Step {
    /// The token that continues the sequence; none where the answer has ended.
    pub(super) token: Option<Token>,
    pub(super) events: Vec<Event>,
    pub(super) finished: bool,
}

/// The state of one answer.
pub(super) struct Answer {
    sampler: Sampler,
    constraint: Option<Constraint>,
    decoder: Utf8Decoder,
    stops: StopStrings,
    max_tokens: usize,
    /// Tokens that may not be chosen, where the answer shall go on past its natural end.
    forbidden: Vec<Token>,
    generated: usize,
    /// Bytes of text decoded, and bytes released of it.
    decoded: usize,
    released: usize,
    /// Tokens whose text is not yet released, with the place in the text where each ends.
    unreleased: VecDeque<(usize, Chosen)>,
}

impl Answer {
    pub(super) fn new(generation: Generation, vocabulary: &Vocabulary) -> Self {
        let forbidden = if generation.ignore_end { vocabulary.ending_tokens().to_vec() } else { Vec::new() };
        Self {
            sampler: Sampler::new(generation.sampling),
            constraint: generation.constraint,
            decoder: Utf8Decoder::default(),
            stops: StopStrings::new(generation.stops),
            max_tokens: generation.max_tokens,
            forbidden,
            generated: 0,
            decoded: 0,
            released: 0,
            unreleased: VecDeque::new(),
        }
    }

    /// Writes one more token. The error is a failure of the grammar engine.
    pub(super) fn next(&mut self, logits: &mut [f32], vocabulary: &Vocabulary) -> Result<Step, String> {
        let raw = self.sampler.raw_logprobs(logits);
        self.sampler.adjust(logits);
        for token in &self.forbidden {
            if let Some(logit) = usize::try_from(*token).ok().and_then(|place| logits.get_mut(place)) {
                *logit = f32::NEG_INFINITY;
            }
        }
        let token = self.choose(logits)?;
        if vocabulary.ends_answer(token) {
            return Ok(self.end(Reason::Stop));
        }
        self.generated += 1;
        let chosen = raw.map(|raw| {
            let logit = usize::try_from(token).ok().and_then(|place| logits.get(place)).copied().unwrap_or(0.0);
            let logprob = raw.of(logit - self.sampler.adjustment(token));
            Chosen { token, logprob, top: Arc::from(raw.top) }
        });
        self.sampler.accept(token);
        let text = self.decoder.push(vocabulary.answer_bytes(token));
        self.watch(&text, vocabulary);
        self.decoded += text.len();
        if let Some(chosen) = chosen {
            self.unreleased.push_back((self.decoded, chosen));
        }
        let released = self.stops.push(&text);
        let mut step = Step { token: Some(token), ..Step::default() };
        self.release(released.text, &mut step);
        if released.stopped {
            step.events.push(self.finished(Reason::Stop));
            step.finished = true;
        } else if let Some(reason) = self.limit() {
            let end = self.end(reason);
            step.events.extend(end.events);
            step.finished = true;
        }
        Ok(step)
    }

    /// Samples first; only a token that the grammar refuses costs a mask over the vocabulary.
    fn choose(&mut self, logits: &mut [f32]) -> Result<Token, String> {
        let token = self.sampler.draw(logits);
        let Some(constraint) = self.constraint.as_mut().filter(|constraint| constraint.is_active()) else {
            return Ok(token);
        };
        if constraint.accept(token)? {
            return Ok(token);
        }
        constraint.mask(logits)?;
        let token = self.sampler.draw(logits);
        match constraint.accept(token)? {
            true => Ok(token),
            false => Err("the grammar allows no token".to_owned()),
        }
    }

    /// Shows the text to a grammar that waits for its trigger.
    fn watch(&mut self, text: &str, vocabulary: &Vocabulary) {
        let Some(constraint) = &mut self.constraint else { return };
        if constraint.is_active() {
            return;
        }
        if let Some(rest) = constraint.watch(text) {
            let tokens = vocabulary.tokenize(&rest, false, false);
            let fits = tokens.into_iter().all(|token| constraint.accept(token).unwrap_or(false));
            if !fits {
                // The model has already gone another way; the reader of calls will see plain text.
                self.constraint = None;
            }
        }
    }

    fn limit(&self) -> Option<Reason> {
        match &self.constraint {
            Some(constraint) if constraint.is_complete() => Some(Reason::Stop),
            _ => (self.generated >= self.max_tokens).then_some(Reason::Length),
        }
    }

    /// Releases what was held back, and ends.
    fn end(&mut self, reason: Reason) -> Step {
        let mut step = Step { finished: true, ..Step::default() };
        let tail = self.decoder.finish();
        self.decoded += tail.len();
        let last = self.stops.push(&tail);
        let text = if last.stopped { last.text } else { last.text + &self.stops.finish() };
        self.release(text, &mut step);
        step.events.push(self.finished(reason));
        step
    }

    fn release(&mut self, text: String, step: &mut Step) {
        self.released += text.len();
        let released = self.released;
        let count = self.unreleased.iter().take_while(|(end, _)| *end <= released).count();
        let tokens: Vec<Chosen> = self.unreleased.drain(..count).map(|(_, chosen)| chosen).collect();
        if !text.is_empty() || !tokens.is_empty() {
            step.events.push(Event::Text { text, tokens });
        }
    }

    fn finished(&self, reason: Reason) -> Event {
        Event::Finished { reason, completion_tokens: self.generated }
    }
}
