//! What the HTTP side hands to the model thread, and what comes back.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::constraint::Constraint;
use crate::error::EngineError;
use crate::history::History;
use crate::native::Token;
use crate::sampler::{Likely, SamplingOptions};

/// One sequence to run.
pub(crate) struct Job {
    /// The prompt, never empty.
    pub(crate) prompt: History,
    pub(crate) adapter: Option<String>,
    pub(crate) goal: Goal,
    /// Which of the request's sequences this is; its events carry it.
    pub(crate) index: usize,
    /// Closed by the HTTP side when its client is gone.
    pub(crate) events: UnboundedSender<(usize, Event)>,
}

/// What a sequence is run for.
pub(crate) enum Goal {
    /// An answer.
    Generate(Box<Generation>),
    /// The log-probabilities of the prompt's own tokens from `from` on.
    Score { from: usize },
}

/// How to generate an answer.
pub(crate) struct Generation {
    pub(crate) sampling: SamplingOptions,
    pub(crate) stops: Vec<String>,
    /// Most tokens of the answer, at least 1.
    pub(crate) max_tokens: usize,
    pub(crate) ignore_end: bool,
    pub(crate) constraint: Option<Constraint>,
}

/// What happens to a job, in this order: `Started`, any number of `Text`, then one of the others.
#[derive(Debug)]
pub(crate) enum Event {
    /// The prompt's first tokens are being computed, or were cached.
    Started { cached_tokens: usize },
    /// More of the answer.
    Text { text: String, tokens: Vec<Chosen> },
    /// The answer is whole.
    Finished { reason: Reason, completion_tokens: usize },
    /// The scores asked for.
    Scored(Vec<f32>),
    /// It ended before its end.
    Failed(EngineError),
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// By itself, at a stop string or at the end of its grammar.
    Stop,
    /// At the limit of tokens, or of the context.
    Length,
}

/// A token of the answer with its log-probabilities, where they were asked for.
#[derive(Clone, Debug)]
pub(crate) struct Chosen {
    pub(crate) token: Token,
    pub(crate) logprob: f32,
    pub(crate) top: Arc<[Likely]>,
}
