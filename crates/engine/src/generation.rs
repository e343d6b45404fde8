//! From a request's parameters to sequences to run: what chat and completions have in common.

use std::collections::BTreeMap;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::constraint::Grammar;
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::history::History;
use crate::job::{Event, Generation, Goal, Job};
use crate::native::Token;
use crate::sampler::{Random, SamplingOptions};

/// The parameters both requests have, as they were sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<i32>,
    pub(crate) min_p: Option<f64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    pub(crate) logit_bias: Option<BTreeMap<u32, f64>>,
    pub(crate) seed: Option<i64>,
    pub(crate) logprobs: Option<usize>,
    pub(crate) stops: Vec<String>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) answers: Option<u32>,
    pub(crate) ignore_end: bool,
    pub(crate) adapter: Option<String>,
}

impl Parameters {
    #[expect(clippy::cast_possible_truncation, reason = "ranges were checked; f32 is what logits are")]
    fn sampling(&self, seed: u64) -> SamplingOptions {
        let number = |value: Option<f64>, default: f32| value.map_or(default, |value| value as f32);
        let bias = self.logit_bias.iter().flatten();
        SamplingOptions {
            temperature: number(self.temperature, 1.0),
            top_p: number(self.top_p, 1.0),
            // 0 and -1 mean all.
            top_k: self.top_k.and_then(|count| usize::try_from(count).ok()).unwrap_or(0),
            min_p: number(self.min_p, 0.0),
            presence_penalty: number(self.presence_penalty, 0.0),
            frequency_penalty: number(self.frequency_penalty, 0.0),
            bias: bias.filter_map(|(token, bias)| Some((Token::try_from(*token).ok()?, *bias as f32))).collect(),
            seed,
            logprobs: self.logprobs,
        }
    }
}

/// What a request runs: its prompts, and where its events arrive.
pub(crate) struct Running {
    pub(crate) events: UnboundedReceiver<(usize, Event)>,
    /// Tokens of each prompt.
    pub(crate) prompt_tokens: Vec<usize>,
    /// Answers to each prompt.
    pub(crate) answers: usize,
}

/// Submits `answers` sequences for each prompt. A grammar comes with the parameter it was made from.
///
/// # Errors
/// `ContextExceeded` where a prompt leaves no room for a token, `QueueFull`, or a grammar that cannot be compiled.
pub(crate) fn submit(
    model: &TextModel,
    prompts: Vec<History>,
    parameters: &Parameters,
    grammar: Option<(&Grammar, &'static str)>,
) -> Result<Running, EngineError> {
    if let Some((token, _)) = parameters.logit_bias.iter().flatten().find(|(token, _)| !has_token(model, **token)) {
        return Err(EngineError::value("logit_bias", format_args!("the model has no token {token}")));
    }
    let (sender, events) = unbounded_channel();
    let answers = parameters.answers.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
    let seed = parameters.seed.map_or_else(random_seed, i64::cast_unsigned);
    let prompt_tokens: Vec<usize> = prompts.iter().map(History::len).collect();
    let mut jobs = Vec::with_capacity(prompts.len() * answers);
    for prompt in prompts {
        let room = room_for(model, prompt.len())?;
        let asked = parameters.max_tokens.and_then(|count| usize::try_from(count).ok()).unwrap_or(room);
        for answer in 0..answers {
            let compile =
                |(grammar, param)| model.grammars.compile(grammar).map_err(|reason| EngineError::value(param, reason));
            let constraint = grammar.map(compile).transpose()?;
            let generation = Generation {
                sampling: parameters.sampling(Random::seed_of(seed, answer)),
                stops: parameters.stops.clone(),
                max_tokens: asked.min(room),
                ignore_end: parameters.ignore_end,
                constraint,
            };
            jobs.push(Job {
                prompt: prompt.clone(),
                adapter: parameters.adapter.clone(),
                goal: Goal::Generate(Box::new(generation)),
                index: jobs.len(),
                events: sender.clone(),
            });
        }
    }
    model.queue.submit(jobs)?;
    Ok(Running { events, prompt_tokens, answers })
}

/// How many tokens an answer to a prompt may have.
pub(crate) fn room_for(model: &TextModel, prompt: usize) -> Result<usize, EngineError> {
    match model.context.checked_sub(prompt) {
        Some(room) if room > 0 => Ok(room),
        _ => Err(EngineError::ContextExceeded { prompt, limit: model.context }),
    }
}

/// Whether the model's vocabulary has a token.
pub(crate) fn has_token(model: &TextModel, token: u32) -> bool {
    Token::try_from(token).is_ok_and(|token| model.vocabulary.contains(token))
}

/// A seed for requests that name none.
fn random_seed() -> u64 {
    crate::identity::random()
}
