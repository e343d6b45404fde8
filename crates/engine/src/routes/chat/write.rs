//! A chat answer as a stream of chunks.

use std::sync::Arc;

use bytes::BytesMut;
use wire::chat::{
    AssistantRole, ChatChunk, ChatRequest, ChunkChoice, Delta, FinishReason, Logprobs, ToolCallDelta, Usage,
};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::generation::Running;
use crate::identity;
use crate::job::{Chosen, Event, Reason};
use crate::stream::{Writer, chunk};
use crate::tools::{CallReader, Piece, Style};

/// The state of all answers of one request.
pub(super) struct ChunkWriter {
    engine: Arc<Engine>,
    template: ChatChunk,
    style: Option<Style>,
    readers: Vec<Option<CallReader>>,
    opened: Vec<bool>,
    open: usize,
    wants_usage: bool,
    prompt_tokens: usize,
    cached_tokens: Option<usize>,
    completion_tokens: usize,
}

impl ChunkWriter {
    pub(super) fn new(request: &ChatRequest, style: Option<Style>, running: &Running, engine: Arc<Engine>) -> Self {
        let template = ChatChunk {
            id: identity::id("chatcmpl-"),
            created: identity::now(),
            model: request.model.clone(),
            ..ChatChunk::default()
        };
        Self {
            engine,
            template,
            style,
            readers: (0..running.answers).map(|_| style.map(CallReader::new)).collect(),
            opened: vec![false; running.answers],
            open: running.answers,
            wants_usage: request.wants_usage(),
            prompt_tokens: running.prompt_tokens.iter().sum(),
            cached_tokens: None,
            completion_tokens: 0,
        }
    }

    fn send(&self, choice: ChunkChoice, out: &mut BytesMut) -> Result<(), EngineError> {
        chunk(out, &ChatChunk { choices: vec![choice], ..self.template.clone() })
    }

    /// The first chunk of an answer names the role.
    fn open(&mut self, index: usize, out: &mut BytesMut) -> Result<(), EngineError> {
        if std::mem::replace(&mut self.opened[index], true) {
            return Ok(());
        }
        let delta = Delta { role: Some(AssistantRole), content: Some(String::new()), ..Delta::default() };
        self.send(ChunkChoice { index: small(index), delta, ..ChunkChoice::default() }, out)
    }

    fn words(&self, index: usize, text: String, tokens: &[Chosen], out: &mut BytesMut) -> Result<(), EngineError> {
        let logprobs = self.logprobs(tokens);
        let delta = Delta { content: Some(text), ..Delta::default() };
        self.send(ChunkChoice { index: small(index), delta, logprobs, ..ChunkChoice::default() }, out)
    }

    fn logprobs(&self, tokens: &[Chosen]) -> Option<Logprobs> {
        let vocabulary = &self.engine.text().ok()?.vocabulary;
        let content: Vec<_> = tokens.iter().map(|chosen| super::collect::logprob(chosen, vocabulary)).collect();
        (!content.is_empty()).then_some(Logprobs { content: Some(content), refusal: None })
    }

    fn pieces(&self, index: usize, pieces: Vec<Piece>, out: &mut BytesMut) -> Result<(), EngineError> {
        for piece in pieces {
            let call = match piece {
                Piece::Content(text) => {
                    self.words(index, text, &[], out)?;
                    continue;
                }
                Piece::Open { index, name } => ToolCallDelta::opening(index, super::collect::call_id(self.style), name),
                Piece::Arguments { index, more } => ToolCallDelta::arguments(index, more),
            };
            let delta = Delta { tool_calls: vec![call], ..Delta::default() };
            self.send(ChunkChoice { index: small(index), delta, ..ChunkChoice::default() }, out)?;
        }
        Ok(())
    }

    fn finish(&mut self, index: usize, reason: Reason, out: &mut BytesMut) -> Result<bool, EngineError> {
        let last = self.readers[index].as_mut().map(CallReader::finish).unwrap_or_default();
        self.pieces(index, last, out)?;
        let called = self.readers[index].as_ref().is_some_and(CallReader::has_calls);
        let finish_reason = Some(finish_reason(reason, called));
        self.send(ChunkChoice { index: small(index), finish_reason, ..ChunkChoice::default() }, out)?;
        self.open -= 1;
        if self.open == 0 && self.wants_usage {
            let cached = self.cached_tokens.unwrap_or(0);
            let usage = Usage::new(small(self.prompt_tokens), small(cached), small(self.completion_tokens));
            chunk(out, &ChatChunk { usage: Some(usage), ..self.template.clone() })?;
        }
        Ok(self.open == 0)
    }
}

impl Writer for ChunkWriter {
    fn write(&mut self, index: usize, event: Event, out: &mut BytesMut) -> Result<bool, EngineError> {
        match event {
            Event::Started { cached_tokens } => {
                if index == 0 {
                    self.cached_tokens = Some(cached_tokens);
                }
                Ok(false)
            }
            Event::Text { text, tokens } => {
                self.open(index, out)?;
                match &mut self.readers[index] {
                    None => self.words(index, text, &tokens, out)?,
                    Some(reader) => {
                        let pieces = reader.push(&text);
                        self.pieces(index, pieces, out)?;
                    }
                }
                Ok(false)
            }
            Event::Finished { reason, completion_tokens } => {
                self.open(index, out)?;
                self.completion_tokens += completion_tokens;
                self.finish(index, reason, out)
            }
            Event::Scored(_) => Ok(false),
            Event::Failed(error) => Err(error),
        }
    }
}

/// Why an answer ended, as the API names it.
pub(super) fn finish_reason(reason: Reason, called: bool) -> FinishReason {
    match (reason, called) {
        (Reason::Length, _) => FinishReason::Length,
        (Reason::Stop, true) => FinishReason::ToolCalls,
        (Reason::Stop, false) => FinishReason::Stop,
    }
}

pub(super) fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
