//! `/score`: how likely a given continuation of a prompt is.

use axum::Json;
use axum::body::Bytes;
use tokio::sync::mpsc::unbounded_channel;
use wire::completion::Prompt;
use wire::engine::{ScoreReply, ScoreRequest};

use super::{Shared, read, text};
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::generation::room_for;
use crate::history::{History, Label};
use crate::job::{Event, Goal, Job};
use crate::native::Token;

pub(super) async fn score(engine: Shared, body: Bytes) -> Result<Json<ScoreReply>, EngineError> {
    let request: ScoreRequest = read(&body)?;
    let model = engine.text()?;
    let mut prompt = tokens("prompt", &request.prompt, model)?;
    let continuation = tokens("continuation", &request.continuation, model)?;
    if let Some(opening) = model.vocabulary.opening_token().filter(|opening| prompt.first() != Some(opening)) {
        prompt.insert(0, opening);
    }
    if prompt.is_empty() || continuation.is_empty() {
        let param = if prompt.is_empty() { "prompt" } else { "continuation" };
        return Err(EngineError::value(param, "it must have at least one token"));
    }
    let mut history = History::default();
    history.extend(&prompt, &Label::Private(engine.request_number()));
    history.extend(&continuation, &Label::Private(engine.request_number()));
    // The last token is scored and not computed, so the whole may fill the context.
    room_for(model, history.len() - 1)?;
    let (events, mut received) = unbounded_channel();
    let goal = Goal::Score { from: prompt.len() };
    model.queue.submit(vec![Job { prompt: history, adapter: request.adapter, goal, index: 0, events }])?;
    while let Some((_, event)) = received.recv().await {
        match event {
            Event::Scored(logprobs) => return Ok(Json(reply(&continuation, logprobs))),
            Event::Failed(error) => return Err(error),
            Event::Started { .. } | Event::Text { .. } | Event::Finished { .. } => {}
        }
    }
    Err(EngineError::Computation("the engine ended".to_owned()))
}

fn reply(continuation: &[Token], logprobs: Vec<f32>) -> ScoreReply {
    ScoreReply {
        tokens: continuation.iter().filter_map(|token| u32::try_from(*token).ok()).collect(),
        sum: logprobs.iter().map(|logprob| f64::from(*logprob)).sum(),
        logprobs,
    }
}

fn tokens(param: &str, prompt: &Prompt, model: &TextModel) -> Result<Vec<Token>, EngineError> {
    match prompt {
        Prompt::Text(words) => Ok(model.vocabulary.tokenize(words, false, true)),
        Prompt::Tokens(ids) => text::tokens(param, ids, model),
    }
}
