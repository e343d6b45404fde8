//! What was said, gathered from a whole reply or from the chunks of a stream: for the trace, for stored responses.

use domain::LogprobSummary;
use serde_json::Value;
use wire::chat::{
    AssistantMessage, ChatChunk, ChatResponse, ChunkChoice, FinishReason, Logprobs, ToolCall, ToolCallDelta, Usage,
};
use wire::completion::CompletionResponse;

/// Most answers to one request that are told apart.
const MAX_ANSWERS: usize = 1024;

/// What was said so far, by answer.
#[derive(Debug, Default)]
pub struct Transcript {
    answers: Vec<Answer>,
    usage: Option<Usage>,
    pieces: u64,
    logprobs: LogprobSum,
}

/// One answer of `n`.
#[derive(Debug, Default)]
pub struct Answer {
    /// The message so far.
    pub message: AssistantMessage,
    /// Why it ended, once it has.
    pub finish_reason: Option<FinishReason>,
}

#[derive(Debug, Default)]
struct LogprobSum {
    sum: f64,
    min: f64,
    tokens: u64,
}

impl Transcript {
    /// Everything of a whole reply.
    #[must_use]
    pub fn of(reply: &ChatResponse) -> Self {
        let mut transcript = Self { usage: reply.usage, ..Self::default() };
        for choice in &reply.choices {
            transcript.logprobs.add(choice.logprobs.as_ref());
            let finish_reason = Some(choice.finish_reason);
            transcript.answers.push(Answer { message: choice.message.clone(), finish_reason });
        }
        transcript
    }

    /// More of a stream.
    pub fn add(&mut self, chunk: &ChatChunk) {
        self.usage = chunk.usage.or(self.usage);
        for choice in &chunk.choices {
            let delta = &choice.delta;
            let says = delta.content.as_ref().is_some_and(|words| !words.is_empty()) || !delta.tool_calls.is_empty();
            self.pieces += u64::from(says);
            self.logprobs.add(choice.logprobs.as_ref());
            self.answer(choice.index).add(choice);
        }
    }

    /// More of a text completion, or all of it.
    pub fn add_text(&mut self, reply: &CompletionResponse) {
        self.usage = reply.usage.or(self.usage);
        for choice in &reply.choices {
            self.pieces += u64::from(!choice.text.is_empty());
            let answer = self.answer(choice.index);
            append(&mut answer.message.content, Some(&choice.text));
            answer.finish_reason = choice.finish_reason.or(answer.finish_reason);
        }
    }

    /// The tokens it took, once the upstream has said.
    #[must_use]
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// How many pieces of a stream had something in them: at least as many tokens were made.
    #[must_use]
    pub const fn pieces(&self) -> u64 {
        self.pieces
    }

    /// The answers, in the order of their index.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.answers
    }

    /// The answers by value.
    #[must_use]
    pub fn into_answers(self) -> Vec<Answer> {
        self.answers
    }

    /// Log-probabilities in three numbers, where they were asked for.
    #[must_use]
    pub fn logprob_summary(&self) -> Option<LogprobSummary> {
        let LogprobSum { sum, min, tokens } = self.logprobs;
        (tokens > 0).then(|| LogprobSummary { mean: sum / tokens as f64, min, tokens })
    }

    /// The output as a trace keeps it: the words where there is one answer of words alone, else the message or
    /// messages.
    #[must_use]
    pub fn output(&self) -> Value {
        match self.answers.as_slice() {
            [] => Value::Null,
            [one] => one.output(),
            many => Value::Array(many.iter().map(Answer::output).collect()),
        }
    }

    fn answer(&mut self, index: u32) -> &mut Answer {
        // No request that passed validation has as many; a stray index of an upstream lands on the last.
        let index = (index as usize).min(MAX_ANSWERS - 1);
        if self.answers.len() <= index {
            self.answers.resize_with(index + 1, Answer::default);
        }
        &mut self.answers[index]
    }
}

impl Answer {
    fn add(&mut self, choice: &ChunkChoice) {
        append(&mut self.message.content, choice.delta.content.as_deref());
        append(&mut self.message.refusal, choice.delta.refusal.as_deref());
        for delta in &choice.delta.tool_calls {
            add_call(&mut self.message.tool_calls, delta);
        }
        self.finish_reason = choice.finish_reason.or(self.finish_reason);
    }

    fn output(&self) -> Value {
        match &self.message {
            AssistantMessage { content: Some(words), refusal: None, tool_calls, .. } if tool_calls.is_empty() => {
                Value::String(words.clone())
            }
            message => serde_json::to_value(message).unwrap_or_default(),
        }
    }
}

fn append(words: &mut Option<String>, more: Option<&str>) {
    if let Some(more) = more {
        words.get_or_insert_default().push_str(more);
    }
}

fn add_call(calls: &mut Vec<ToolCall>, delta: &ToolCallDelta) {
    let index = (delta.index as usize).min(127);
    while calls.len() <= index {
        calls.push(ToolCall::new("", "", ""));
    }
    let call = &mut calls[index];
    if let Some(id) = &delta.id {
        call.id.clone_from(id);
    }
    if let Some(function) = &delta.function {
        call.function.name.push_str(function.name.as_deref().unwrap_or_default());
        call.function.arguments.push_str(function.arguments.as_deref().unwrap_or_default());
    }
}

impl LogprobSum {
    fn add(&mut self, logprobs: Option<&Logprobs>) {
        let tokens = logprobs.and_then(|logprobs| logprobs.content.as_deref()).unwrap_or_default();
        for token in tokens {
            let logprob = f64::from(token.logprob);
            self.min = if self.tokens == 0 { logprob } else { self.min.min(logprob) };
            self.sum += logprob;
            self.tokens += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chunk(delta: Value) -> ChatChunk {
        serde_json::from_value(json!({"choices": [{"index": 0, "delta": delta}]})).unwrap()
    }

    #[test]
    fn words_of_a_stream_join() {
        let mut transcript = Transcript::default();
        for words in ["Pa", "ris"] {
            transcript.add(&chunk(json!({"content": words})));
        }
        assert_eq!(transcript.output(), json!("Paris"));
    }

    #[test]
    fn calls_of_a_stream_join_by_index() {
        let mut transcript = Transcript::default();
        let deltas = [
            json!({"tool_calls": [{"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{"}}]}),
            json!({"tool_calls": [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
            json!({"tool_calls": [{"index": 1, "function": {"arguments": "}"}}]}),
        ];
        for delta in deltas {
            transcript.add(&chunk(delta));
        }
        let output = transcript.output();
        assert_eq!(output["tool_calls"][0]["id"], "a");
        assert_eq!(output["tool_calls"][1]["function"], json!({"name": "g", "arguments": "{}"}));
    }

    #[test]
    fn an_index_out_of_the_blue_takes_no_memory() {
        let mut transcript = Transcript::default();
        let far: ChatChunk =
            serde_json::from_value(json!({"choices": [{"index": u32::MAX, "delta": {"content": "x"}}]})).unwrap();
        transcript.add(&far);
        assert_eq!(transcript.answers().len(), MAX_ANSWERS);
    }
}
