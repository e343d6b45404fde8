//! `/v1/completions`.

mod answers;

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use wire::completion::{CompletionRequest, Prompt};
use wire::engine::{Call, EngineExtras};

use super::{Shared, read, text};
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::generation::{Parameters, submit};
use crate::history::{History, Label};
use crate::native::Token;
use crate::stream;
use answers::{Answers, ChunkWriter};

pub(super) async fn complete(engine: Shared, body: Bytes) -> Result<Response, EngineError> {
    let Call { request, engine: extras } = read::<Call<CompletionRequest>>(&body)?;
    request.validate().map_err(EngineError::Invalid)?;
    let model = engine.text()?;
    let number = engine.request_number();
    let prompts = request.prompt.iter().map(|prompt| tokens(prompt, model)).collect::<Result<Vec<_>, _>>()?;
    let histories = prompts.iter().enumerate().map(|(place, tokens)| {
        let label = extras.labels.get(place).and_then(Option::as_ref);
        let label = label.map_or(Label::Private(number), |label| Label::Shared(label.as_str().into()));
        let mut history = History::default();
        history.extend(tokens, &label);
        history
    });
    let histories: Vec<History> = histories.collect();
    if request.echo.unwrap_or(false) && request.logprobs.is_some() {
        let message = "log-probabilities of the prompt are not given; leave `echo` or `logprobs` out";
        return Err(EngineError::unsupported("echo", message));
    }
    let running = submit(model, histories, &parameters(&request, extras), None)?;
    let answers = Answers::new(&request, prompts, &running, Arc::clone(&engine.0));
    if request.streams() {
        let writer = ChunkWriter::new(answers, request.wants_usage());
        return Ok(stream::respond(running.events, writer));
    }
    Ok(Json(answers.collect(running.events).await?).into_response())
}

/// Tokens of a prompt, with the model's beginning of a text.
fn tokens(prompt: &Prompt, model: &TextModel) -> Result<Vec<Token>, EngineError> {
    let tokens = match prompt {
        Prompt::Text(words) => model.vocabulary.tokenize(words, true, true),
        Prompt::Tokens(ids) => text::tokens("prompt", ids, model)?,
    };
    match tokens.is_empty() {
        false => Ok(tokens),
        true => Err(EngineError::value("prompt", "it must have at least one token")),
    }
}

fn parameters(request: &CompletionRequest, extras: EngineExtras) -> Parameters {
    Parameters {
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        min_p: request.min_p,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        logit_bias: request.logit_bias.clone(),
        seed: request.seed,
        logprobs: request.logprobs.and_then(|count| usize::try_from(count).ok()),
        stops: request.stop.as_ref().map(|stop| stop.0.clone()).unwrap_or_default(),
        // What OpenAI takes where nothing is said.
        max_tokens: Some(request.max_tokens.unwrap_or(16)),
        answers: request.n,
        ignore_end: extras.ignore_eos,
        adapter: extras.adapter,
    }
}
