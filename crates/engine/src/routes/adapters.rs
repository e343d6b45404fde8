//! `/adapters`: load, list and unload LoRA adapters while requests run.

use axum::Json;
use axum::body::Bytes;
use tokio::sync::oneshot;
use wire::engine::{AdapterEntry, AdapterList, AdapterName};

use super::{Shared, read};
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::scheduler::Command;

pub(super) async fn list(engine: Shared) -> Result<Json<AdapterList>, EngineError> {
    let loaded = ask(engine.text()?, |reply| Command::Adapters { reply }).await?;
    let entry = |(name, path): (String, std::path::PathBuf)| AdapterEntry { name, path: path.display().to_string() };
    Ok(Json(AdapterList { data: loaded.into_iter().map(entry).collect() }))
}

pub(super) async fn load(engine: Shared, body: Bytes) -> Result<Json<AdapterEntry>, EngineError> {
    let entry: AdapterEntry = read(&body)?;
    if entry.name.is_empty() {
        return Err(EngineError::value("name", "it must not be empty"));
    }
    let (name, path) = (entry.name.clone(), entry.path.clone().into());
    ask(engine.text()?, |reply| Command::LoadAdapter { name, path, reply }).await??;
    Ok(Json(entry))
}

pub(super) async fn unload(engine: Shared, body: Bytes) -> Result<Json<AdapterName>, EngineError> {
    let entry: AdapterName = read(&body)?;
    let name = entry.name.clone();
    ask(engine.text()?, |reply| Command::UnloadAdapter { name, reply }).await??;
    Ok(Json(entry))
}

async fn ask<T>(model: &TextModel, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, EngineError> {
    let (reply, answer) = oneshot::channel();
    model.queue.send(command(reply))?;
    answer.await.map_err(|_| EngineError::Unavailable("the engine is stopping; ask again soon".to_owned()))
}
