//! `/v1/chat/completions`.

mod collect;
mod prepare;
mod write;

use axum::Json;
use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use wire::chat::ChatRequest;
use wire::engine::Call;

use super::{Shared, read};
use crate::error::EngineError;
use crate::generation::submit;
use crate::stream;

pub(super) async fn complete(engine: Shared, body: Bytes) -> Result<Response, EngineError> {
    let call: Call<ChatRequest> = read(&body)?;
    call.request.validate().map_err(EngineError::Invalid)?;
    engine.text()?;
    // Templates, tokenization and grammars take the processor for a while: not on the thread that serves others.
    let shared = std::sync::Arc::clone(&engine.0);
    let prepared = tokio::task::spawn_blocking(move || {
        let model = shared.text()?;
        let prepared = prepare::prepare(model, &call, shared.request_number())?;
        let grammar = prepared.grammar.as_ref().map(|grammar| (grammar, prepared.grammar_param));
        let running = submit(model, vec![prepared.prompt], &prepared.parameters, grammar)?;
        Ok::<_, EngineError>((call.request, prepared.style, running))
    });
    let (request, style, running) =
        prepared.await.map_err(|error| EngineError::Computation(format!("preparing the request: {error}")))??;
    if request.streams() {
        let writer = write::ChunkWriter::new(&request, style, &running, std::sync::Arc::clone(&engine.0));
        return Ok(stream::respond(running.events, writer));
    }
    let response = collect::collect(&request, style, running, engine.text()?).await?;
    Ok(Json(response).into_response())
}
