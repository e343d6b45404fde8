//! A chat answer as one reply.

use wire::chat::{
    AssistantMessage, ChatRequest, ChatResponse, Choice, FinishReason, Logprobs, TokenLogprob, ToolCall, TopLogprob,
    Usage,
};

use super::write::{finish_reason, small};
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::generation::Running;
use crate::identity;
use crate::job::{Chosen, Event, Reason};
use crate::native::Token;
use crate::tools::{CallReader, Piece, Style};
use crate::vocabulary::Vocabulary;

/// One answer as it grows.
struct Growing {
    words: String,
    calls: Vec<ToolCall>,
    logprobs: Vec<TokenLogprob>,
    reader: Option<CallReader>,
    style: Option<Style>,
    finish_reason: FinishReason,
}

impl Growing {
    fn new(style: Option<Style>) -> Self {
        Self {
            words: String::new(),
            calls: Vec::new(),
            logprobs: Vec::new(),
            reader: style.map(CallReader::new),
            style,
            finish_reason: FinishReason::Stop,
        }
    }

    fn text(&mut self, text: &str) {
        match &mut self.reader {
            None => self.words.push_str(text),
            Some(reader) => {
                let pieces = reader.push(text);
                self.pieces(pieces);
            }
        }
    }

    fn pieces(&mut self, pieces: Vec<Piece>) {
        for piece in pieces {
            match piece {
                Piece::Content(words) => self.words.push_str(&words),
                Piece::Open { name, .. } => self.calls.push(ToolCall::new(call_id(self.style), name, "")),
                Piece::Arguments { more, .. } => {
                    if let Some(call) = self.calls.last_mut() {
                        call.function.arguments.push_str(&more);
                    }
                }
            }
        }
    }

    fn finish(&mut self, reason: Reason) {
        let last = self.reader.as_mut().map(CallReader::finish).unwrap_or_default();
        self.pieces(last);
        self.finish_reason = finish_reason(reason, !self.calls.is_empty());
    }

    fn choice(self, index: usize, wants_logprobs: bool) -> Choice {
        let content = (!self.words.is_empty() || self.calls.is_empty()).then_some(self.words);
        let logprobs = wants_logprobs.then_some(Logprobs { content: Some(self.logprobs), refusal: None });
        Choice {
            index: small(index),
            message: AssistantMessage { content, tool_calls: self.calls, ..AssistantMessage::default() },
            logprobs,
            finish_reason: self.finish_reason,
        }
    }
}

/// Waits for all answers of a request.
pub(super) async fn collect(
    request: &ChatRequest,
    style: Option<Style>,
    mut running: Running,
    model: &TextModel,
) -> Result<ChatResponse, EngineError> {
    let mut answers: Vec<Growing> = (0..running.answers).map(|_| Growing::new(style)).collect();
    let (mut open, mut cached, mut completion) = (running.answers, 0, 0);
    while open > 0 {
        let ended = || EngineError::Computation("the engine ended".to_owned());
        let (index, event) = running.events.recv().await.ok_or_else(ended)?;
        match event {
            Event::Started { cached_tokens } if index == 0 => cached = cached_tokens,
            Event::Text { text, tokens } => {
                answers[index].text(&text);
                let logprobs = tokens.iter().map(|chosen| logprob(chosen, &model.vocabulary));
                answers[index].logprobs.extend(logprobs);
            }
            Event::Finished { reason, completion_tokens } => {
                answers[index].finish(reason);
                completion += completion_tokens;
                open -= 1;
            }
            Event::Failed(error) => return Err(error),
            Event::Started { .. } | Event::Scored(_) => {}
        }
    }
    let prompt: usize = running.prompt_tokens.iter().sum();
    let wants_logprobs = request.logprobs.unwrap_or(false);
    let choices = answers.into_iter().enumerate().map(|(index, answer)| answer.choice(index, wants_logprobs));
    Ok(ChatResponse {
        id: identity::id("chatcmpl-"),
        object: wire::chat::ChatObject,
        created: identity::now(),
        model: request.model.clone(),
        choices: choices.collect(),
        usage: Some(Usage::new(small(prompt), small(cached), small(completion))),
        service_tier: None,
        system_fingerprint: None,
        freehold: None,
    })
}

/// The id of a new call, in the length the model's template accepts.
pub(super) fn call_id(style: Option<Style>) -> String {
    match style.and_then(Style::id_length) {
        Some(length) => identity::letters(length),
        None => identity::id("call_"),
    }
}

/// A chosen token as the API shows it.
pub(super) fn logprob(chosen: &Chosen, vocabulary: &Vocabulary) -> TokenLogprob {
    let text = |token: Token| {
        let bytes = vocabulary.bytes(token);
        (String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()))
    };
    let (token, bytes) = text(chosen.token);
    let top_logprobs = chosen.top.iter().map(|likely| {
        let (token, bytes) = text(likely.token);
        TopLogprob { token, logprob: likely.logprob, bytes }
    });
    TokenLogprob { token, logprob: chosen.logprob, bytes, top_logprobs: top_logprobs.collect() }
}
