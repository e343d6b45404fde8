//! What an engine process holds once its model is loaded, and how it gets there.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;
use weights::gguf::GgufFile;
use wire::engine::{EngineProps, Health, HealthState};

use crate::constraint::Grammars;
use crate::counters::Counters;
use crate::embedding::{self, Embedder, EmbeddingCommand, Reader};
use crate::error::EngineError;
use crate::native::{Context, ContextOptions, Model};
use crate::options::{EngineOptions, Sizes};
use crate::prompt::Composer;
use crate::props;
use crate::queue::Queue;
use crate::scheduler::{Limits, Scheduler};
use crate::vocabulary::Vocabulary;

/// Most rows of logits of one batch: bounds the memory of scoring, whose every token needs one.
const OUTPUTS: u32 = 64;
/// Most tokens of one batch.
const BATCH: u32 = 512;

/// The state all routes share.
#[derive(Default)]
pub(crate) struct Engine {
    loaded: OnceLock<Loaded>,
    progress_permille: AtomicU32,
    stopping: AtomicBool,
    next_request: AtomicU64,
}

/// A loaded model and its thread.
pub(crate) enum Loaded {
    /// Writes text.
    Text(Box<TextModel>),
    /// Makes vectors.
    Embedding(Box<EmbeddingModel>),
}

/// A model that writes text.
pub(crate) struct TextModel {
    pub(crate) vocabulary: Arc<Vocabulary>,
    pub(crate) grammars: Grammars,
    /// None where the file has no chat template: then only completions work.
    pub(crate) composer: Option<Composer>,
    pub(crate) queue: Queue,
    pub(crate) props: EngineProps,
    pub(crate) context: usize,
}

/// A model that makes vectors.
pub(crate) struct EmbeddingModel {
    pub(crate) reader: Reader,
    pub(crate) commands: Sender<EmbeddingCommand>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) props: EngineProps,
    pub(crate) context: usize,
    pub(crate) queue: usize,
    pub(crate) query_prefix: String,
    pub(crate) passage_prefix: String,
}

impl Engine {
    /// Loads the model on a thread of its own and works there until told to stop. What comes back is the reason
    /// why the thread ended; nothing comes back from one that panicked.
    pub(crate) fn start(
        self: &Arc<Self>,
        options: EngineOptions,
    ) -> Result<oneshot::Receiver<Result<(), EngineError>>, EngineError> {
        let engine = Arc::clone(self);
        let (ended, end) = oneshot::channel();
        let work = move || {
            // The server may have ended first.
            let _ = ended.send(engine.work(&options));
        };
        let started = std::thread::Builder::new().name("model".to_owned()).spawn(work);
        started.map(|_| end).map_err(|error| EngineError::system("the model thread cannot start", error))
    }

    fn work(&self, options: &EngineOptions) -> Result<(), EngineError> {
        let model = Arc::new(self.load_model(&options.model)?);
        let sizes = options.sizes(model.train_context());
        match options.embeddings {
            true => self.work_on_embeddings(&model, options, sizes),
            false => self.work_on_text(&model, options, sizes),
        }
    }

    fn load_model(&self, path: &Path) -> Result<Model, EngineError> {
        let unusable = |reason: String| EngineError::Model { path: path.to_owned(), reason };
        // The reader of headers has limits that llama.cpp's lacks, so a damaged file ends here, in words.
        GgufFile::open(path).map_err(|error| unusable(error.to_string()))?;
        let mut report = |progress: f32| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let permille = (progress.clamp(0.0, 1.0) * 1000.0) as u32;
            self.progress_permille.store(permille, Ordering::Relaxed);
        };
        Model::load(path, &mut report).map_err(unusable)
    }

    fn work_on_text(&self, model: &Arc<Model>, options: &EngineOptions, sizes: Sizes) -> Result<(), EngineError> {
        let unusable = |reason: String| EngineError::Model { path: options.model.clone(), reason };
        if !model.generates() {
            return Err(unusable("it makes embeddings and does not write text; start it with --embeddings".to_owned()));
        }
        let vocabulary = Arc::new(Vocabulary::new(model));
        let grammars = Grammars::new(&vocabulary).map_err(unusable)?;
        let composer = Composer::of_model(model, &vocabulary).map_err(unusable)?;
        let reuse = !model.is_recurrent() && model.window() == 0;
        let sequences = sizes.slots * 2 + 2;
        let context_options = ContextOptions {
            cells: sizes.cells,
            sequences,
            batch: BATCH.min(sizes.cells),
            outputs: OUTPUTS.max(sizes.slots),
            threads: sizes.threads,
            embeddings: false,
        };
        let context = Context::new(model, context_options).map_err(unusable)?;
        let counters = Arc::new(Counters::default());
        let (commands, received) = channel();
        let slots = as_usize(sizes.slots);
        let limits = Limits {
            slots,
            sequences: as_usize(sequences),
            batch: as_usize(context_options.batch),
            outputs: as_usize(context_options.outputs),
            reuse,
        };
        let scheduler = Scheduler::new(model, Arc::clone(&vocabulary), context, limits, Arc::clone(&counters));
        let queue = Queue::new(commands, counters, as_usize(sizes.queue), slots);
        let props = props::of_text_model(model, sizes, composer.as_ref());
        let context = as_usize(sizes.context);
        self.publish(Loaded::Text(Box::new(TextModel { vocabulary, grammars, composer, queue, props, context })));
        scheduler.run(&received);
        Ok(())
    }

    fn work_on_embeddings(&self, model: &Arc<Model>, options: &EngineOptions, sizes: Sizes) -> Result<(), EngineError> {
        let unusable = |reason: String| EngineError::Model { path: options.model.clone(), reason };
        let reader = Reader::of_file(&options.model, model).map_err(unusable)?;
        let batch = BATCH.max(sizes.context);
        let context_options = ContextOptions {
            cells: batch,
            sequences: u32::try_from(embedding::SEQUENCES).unwrap_or(1),
            batch,
            outputs: batch,
            threads: sizes.threads,
            embeddings: true,
        };
        let context = Context::new(model, context_options).map_err(unusable)?;
        let counters = Arc::new(Counters::default());
        let (commands, received) = channel();
        let embedder = Embedder { context, batch_tokens: as_usize(batch), counters: Arc::clone(&counters) };
        self.publish(Loaded::Embedding(Box::new(EmbeddingModel {
            reader,
            commands,
            counters,
            props: props::of_embedding_model(model, sizes),
            context: as_usize(sizes.context),
            queue: as_usize(sizes.queue),
            query_prefix: options.query_prefix.clone().unwrap_or_default(),
            passage_prefix: options.passage_prefix.clone().unwrap_or_default(),
        })));
        embedder.run(&received);
        Ok(())
    }

    fn publish(&self, loaded: Loaded) {
        // Set once: `work` runs once.
        let _ = self.loaded.set(loaded);
        tracing::info!("ready");
    }

    /// The loaded model.
    ///
    /// # Errors
    /// `Unavailable` while it is being loaded or the engine is stopping.
    pub(crate) fn loaded(&self) -> Result<&Loaded, EngineError> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(EngineError::Unavailable("the engine is stopping; ask again soon".to_owned()));
        }
        let loading = || {
            let percent = self.progress_permille.load(Ordering::Relaxed) / 10;
            EngineError::Unavailable(format!("the model is being loaded ({percent} %); ask again soon"))
        };
        self.loaded.get().ok_or_else(loading)
    }

    /// The loaded model, where it writes text.
    pub(crate) fn text(&self) -> Result<&TextModel, EngineError> {
        match self.loaded()? {
            Loaded::Text(model) => Ok(model),
            Loaded::Embedding(_) => {
                Err(EngineError::unsupported("model", "it makes embeddings and does not write text"))
            }
        }
    }

    /// The loaded model, where it makes vectors.
    pub(crate) fn embedding(&self) -> Result<&EmbeddingModel, EngineError> {
        match self.loaded()? {
            Loaded::Embedding(model) => Ok(model),
            Loaded::Text(_) => Err(EngineError::unsupported("model", "it writes text and makes no embeddings")),
        }
    }

    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded.get().is_some()
    }

    pub(crate) fn health(&self) -> Health {
        let state = match (self.stopping.load(Ordering::Relaxed), self.loaded.get()) {
            (true, _) => HealthState::Stopping,
            (false, Some(_)) => HealthState::Ready,
            (false, None) => HealthState::Loading,
        };
        #[expect(clippy::cast_precision_loss, reason = "at most 1000")]
        let loading = self.progress_permille.load(Ordering::Relaxed) as f32 / 1000.0;
        Health { state, progress: if state == HealthState::Loading { loading } else { 1.0 } }
    }

    /// A number no other request of this process has.
    pub(crate) fn request_number(&self) -> u64 {
        self.next_request.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes no more requests and lets the model thread end when what it has is done.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        let told = match self.loaded.get() {
            Some(Loaded::Text(model)) => model.queue.send(crate::scheduler::Command::Stop).is_ok(),
            Some(Loaded::Embedding(model)) => model.commands.send(EmbeddingCommand::Stop).is_ok(),
            None => false,
        };
        tracing::info!(told, "stopping");
    }
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
