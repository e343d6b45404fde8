//! Answers of `/v1/completions`, whole or in chunks.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::sync::mpsc::UnboundedReceiver;
use wire::chat::{FinishReason, Usage};
use wire::completion::{CompletionChoice, CompletionLogprobs, CompletionRequest, CompletionResponse};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::generation::Running;
use crate::identity;
use crate::job::{Chosen, Event, Reason};
use crate::native::Token;
use crate::stream::{Writer, chunk};
use crate::vocabulary::Vocabulary;

/// What all answers of a request have in common, and how far each is.
pub(super) struct Answers {
    engine: Arc<Engine>,
    template: CompletionResponse,
    /// The prompt of each answer as text, where the answer begins with it.
    echoes: Vec<Option<String>>,
    /// Code points of each answer so far.
    lengths: Vec<u32>,
    answers_per_prompt: usize,
    wants_logprobs: bool,
    open: usize,
    prompt_tokens: usize,
    cached_tokens: Vec<usize>,
    completion_tokens: usize,
}

impl Answers {
    pub(super) fn new(
        request: &CompletionRequest,
        prompts: Vec<Vec<Token>>,
        running: &Running,
        engine: Arc<Engine>,
    ) -> Self {
        let echo = |tokens: &Vec<Token>| {
            let vocabulary = &engine.text().ok()?.vocabulary;
            let opening = usize::from(vocabulary.opening_token().as_ref() == tokens.first());
            let bytes = vocabulary.detokenize(&tokens[opening..]);
            request.echo.unwrap_or(false).then(|| String::from_utf8_lossy(&bytes).into_owned())
        };
        let echoes: Vec<Option<String>> =
            prompts.iter().flat_map(|tokens| std::iter::repeat_n(echo(tokens), running.answers)).collect();
        let count = echoes.len();
        let template = CompletionResponse {
            id: identity::id("cmpl-"),
            created: identity::now(),
            model: request.model.clone(),
            ..CompletionResponse::default()
        };
        Self {
            engine,
            template,
            echoes,
            lengths: vec![0; count],
            answers_per_prompt: running.answers.max(1),
            wants_logprobs: request.logprobs.is_some(),
            open: count,
            prompt_tokens: running.prompt_tokens.iter().sum(),
            cached_tokens: vec![0; count],
            completion_tokens: 0,
        }
    }

    /// Waits for all answers.
    pub(super) async fn collect(
        mut self,
        mut events: UnboundedReceiver<(usize, Event)>,
    ) -> Result<CompletionResponse, EngineError> {
        let mut choices: Vec<CompletionChoice> = (0..)
            .zip(&self.echoes)
            .map(|(index, echo)| CompletionChoice {
                index,
                text: echo.clone().unwrap_or_default(),
                logprobs: self.wants_logprobs.then(CompletionLogprobs::default),
                finish_reason: None,
            })
            .collect();
        while self.open > 0 {
            let ended = || EngineError::Computation("the engine ended".to_owned());
            let (index, event) = events.recv().await.ok_or_else(ended)?;
            let Some(part) = self.part(index, event)? else { continue };
            let choice = &mut choices[index];
            choice.text.push_str(&part.text);
            choice.finish_reason = choice.finish_reason.or(part.finish_reason);
            if let (Some(all), Some(more)) = (&mut choice.logprobs, part.logprobs) {
                all.tokens.extend(more.tokens);
                all.token_logprobs.extend(more.token_logprobs);
                all.top_logprobs.extend(more.top_logprobs);
                all.text_offset.extend(more.text_offset);
            }
        }
        Ok(CompletionResponse { choices, usage: Some(self.usage()), ..self.template })
    }

    /// What an event adds to an answer.
    fn part(&mut self, index: usize, event: Event) -> Result<Option<CompletionChoice>, EngineError> {
        let choice = CompletionChoice { index: small(index), ..CompletionChoice::default() };
        match event {
            Event::Started { cached_tokens } => {
                self.cached_tokens[index] = cached_tokens;
                Ok(None)
            }
            Event::Text { text, tokens } => {
                let logprobs = self.wants_logprobs.then(|| self.logprobs(index, &tokens)).transpose()?;
                Ok(Some(CompletionChoice { text, logprobs, ..choice }))
            }
            Event::Finished { reason, completion_tokens } => {
                self.open -= 1;
                self.completion_tokens += completion_tokens;
                let reason = match reason {
                    Reason::Stop => FinishReason::Stop,
                    Reason::Length => FinishReason::Length,
                };
                Ok(Some(CompletionChoice { finish_reason: Some(reason), ..choice }))
            }
            Event::Scored(_) => Ok(None),
            Event::Failed(error) => Err(error),
        }
    }

    fn logprobs(&mut self, index: usize, tokens: &[Chosen]) -> Result<CompletionLogprobs, EngineError> {
        let vocabulary: &Vocabulary = &self.engine.text()?.vocabulary;
        let text = |token: Token| String::from_utf8_lossy(vocabulary.bytes(token)).into_owned();
        let mut logprobs = CompletionLogprobs::default();
        for chosen in tokens {
            let token = text(chosen.token);
            logprobs.text_offset.push(self.lengths[index]);
            self.lengths[index] += small(token.chars().count());
            logprobs.tokens.push(token);
            logprobs.token_logprobs.push(Some(chosen.logprob));
            let top: BTreeMap<String, f32> =
                chosen.top.iter().map(|likely| (text(likely.token), likely.logprob)).collect();
            logprobs.top_logprobs.push(Some(top));
        }
        Ok(logprobs)
    }

    fn usage(&self) -> Usage {
        // Answers to one prompt share it: count its cached part once.
        let cached: usize = self.cached_tokens.iter().step_by(self.answers_per_prompt).sum();
        Usage::new(small(self.prompt_tokens), small(cached), small(self.completion_tokens))
    }
}

/// Writes answers as chunks.
pub(super) struct ChunkWriter {
    answers: Answers,
    wants_usage: bool,
}

impl ChunkWriter {
    pub(super) fn new(answers: Answers, wants_usage: bool) -> Self {
        Self { answers, wants_usage }
    }
}

impl Writer for ChunkWriter {
    fn write(&mut self, index: usize, event: Event, out: &mut BytesMut) -> Result<bool, EngineError> {
        if let Some(mut part) = self.answers.part(index, event)? {
            if let Some(echo) = self.answers.echoes[index].take() {
                part.text.insert_str(0, &echo);
            }
            chunk(out, &CompletionResponse { choices: vec![part], ..self.answers.template.clone() })?;
        }
        let ended = self.answers.open == 0;
        if ended && self.wants_usage {
            let usage = Some(self.answers.usage());
            chunk(out, &CompletionResponse { usage, ..self.answers.template.clone() })?;
        }
        Ok(ended)
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
