//! [`App`]: what the verbs need, in one place: the state, the models, the clock, ids, limits and counters.

use std::sync::Arc;

use access::{Directory, Snapshot};
use domain::{Clock, Timestamp};
use models::Catalog;
use store::Store;
use tokio_util::task::TaskTracker;

use crate::counters::Counters;
use crate::error::AppError;
use crate::ids::Ids;
use crate::index::Indexing;
use crate::issuers::KeySets;
use crate::jobs::{self, Jobs};
use crate::limiter::Limiter;
use crate::need_to_know::LiveRules;
use crate::parsers::Parsers;
use crate::readiness::Readiness;
use crate::settings::LiveSettings;
use crate::shown::ShownTexts;
use crate::stock::Stock;
use crate::sync::Syncs;

/// What the verbs need. One for each process, shared by all requests.
pub struct App {
    /// The state: identity, records, settings.
    pub store: Store,
    /// Which models there are and who answers for them.
    pub models: Catalog,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and secrets.
    pub ids: Ids,
    /// Limits of keys.
    pub limiter: Limiter,
    /// Operational counters.
    pub counters: Counters,
    /// Settings that administrators change while the server runs.
    pub settings: LiveSettings,
    /// The keys of issuers whose tokens say for whom a service acts.
    pub key_sets: KeySets,
    /// Whether the parts that answer are there; the supervisor says so.
    pub readiness: Readiness,
    /// What is taken out of what somebody may read.
    pub(crate) need_to_know: LiveRules,
    /// What people were shown, as fingerprints.
    pub(crate) shown: ShownTexts,
    /// How far sources are that this server reads.
    pub syncs: Syncs,
    /// What goes on behind a request that has ended; waited for when the door closes.
    pub tasks: TaskTracker,
    /// The models of this machine, where it keeps any.
    pub(crate) stock: Option<Stock>,
    /// What reads files.
    parsers: Option<Parsers>,
    /// What makes documents findable.
    pub(crate) index: Option<Indexing>,
    /// The chat model that the assistant asks first.
    pub(crate) chat_model: Option<String>,
    /// The background jobs that this process works on.
    pub(crate) jobs: Jobs,
    /// The installation's key for hashes that remain where content does not.
    pub(crate) hash_key: [u8; 32],
}

/// What [`App::open`] is made of.
pub struct AppOptions {
    /// The state, opened.
    pub store: Store,
    /// The models, as configured.
    pub models: Catalog,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and secrets.
    pub ids: Ids,
    /// The keys of issuers, with the client through which they are fetched.
    pub key_sets: KeySets,
}

impl App {
    /// Puts the parts together; on a new installation makes the key of its hashes. Jobs that a server before this one
    /// left unfinished have failed.
    ///
    /// # Errors
    /// The state could not be read or written.
    pub async fn open(options: AppOptions) -> Result<Self, AppError> {
        let AppOptions { store, models, clock, ids, key_sets } = options;
        let settings = LiveSettings::open(&store, &models).await?;
        let hash_key = store.hash_key(ids.secret()).await?;
        let need_to_know = LiveRules::open(&store, &hash_key).await?;
        jobs::fail_interrupted(&store, clock.now()).await?;
        Ok(Self {
            store,
            models,
            clock,
            ids,
            limiter: Limiter::default(),
            counters: Counters::default(),
            settings,
            key_sets,
            readiness: Readiness::default(),
            need_to_know,
            shown: ShownTexts::new(&hash_key),
            syncs: Syncs::default(),
            tasks: TaskTracker::new(),
            stock: None,
            parsers: None,
            index: None,
            chat_model: None,
            jobs: Jobs::default(),
            hash_key,
        })
    }

    /// The same with the models of this machine, which are shown, pulled and removed by name.
    #[must_use]
    pub fn with_stock(mut self, stock: Option<Stock>) -> Self {
        self.stock = stock;
        self
    }

    /// The same with a parser for files.
    #[must_use]
    pub fn with_parsers(mut self, parsers: Parsers) -> Self {
        self.parsers = Some(parsers);
        self
    }

    /// The same with an index.
    #[must_use]
    pub fn with_index(mut self, index: Indexing) -> Self {
        self.index = Some(index);
        self
    }

    /// The same with the chat model that the assistant asks, where there are several.
    #[must_use]
    pub fn with_chat_model(mut self, name: String) -> Self {
        self.chat_model = Some(name);
        self
    }

    /// The index.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn index(&self) -> Result<&Indexing, AppError> {
        let message = || "this server has no index: start it with a data folder of its own".to_owned();
        self.index.as_ref().ok_or_else(|| AppError::Unavailable { message: message(), code: "index_unavailable" })
    }

    /// Says that documents changed.
    pub(crate) fn documents_changed(&self) {
        if let Some(index) = &self.index {
            index.wake();
        }
    }

    /// The parser for files.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn parsers(&self) -> Result<&Parsers, AppError> {
        let message = || "this server reads no files: send the document's text".to_owned();
        self.parsers.as_ref().ok_or_else(|| AppError::Unavailable { message: message(), code: "parser_unavailable" })
    }

    /// Waits for what goes on behind requests that have ended. Jobs stop where they are.
    pub async fn finish(&self) {
        jobs::stop(self);
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Everything that decisions depend on at the newest epoch.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.store.snapshot()
    }

    /// Identity at the newest epoch.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.store.directory()
    }
}
