//! `/v1/embeddings`.

use axum::Json;
use axum::body::Bytes;
use tokio::sync::oneshot;
use wire::completion::Prompt;
use wire::embedding::{EmbeddingEntry, EmbeddingRequest, EmbeddingResponse, EmbeddingUsage, InputType, Vector};
use wire::engine::Call;

use super::{Shared, read};
use crate::embedding::{EmbeddingCommand, EmbeddingJob};
use crate::engine::EmbeddingModel;
use crate::error::EngineError;
use crate::native::Token;

pub(super) async fn embed(engine: Shared, body: Bytes) -> Result<Json<EmbeddingResponse>, EngineError> {
    let Call { request, .. } = read::<Call<EmbeddingRequest>>(&body)?;
    request.validate().map_err(EngineError::Invalid)?;
    let model = engine.embedding()?;
    let width = model.props.embedding_dimensions.unwrap_or(0);
    if request.dimensions.is_some_and(|dimensions| dimensions != width) {
        return Err(EngineError::value("dimensions", format_args!("the model has {width} and cannot be cut")));
    }
    let inputs = inputs(&request, model)?;
    let tokens = inputs.iter().map(Vec::len).sum::<usize>();
    let vectors = model.embed(inputs).await?;
    let format = request.encoding_format.unwrap_or_default();
    let entry = |(index, vector)| EmbeddingEntry {
        index,
        embedding: Vector::encode(vector, format),
        object: wire::embedding::EmbeddingObject,
    };
    let tokens = u32::try_from(tokens).unwrap_or(u32::MAX);
    Ok(Json(EmbeddingResponse {
        object: wire::list::ListObject,
        data: (0..).zip(vectors).map(entry).collect(),
        model: request.model,
        usage: EmbeddingUsage { prompt_tokens: tokens, total_tokens: tokens },
        freehold: None,
    }))
}

/// Token ids of all inputs, with the prefix the model wants for what they are.
fn inputs(request: &EmbeddingRequest, model: &EmbeddingModel) -> Result<Vec<Vec<Token>>, EngineError> {
    let prefix = match request.input_type {
        Some(InputType::Query) => &model.query_prefix,
        // What a text is not said to be, it is taken for what is stored.
        Some(InputType::Passage) | None => &model.passage_prefix,
    };
    let read = |(place, input): (usize, &Prompt)| {
        let tokens = match input {
            Prompt::Text(text) => model.reader.read(&format!("{prefix}{text}"))?,
            Prompt::Tokens(ids) => ids.iter().filter_map(|id| Token::try_from(*id).ok()).collect(),
        };
        let vocabulary = i64::from(model.props.vocabulary);
        if let Some(token) = tokens.iter().find(|token| i64::from(**token) >= vocabulary) {
            return Err(EngineError::value(
                format_args!("input[{place}]"),
                format_args!("the model has no token {token}"),
            ));
        }
        match tokens.len() {
            0 => Err(EngineError::value(format_args!("input[{place}]"), "it must have at least one token")),
            length if length > model.context => {
                Err(EngineError::ContextExceeded { prompt: length, limit: model.context })
            }
            _ => Ok(tokens),
        }
    };
    request.input.iter().enumerate().map(read).collect()
}

impl EmbeddingModel {
    /// Vectors of token lists, in order.
    async fn embed(&self, inputs: Vec<Vec<Token>>) -> Result<Vec<Vec<f32>>, EngineError> {
        if let Err(waiting) = self.counters.waiting.add_within(1, self.queue) {
            self.counters.refused.add(1);
            return Err(EngineError::QueueFull {
                waiting: usize::try_from(waiting).unwrap_or(usize::MAX),
                retry_after_seconds: self.counters.retry_after_seconds(1),
            });
        }
        let (reply, answer) = oneshot::channel();
        self.send(EmbeddingCommand::Embed(EmbeddingJob { inputs, reply }))?;
        answer.await.map_err(|_| EngineError::Computation("the engine ended".to_owned()))?
    }

    /// Sends a command to the model's thread.
    pub(super) fn send(&self, command: EmbeddingCommand) -> Result<(), EngineError> {
        let ended = |_| EngineError::Unavailable("the engine is stopping; ask again soon".to_owned());
        self.commands.send(command).map_err(ended)
    }
}
