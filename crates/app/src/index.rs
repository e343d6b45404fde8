//! The index of this installation: what makes documents findable. It follows the epochs by itself; nobody waits for it.
//!
//! - Full text comes first and vectors after it, each with the epoch up to which it is whole.
//! - What it reads it may `process` ([`access::Processing`]); what it makes is sealed again by the store.
//! - A generation is one folder. Another embedding model, a damaged file or a restored state begin a new one; the old one
//!   serves until that is whole.

mod cut;
mod follow;
mod forget;
mod generation;
mod passages;
mod status;
mod vectors;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::{Processing, PublicDocuments};
use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};

use crate::app::App;
use crate::error::AppError;

pub(crate) use cut::about_tokens;
pub use follow::follow;
pub(crate) use forget::forget;
pub(crate) use generation::Generation;
pub use status::{IndexFailureView, IndexStatus, status};
pub(crate) use vectors::question_vector;

/// The index of this installation.
pub struct Indexing {
    folder: PathBuf,
    /// The embedding model, by its name here.
    model: String,
    /// What serves.
    serving: ArcSwap<Generation>,
    /// What is being filled to take its place.
    next: ArcSwap<Option<Arc<Generation>>>,
    /// What ranking statistics come from, with a number that grows when it is renewed.
    public: ArcSwap<(u64, PublicDocuments)>,
    /// Documents may have changed.
    documents: Notify,
    /// Passages may have.
    passages: Notify,
    /// Held by whoever puts words into the full text, or takes them out.
    taking_text: Mutex<()>,
    /// The same of the vectors.
    taking_vectors: Mutex<()>,
    /// Held by whoever changes the policies, until it is known what they say of the index, and while it is judged by them.
    judging: Mutex<()>,
    /// The last epoch of which the log was told.
    told: AtomicU64,
}

impl Indexing {
    /// Opens the index in this folder, or begins one.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub async fn open(app: &App, folder: PathBuf, model: String) -> Result<Self, AppError> {
        let (serving, next) = generation::open(app, &folder, &model).await?;
        let public = app.snapshot().public_documents();
        Ok(Self {
            folder,
            model,
            serving: ArcSwap::from_pointee(serving),
            next: ArcSwap::from_pointee(next.map(Arc::new)),
            public: ArcSwap::from_pointee((0, public)),
            documents: Notify::new(),
            passages: Notify::new(),
            taking_text: Mutex::default(),
            taking_vectors: Mutex::default(),
            judging: Mutex::default(),
            told: AtomicU64::new(0),
        })
    }

    pub(crate) fn serving(&self) -> Arc<Generation> {
        self.serving.load_full()
    }

    pub(crate) fn public(&self) -> Arc<(u64, PublicDocuments)> {
        self.public.load_full()
    }

    fn next(&self) -> Option<Arc<Generation>> {
        self.next.load().as_ref().clone()
    }

    /// From now on this generation serves, unless another was begun meanwhile. Answers whether it does.
    fn serve(&self, generation: &Arc<Generation>) -> bool {
        let is_it = |next: &Option<Arc<Generation>>| next.as_ref().is_some_and(|next| Arc::ptr_eq(next, generation));
        let before = self.next.rcu(|next| next.as_ref().clone().filter(|_| !is_it(next)));
        let serves = is_it(&before);
        if serves {
            self.serving.store(generation.clone());
        }
        serves
    }

    /// Tells the log, once, that everything up to an epoch can be found.
    fn tell(&self, epoch: u64) {
        if self.told.swap(epoch, Ordering::Relaxed) != epoch {
            tracing::info!(epoch, "every document can be found");
        }
    }

    /// Says that documents changed.
    pub(crate) fn wake(&self) {
        self.documents.notify_one();
    }

    fn renew_statistics(&self, app: &App) {
        let number = self.public.load().0 + 1;
        self.public.store(Arc::new((number, app.snapshot().public_documents())));
    }
}

/// Changes the policies. Where they say otherwise than before of what may be in the index, it is made again by and by, also
/// after a crash.
pub(crate) async fn through_policies<T>(
    app: &App,
    change: impl Future<Output = Result<T, AppError>>,
) -> Result<T, AppError> {
    let Some(indexing) = &app.index else { return change.await };
    let _judging = indexing.judging.lock().await;
    let indexable = || Processing::of(&app.snapshot(), app.now()).all();
    let before = indexable();
    let generations = indexing.next().into_iter().chain([indexing.serving()]);
    // One that is to be made again already stays so.
    let good: Vec<Arc<Generation>> = generations.filter(|generation| generation.is_true_to_policies(app)).collect();
    let changed = change.await?;
    if indexable() == before {
        good.iter().for_each(|generation| generation.keep_to_policies(app));
    }
    indexing.wake();
    Ok(changed)
}

/// Makes the index again from the records, while the present one serves.
///
/// # Errors
/// There is no index, or its folder cannot be used.
pub async fn rebuild(app: &App) -> Result<IndexStatus, AppError> {
    let indexing = app.index()?;
    app.store.clear_index_failures(None).await?;
    let next = generation::begin(app, &indexing.folder, &indexing.model)?;
    if let Some(before) = indexing.next.swap(Arc::new(Some(Arc::new(next)))).as_ref() {
        generation::remove(&before.folder);
    }
    indexing.wake();
    status(app).await
}
