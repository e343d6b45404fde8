//! `/health`, `/props`, `/stats`, `/threads`.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use wire::engine::{EngineProps, EngineStats, Health, HealthState, ThreadsRequest};

use super::{Shared, read};
use crate::embedding::EmbeddingCommand;
use crate::engine::Loaded;
use crate::error::EngineError;
use crate::scheduler::Command;

/// 200 when requests are taken, else 503.
pub(super) async fn health(engine: Shared) -> (StatusCode, Json<Health>) {
    let health = engine.health();
    let status = match health.state {
        HealthState::Ready => StatusCode::OK,
        HealthState::Loading | HealthState::Stopping => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(health))
}

pub(super) async fn props(engine: Shared) -> Result<Json<EngineProps>, EngineError> {
    let props = match engine.loaded()? {
        Loaded::Text(model) => &model.props,
        Loaded::Embedding(model) => &model.props,
    };
    Ok(Json(props.clone()))
}

pub(super) async fn stats(engine: Shared) -> Result<Json<EngineStats>, EngineError> {
    Ok(Json(match engine.loaded()? {
        Loaded::Text(model) => model.queue.counters().stats(),
        Loaded::Embedding(model) => model.counters.stats(),
    }))
}

/// Changes how many threads compute, from the next step on.
pub(super) async fn threads(engine: Shared, body: Bytes) -> Result<Json<ThreadsRequest>, EngineError> {
    let request: ThreadsRequest = read(&body)?;
    if !(1..=512).contains(&request.threads) {
        return Err(EngineError::value("threads", "it must be between 1 and 512"));
    }
    match engine.loaded()? {
        Loaded::Text(model) => model.queue.send(Command::SetThreads(request.threads))?,
        Loaded::Embedding(model) => model.send(EmbeddingCommand::SetThreads(request.threads))?,
    }
    Ok(Json(request))
}
