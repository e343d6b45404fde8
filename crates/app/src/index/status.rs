//! How far the index is.

use domain::DocumentId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;

/// Failures that are shown.
const SHOWN: u32 = 20;

/// How far the index is, over the whole installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IndexStatus {
    /// Documents that are here and not yet findable as they are, by text and vector.
    pub pending: u64,
    /// Documents that are.
    pub indexed: u64,
    /// Documents that could not be made so.
    pub failed: u64,
    /// The epoch up to which everything is.
    pub epoch: u64,
    /// The epoch up to which everything is findable by its words.
    pub text_epoch: u64,
    /// The embedding model.
    pub model: String,
    /// Which one serves: each that is made again has a higher number.
    pub generation: u64,
    /// Whether it is being made again, while the old one serves.
    pub rebuilding: bool,
    /// The newest of those that failed.
    pub failures: Vec<IndexFailureView>,
}

/// A document that could not be made findable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct IndexFailureView {
    /// Which.
    #[schema(value_type = String)]
    pub document: DocumentId,
    /// Which of its versions.
    pub version: u32,
    /// Why.
    pub code: String,
}

/// How far the index is.
///
/// # Errors
/// There is none, or the records cannot be read.
pub async fn status(app: &App) -> Result<IndexStatus, AppError> {
    let indexing = app.index()?;
    let serving = indexing.serving();
    let text_epoch = serving.index.text.stamp();
    let through = text_epoch.min(serving.index.vectors.stamp());
    let snapshot = app.snapshot();
    let slots = 0..u32::try_from(snapshot.documents()).unwrap_or(u32::MAX);
    let live = slots.filter(|slot| snapshot.class_of(*slot).is_some()).count() as u64;
    let pending = app.store.put_after(through).await?.min(live);
    let failed = app.store.count_index_failures().await?.min(live - pending);
    let failures = app.store.index_failures(SHOWN).await?;
    let failures = failures.into_iter().map(|failure| IndexFailureView {
        document: failure.document,
        version: failure.version,
        code: failure.code,
    });
    Ok(IndexStatus {
        pending,
        indexed: live - pending - failed,
        failed,
        epoch: if pending == 0 { snapshot.epoch() } else { through },
        text_epoch: if pending == 0 { snapshot.epoch() } else { text_epoch },
        model: serving.model.clone(),
        generation: serving.number(),
        rebuilding: indexing.next.load().is_some(),
        failures: failures.collect(),
    })
}
