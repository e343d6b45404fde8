//! One sequence on its way: what it has computed, what it still has to, and what it is for.

use std::time::Instant;

use tokio::sync::mpsc::UnboundedSender;

use super::adapters::AdapterId;
use super::answer::Answer;
use super::plan::Demand;
use crate::counters::Counters;
use crate::error::EngineError;
use crate::history::History;
use crate::job::{Event, Goal, Job};
use crate::native::{Batch, Sequence};
use crate::sampler::RawLogprobs;
use crate::vocabulary::Vocabulary;

/// What the logits are for.
enum Task {
    Answer(Box<Answer>),
    Score { from: usize, logprobs: Vec<f32> },
}

/// A sequence with its KV state.
pub(super) struct Run {
    pub(super) id: u64,
    /// Prompt and answer so far.
    pub(super) history: History,
    pub(super) adapter: AdapterId,
    /// Meaningful while it runs.
    pub(super) sequence: Sequence,
    /// How many tokens of the history are in the KV cache.
    pub(super) computed: usize,
    /// How many of its first tokens it was expected to share when it was admitted.
    pub(super) planned_shared: usize,
    pub(super) since: Instant,
    task: Task,
    index: usize,
    events: UnboundedSender<(usize, Event)>,
    started: bool,
    over: bool,
}

impl Run {
    pub(super) fn new(id: u64, job: Job, adapter: AdapterId, vocabulary: &Vocabulary) -> Self {
        let task = match job.goal {
            Goal::Generate(generation) => Task::Answer(Box::new(Answer::new(*generation, vocabulary))),
            Goal::Score { from } => Task::Score { from, logprobs: Vec::new() },
        };
        Self {
            id,
            history: job.prompt,
            adapter,
            sequence: 0,
            computed: 0,
            planned_shared: 0,
            since: Instant::now(),
            task,
            index: job.index,
            events: job.events,
            started: false,
            over: false,
        }
    }

    /// Tokens of prompt and answer so far.
    pub(super) fn length(&self) -> usize {
        self.history.len()
    }

    /// Cells it needs for itself alone.
    pub(super) fn own_cells(&self) -> usize {
        self.length().saturating_sub(self.planned_shared)
    }

    /// Nobody waits for it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// How many tokens have to be computed in all, before the next logits are complete.
    fn target(&self) -> usize {
        match self.task {
            Task::Answer(_) => self.length(),
            // What follows the last token is not asked for.
            Task::Score { .. } => self.length() - 1,
        }
    }

    /// The first token whose logits are needed.
    fn first_output(&self) -> usize {
        match self.task {
            Task::Answer(_) => self.length() - 1,
            Task::Score { from, .. } => from.saturating_sub(1),
        }
    }

    /// How many tokens may come from elsewhere: those before the first whose logits are needed.
    pub(super) fn reuse_limit(&self) -> usize {
        self.first_output()
    }

    /// How many of its tokens another run has, or will have.
    pub(super) fn shareable_with(&self, other: &Self) -> usize {
        match self.adapter == other.adapter {
            true => self.history.shared_prefix(&other.history).min(self.reuse_limit()),
            false => 0,
        }
    }

    /// What it could compute now.
    pub(super) fn demand(&self, blocked: bool) -> Demand {
        let pending = if blocked { 0 } else { self.target() - self.computed };
        let decoding = pending == 1 && self.first_output() == self.computed;
        Demand { pending, silent: self.first_output().saturating_sub(self.computed).min(pending), decoding }
    }

    /// Says once, when its own computation begins, how much of the prompt was cached.
    pub(super) fn announce(&mut self, counters: &Counters) {
        if !self.started {
            self.started = true;
            counters.prompt_tokens.add(self.length());
            counters.cache_hit_tokens.add(self.computed);
            self.send(Event::Started { cached_tokens: self.computed });
        }
    }

    /// Adds its next `count` tokens to a batch, telling `output` the places of those with logits.
    pub(super) fn fill(&self, batch: &mut Batch, count: usize, mut output: impl FnMut(usize)) {
        let (first, first_output) = (self.computed, self.first_output());
        for (offset, token) in self.history.tokens()[first..first + count].iter().enumerate() {
            let position = first + offset;
            let wanted = position >= first_output;
            let place = batch.add(*token, position, self.sequence, wanted);
            if wanted {
                output(place);
            }
        }
    }

    /// Takes in a row of logits, in order. True where it wrote a token of an answer.
    pub(super) fn take_row(&mut self, logits: &mut [f32], vocabulary: &Vocabulary) -> bool {
        let length = self.length();
        match &mut self.task {
            Task::Answer(answer) => match answer.next(logits, vocabulary) {
                Ok(step) => {
                    if let Some(token) = step.token {
                        self.history.push(token);
                    }
                    self.over = step.finished;
                    for event in step.events {
                        self.send(event);
                    }
                }
                Err(reason) => self.fail(EngineError::Computation(reason)),
            },
            Task::Score { from, logprobs } => {
                let token = self.history.tokens().get(*from + logprobs.len()).copied().unwrap_or(0);
                let logit = usize::try_from(token).ok().and_then(|place| logits.get(place)).copied();
                logprobs.push(RawLogprobs::new(logits, 0).of(logit.unwrap_or(f32::NEG_INFINITY)));
                if *from + logprobs.len() == self.history.len() {
                    let scores = std::mem::take(logprobs);
                    self.over = true;
                    self.send(Event::Scored(scores));
                }
            }
        }
        self.length() > length
    }

    /// Ends it with an error.
    pub(super) fn fail(&mut self, error: EngineError) {
        self.over = true;
        self.send(Event::Failed(error));
    }

    fn send(&self, event: Event) {
        // A client that is gone is noticed by `is_abandoned`, before the next step.
        let _ = self.events.send((self.index, event));
    }
}
