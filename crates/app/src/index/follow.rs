//! The two loops that keep the index at the present: full text, and vectors behind it, so that nothing waits for a model
//! to be found by its words.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::{Generation, Indexing, generation, passages, vectors};
use crate::app::App;
use crate::error::AppError;

/// They look for changes this often, even where nobody said that there are some: another process may have made them.
const LOOK: Duration = Duration::from_secs(5);
/// How long they wait after a failure, unless something changes.
const REST: Duration = Duration::from_secs(2);

/// Keeps the index at the present until it is dropped.
pub async fn follow(app: Arc<App>) {
    let Ok(indexing) = app.index() else { return };
    tokio::join!(
        again(&indexing.documents, || text_pass(&app, indexing)),
        again(&indexing.passages, || vector_pass(&app, indexing)),
    );
}

/// Passes for as long as there is something to do, and then whenever there is again.
async fn again<F: Future<Output = Result<bool, AppError>>>(wake: &Notify, mut pass: impl FnMut() -> F) {
    loop {
        let rest = match pass().await {
            Ok(true) => continue,
            Ok(false) => LOOK,
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "the index waits, and goes on where it is");
                REST
            }
        };
        let _ = tokio::time::timeout(rest, wake.notified()).await;
    }
}

/// One step of the full text: of what serves, and of what is to take its place. Answers whether there may be more to do.
async fn text_pass(app: &App, indexing: &Indexing) -> Result<bool, AppError> {
    judge(app, indexing).await?;
    let _turn = indexing.taking_text.lock().await;
    let serving = passages::advance(app, &indexing.serving()).await?;
    if serving {
        indexing.renew_statistics(app);
    }
    let next = match indexing.next().as_ref() {
        Some(next) => passages::advance(app, next).await?,
        None => false,
    };
    if serving || next {
        indexing.passages.notify_one();
    }
    Ok(serving || next)
}

/// What was made by other policies than those in force is made again.
async fn judge(app: &App, indexing: &Indexing) -> Result<(), AppError> {
    let _judging = indexing.judging.lock().await;
    let newest = indexing.next().unwrap_or_else(|| indexing.serving());
    if !newest.is_true_to_policies(app) {
        tracing::info!("policies say otherwise of what may be found: the index is made again");
        super::rebuild(app).await?;
    }
    Ok(())
}

/// The same of the vectors. What is to take the place of the old does so once it is whole.
async fn vector_pass(app: &App, indexing: &Indexing) -> Result<bool, AppError> {
    let _turn = indexing.taking_vectors.lock().await;
    let serving = indexing.serving();
    let Some(next) = indexing.next() else {
        let advanced = advance(app, &serving).await?;
        if !advanced {
            indexing.tell(serving.index.vectors.stamp());
        }
        return Ok(advanced);
    };
    if advance(app, &next).await? {
        return Ok(true);
    }
    if !is_whole(app, &next).await? {
        return Ok(false);
    }
    if !indexing.serve(&next) {
        return Ok(true);
    }
    indexing.renew_statistics(app);
    generation::remove(&serving.folder);
    tracing::info!(model = next.model, "the index was made again and serves");
    Ok(true)
}

async fn advance(app: &App, generation: &Arc<Generation>) -> Result<bool, AppError> {
    if vectors::advance(app, generation).await? {
        return Ok(true);
    }
    let generation = generation.clone();
    let compacted = tokio::task::spawn_blocking(move || generation.index.vectors.compact_if_needed()).await;
    compacted.map_err(|_| AppError::ShuttingDown)??;
    Ok(false)
}

async fn is_whole(app: &App, generation: &Generation) -> Result<bool, AppError> {
    let (snapshot, index) = (app.snapshot(), &generation.index);
    let behind = index.text.stamp().min(index.vectors.stamp());
    Ok(passages::changes(app, &snapshot, behind, 1).await?.is_none())
}
