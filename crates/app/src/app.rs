//! [`App`]: what the verbs need, in one place: the state, the models, the clock, ids, limits and counters.

use std::sync::Arc;

use access::Directory;
use domain::{Clock, Timestamp};
use models::Catalog;
use store::Store;

use crate::ids::Ids;

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
}

/// What [`App::new`] is made of.
pub struct AppOptions {
    /// The state, opened.
    pub store: Store,
    /// The models, as configured.
    pub models: Catalog,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids and secrets.
    pub ids: Ids,
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(options: AppOptions) -> Self {
        let AppOptions { store, models, clock, ids } = options;
        Self { store, models, clock, ids }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Identity at the newest epoch.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.store.directory()
    }
}
