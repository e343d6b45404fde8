//! Answers as they are read: the strict shape first, the repaired one where it does not fit, an error otherwise.
//! An answer that broke off is an error here, never a success.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wire::chat::{ChatChunk, ChatResponse, FinishReason};
use wire::completion::CompletionResponse;
use wire::embedding::{EmbeddingRequest, EmbeddingResponse, EncodingFormat, Vector};

use super::failure::Words;
use super::repair::repair;
use super::tools::Calls;

/// Why something is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The server reports an error.
    Says(Words),
    /// It cannot be read, or lacks what an answer must have.
    Unreadable(String),
    /// The server gave up on it.
    Broken,
    /// Fewer answers than were asked for.
    TooFew { given: usize, asked: usize },
}

/// Words by which servers end an answer that they gave up.
const GIVEN_UP: [&str; 4] = ["abort", "aborted", "cancelled", "error"];

/// What is common to whole answers and pieces of streams.
pub(crate) trait Piece: DeserializeOwned + Send + 'static {
    /// Whether it carries neither an answer nor usage: a sign of life, or an error in disguise.
    fn is_bare(&self) -> bool;

    /// Whether a client learns something from it.
    fn says_something(&self) -> bool;

    /// The answers that end here.
    fn endings(&self) -> impl Iterator<Item = (u32, FinishReason)>;

    /// Names who answered, and puts tool calls right.
    fn put_right(&mut self, model: &str, calls: &mut BTreeMap<u32, Calls>);
}

impl Piece for ChatChunk {
    fn is_bare(&self) -> bool {
        self.choices.is_empty() && self.usage.is_none()
    }

    fn says_something(&self) -> bool {
        self.usage.is_some()
            || self.choices.iter().any(|choice| {
                let delta = &choice.delta;
                let words = delta.role.is_some() || delta.content.is_some() || delta.refusal.is_some();
                words || !delta.tool_calls.is_empty() || choice.logprobs.is_some() || choice.finish_reason.is_some()
            })
    }

    fn endings(&self) -> impl Iterator<Item = (u32, FinishReason)> {
        self.choices.iter().filter_map(|choice| Some((choice.index, choice.finish_reason?)))
    }

    fn put_right(&mut self, model: &str, calls: &mut BTreeMap<u32, Calls>) {
        model.clone_into(&mut self.model);
        for choice in self.choices.iter_mut().filter(|choice| !choice.delta.tool_calls.is_empty()) {
            let calls = calls.entry(choice.index).or_default();
            for delta in &mut choice.delta.tool_calls {
                calls.put_right(delta, &self.id);
            }
        }
    }
}

impl Piece for CompletionResponse {
    fn is_bare(&self) -> bool {
        self.choices.is_empty() && self.usage.is_none()
    }

    fn says_something(&self) -> bool {
        !self.is_bare()
    }

    fn endings(&self) -> impl Iterator<Item = (u32, FinishReason)> {
        self.choices.iter().filter_map(|choice| Some((choice.index, choice.finish_reason?)))
    }

    fn put_right(&mut self, model: &str, _: &mut BTreeMap<u32, Calls>) {
        model.clone_into(&mut self.model);
    }
}

/// Reads one piece of a stream; none where it is only a sign of life.
pub(crate) fn piece<P: Piece>(bytes: &[u8]) -> Result<Option<P>, Flaw> {
    let piece: P = read(bytes)?;
    if piece.is_bare() {
        return said_error(bytes).map_or(Ok(None), |words| Err(Flaw::Says(words)));
    }
    refuse_given_up(bytes, piece.endings().map(|(_, reason)| reason))?;
    Ok(Some(piece))
}

/// Reads a whole chat completion of `asked` answers.
pub(crate) fn chat(bytes: &[u8], model: &str, asked: usize) -> Result<ChatResponse, Flaw> {
    let mut reply: ChatResponse = read(bytes)?;
    check_answers(bytes, reply.choices.len(), asked)?;
    refuse_given_up(bytes, reply.choices.iter().map(|choice| choice.finish_reason))?;
    if reply.choices.iter().all(|choice| choice.index == 0) {
        reply.choices.iter_mut().zip(0..).for_each(|(choice, index)| choice.index = index);
    }
    model.clone_into(&mut reply.model);
    Ok(reply)
}

/// Reads a whole completion of `asked` answers.
pub(crate) fn completion(bytes: &[u8], model: &str, asked: usize) -> Result<CompletionResponse, Flaw> {
    let mut reply: CompletionResponse = read(bytes)?;
    check_answers(bytes, reply.choices.len(), asked)?;
    if reply.choices.iter().any(|choice| choice.finish_reason.is_none()) {
        return Err(Flaw::Unreadable("an answer without `finish_reason`".to_owned()));
    }
    refuse_given_up(bytes, reply.choices.iter().filter_map(|choice| choice.finish_reason))?;
    if reply.choices.iter().all(|choice| choice.index == 0) {
        reply.choices.iter_mut().zip(0..).for_each(|(choice, index)| choice.index = index);
    }
    model.clone_into(&mut reply.model);
    Ok(reply)
}

/// Reads embeddings: one for each input, in order, of the dimensions and format that were asked for.
pub(crate) fn embeddings(
    bytes: &[u8],
    model: &str,
    request: &EmbeddingRequest,
    dimensions: Option<u32>,
) -> Result<EmbeddingResponse, Flaw> {
    let mut reply: EmbeddingResponse =
        serde_json::from_slice(bytes).map_err(|error| flaw_of(bytes, &described(&error)))?;
    if reply.data.len() != request.input.len() {
        return Err(Flaw::TooFew { given: reply.data.len(), asked: request.input.len() });
    }
    let in_order = reply.data.iter().zip(0..).all(|(entry, index)| entry.index == index);
    if !in_order {
        restore_order(&mut reply)?;
    }
    let format = request.encoding_format.unwrap_or_default();
    let dimensions = request.dimensions.or(dimensions);
    for entry in &mut reply.data {
        entry.embedding =
            checked(std::mem::replace(&mut entry.embedding, Vector::Floats(Vec::new())), format, dimensions)?;
    }
    model.clone_into(&mut reply.model);
    Ok(reply)
}

fn restore_order(reply: &mut EmbeddingResponse) -> Result<(), Flaw> {
    reply.data.sort_by_key(|entry| entry.index);
    let indices: Vec<u32> = reply.data.iter().map(|entry| entry.index).collect();
    match () {
        () if indices.iter().zip(0..).all(|(index, place)| *index == place) => Ok(()),
        // No index at all: the order they came in, which a stable sort keeps.
        () if indices.iter().all(|index| *index == 0) => {
            reply.data.iter_mut().zip(0..).for_each(|(entry, index)| entry.index = index);
            Ok(())
        }
        () => Err(Flaw::Unreadable("embeddings whose `index` is not 0, 1, 2, ...".to_owned())),
    }
}

fn checked(vector: Vector, format: EncodingFormat, dimensions: Option<u32>) -> Result<Vector, Flaw> {
    let wrong = |detail: String| Err(Flaw::Unreadable(detail));
    let length = match &vector {
        Vector::Floats(values) => values.len(),
        // Four characters stand for three bytes, four bytes for one number.
        Vector::Base64(text) => text.trim_end_matches('=').len() * 3 / 16,
    };
    if length == 0 || dimensions.is_some_and(|asked| asked as usize != length) {
        let expected = dimensions.map_or("some".to_owned(), |asked| asked.to_string());
        return wrong(format!("a vector of {length} numbers where {expected} were expected"));
    }
    match (&vector, format) {
        (Vector::Floats(values), EncodingFormat::Float) if values.iter().all(|value| value.is_finite()) => Ok(vector),
        (Vector::Base64(_), EncodingFormat::Base64) => Ok(vector),
        _ => match vector.decode() {
            Some(values) if values.iter().all(|value| value.is_finite()) => Ok(Vector::encode(values, format)),
            _ => wrong("a vector that holds no numbers".to_owned()),
        },
    }
}

fn check_answers(bytes: &[u8], given: usize, asked: usize) -> Result<(), Flaw> {
    match given {
        0 => Err(flaw_of(bytes, "no `choices`")),
        given if given < asked => Err(Flaw::TooFew { given, asked }),
        _ => Ok(()),
    }
}

/// The strict shape, else the repaired one.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    let strict = match serde_json::from_slice(bytes) {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let mut value: Value = serde_json::from_slice(bytes).map_err(|_| Flaw::Unreadable(described(&strict)))?;
    if let Some(words) = Words::read(&value) {
        return Err(Flaw::Says(words));
    }
    repair(&mut value);
    serde_json::from_value(value).map_err(|_| Flaw::Unreadable(described(&strict)))
}

/// Where it went wrong, without the content that stood there.
pub(crate) fn described(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "JSON of another shape",
        serde_json::error::Category::Eof => "JSON that breaks off",
        _ => "not JSON",
    };
    format!("{what} at line {} column {}", error.line(), error.column())
}

fn flaw_of(bytes: &[u8], detail: &str) -> Flaw {
    said_error(bytes).map_or_else(|| Flaw::Unreadable(detail.to_owned()), Flaw::Says)
}

fn said_error(bytes: &[u8]) -> Option<Words> {
    serde_json::from_slice(bytes).ok().and_then(|value| Words::read(&value))
}

#[derive(Deserialize)]
struct Endings<'a> {
    #[serde(borrow, default)]
    choices: Vec<Ending<'a>>,
}

#[derive(Deserialize)]
struct Ending<'a> {
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

/// The typed reason reads every unknown word as a stop: the words of giving up are looked for in the text itself.
fn refuse_given_up(bytes: &[u8], mut reasons: impl Iterator<Item = FinishReason>) -> Result<(), Flaw> {
    if !reasons.any(|reason| reason == FinishReason::Stop) {
        return Ok(());
    }
    let Ok(endings) = serde_json::from_slice::<Endings<'_>>(bytes) else { return Ok(()) };
    let words = endings.choices.iter().filter_map(|ending| ending.finish_reason.as_deref());
    if words.into_iter().any(|word| GIVEN_UP.contains(&word)) { Err(Flaw::Broken) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(value: &Value) -> Vec<u8> {
        serde_json::to_vec(value).unwrap()
    }

    fn answer(finish_reason: &str) -> Value {
        json!({"id": "c", "model": "org/big", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "hi", "reasoning_content": "hm"}, "finish_reason": finish_reason},
        ]})
    }

    #[test]
    fn an_answer_names_who_gave_it_by_our_name() {
        let reply = chat(&of(&answer("stop")), "big", 1).unwrap();
        assert_eq!((&*reply.model, reply.choices[0].message.content.as_deref()), ("big", Some("hi")));
        assert_eq!(reply.choices[0].finish_reason, FinishReason::Stop);
        assert_eq!(chat(&of(&answer("eos_token")), "big", 1).unwrap().choices[0].finish_reason, FinishReason::Stop);
    }

    #[test]
    fn what_is_no_whole_answer_is_an_error() {
        assert_eq!(chat(&of(&answer("abort")), "big", 1), Err(Flaw::Broken));
        assert_eq!(chat(&of(&answer("stop")), "big", 2), Err(Flaw::TooFew { given: 1, asked: 2 }));
        let mut endless = answer("stop");
        endless["choices"][0]["finish_reason"] = Value::Null;
        assert!(matches!(chat(&of(&endless), "big", 1), Err(Flaw::Unreadable(_))));
        assert!(matches!(chat(b"<html>", "big", 1), Err(Flaw::Unreadable(_))));
        assert!(matches!(chat(b"{}", "big", 1), Err(Flaw::Unreadable(_))));
        let error = json!({"error": {"message": "out of memory", "code": 500}});
        assert!(matches!(chat(&of(&error), "big", 1), Err(Flaw::Says(words)) if words.status() == 500));
    }

    #[test]
    fn a_stream_brings_pieces_signs_of_life_and_errors() {
        let piece = |value: Value| super::piece::<ChatChunk>(&of(&value));
        assert_eq!(piece(json!({"id": "c", "choices": []})), Ok(None));
        assert!(piece(json!({"usage": {"prompt_tokens": 1}})).unwrap().unwrap().usage.is_some());
        assert!(matches!(piece(json!({"error": "boom"})), Err(Flaw::Says(_))));
        assert!(matches!(piece(json!({"object": "error", "message": "boom", "code": 400})), Err(Flaw::Says(_))));
        let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "error"}]});
        assert_eq!(piece(last), Err(Flaw::Broken));
        let thought = json!({"choices": [{"index": 0, "delta": {"reasoning_content": "hm"}}]});
        assert!(!piece(thought).unwrap().unwrap().says_something());
    }

    fn embedded(data: Value, request: Value) -> Result<EmbeddingResponse, Flaw> {
        let request: EmbeddingRequest = serde_json::from_value(request).unwrap();
        embeddings(&of(&json!({"data": data})), "e5", &request, None)
    }

    #[test]
    fn embeddings_come_in_order_and_in_the_format_asked_for() {
        let asked = json!({"model": "e5", "input": ["a", "b"]});
        let shuffled = json!([{"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1.0]}]);
        let reply = embedded(shuffled, asked.clone()).unwrap();
        assert_eq!(reply.data[0].embedding, Vector::Floats(vec![1.0]));
        let unnumbered = json!([{"embedding": [1.0]}, {"embedding": "AAAAQA=="}]);
        let reply = embedded(unnumbered, asked.clone()).unwrap();
        assert_eq!((reply.data[1].index, &reply.data[1].embedding), (1, &Vector::Floats(vec![2.0])));
        let mut base64 = asked.clone();
        base64["encoding_format"] = json!("base64");
        let reply = embedded(json!([{"embedding": [2.0]}, {"embedding": [2.0]}]), base64).unwrap();
        assert_eq!(reply.data[0].embedding, Vector::Base64("AAAAQA==".to_owned()));
        let mut wider = asked.clone();
        wider["dimensions"] = json!(2);
        assert!(embedded(json!([{"embedding": [2.0]}, {"embedding": [2.0]}]), wider).is_err());
        assert!(embedded(json!([{"embedding": [2.0]}]), asked.clone()).is_err());
        assert!(embedded(json!([{"index": 0, "embedding": [2.0]}, {"index": 5, "embedding": [2.0]}]), asked).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer_or_a_flaw(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = chat(&bytes, "big", 1);
            let _ = piece::<ChatChunk>(&bytes);
            let _ = piece::<CompletionResponse>(&bytes);
        }

        /// Nearly right JSON, which the repair sees.
        #[test]
        fn any_json_is_an_answer_or_a_flaw(
            choices in "(null|3|\\[(null|\\{\\}|\\{\"delta\":(null|\\{\"tool_calls\":\\[(1|\\{\\}|null)\\]\\})\\})\\])",
            created in "(null|1|1.5|\"x\"|1e999)",
        ) {
            let text = format!("{{\"choices\":{choices},\"created\":{created}}}");
            let _ = chat(text.as_bytes(), "big", 1);
            let _ = piece::<ChatChunk>(text.as_bytes());
        }
    }
}
