//! What is erased goes from the index at once: it is a cache, but one of words.

use std::sync::Arc;

use domain::DocumentId;
use knowledge::KnowledgeError;
use tokio::sync::MutexGuard;

use super::Generation;
use crate::app::App;
use crate::error::AppError;

/// While this is held, the index takes nothing in.
pub(crate) struct Forgotten<'i> {
    _turns: [MutexGuard<'i, ()>; 2],
}

/// Takes a document out of every generation, and leaves no byte of its words in their files. To be held until it is
/// erased, so that nobody reads it once more meanwhile. None where there is no index.
///
/// # Errors
/// The folder of the index cannot be written: then some bytes may remain, and it is to be asked again.
pub(crate) async fn forget(app: &App, document: DocumentId) -> Result<Option<Forgotten<'_>>, AppError> {
    let Ok(indexing) = app.index() else { return Ok(None) };
    let turns = [indexing.taking_text.lock().await, indexing.taking_vectors.lock().await];
    if let Some(slot) = app.snapshot().ordinal(document) {
        for generation in [Some(indexing.serving()), indexing.next()].into_iter().flatten() {
            let removed = tokio::task::spawn_blocking(move || remove(&generation, slot)).await;
            removed.map_err(|_| AppError::ShuttingDown)??;
        }
    }
    Ok(Some(Forgotten { _turns: turns }))
}

fn remove(generation: &Arc<Generation>, slot: u32) -> Result<(), KnowledgeError> {
    let (text, vectors) = (&generation.index.text, &generation.index.vectors);
    text.remove(slot)?;
    text.purge()?;
    vectors.remove(slot)?;
    vectors.commit(vectors.stamp())?;
    while vectors.compact_if_needed()? {}
    Ok(())
}
