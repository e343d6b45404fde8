//! [`App`]: what the verbs need, in one place: the state, the models, the clock, ids, limits and counters.

use std::sync::Arc;

use access::Directory;
use domain::{Clock, Timestamp};
use models::Catalog;
use store::Store;
use tokio_util::task::TaskTracker;

use crate::counters::Counters;
use crate::error::AppError;
use crate::ids::Ids;
use crate::limiter::Limiter;

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
    /// What goes on behind a request that has ended; waited for when the door closes.
    pub tasks: TaskTracker,
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
}

impl App {
    /// Puts the parts together; on a new installation makes the key of its hashes.
    ///
    /// # Errors
    /// The state could not be read or written.
    pub async fn open(options: AppOptions) -> Result<Self, AppError> {
        let AppOptions { store, models, clock, ids } = options;
        let hash_key = hash_key(&store, &ids).await?;
        Ok(Self {
            store,
            models,
            clock,
            ids,
            limiter: Limiter::default(),
            counters: Counters::default(),
            tasks: TaskTracker::new(),
            hash_key,
        })
    }

    /// Waits for what goes on behind requests that have ended.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
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

/// The key under which hashes are kept: made once, hashed from a fresh secret.
async fn hash_key(store: &Store, ids: &Ids) -> Result<[u8; 32], AppError> {
    const NAME: &str = "installation_hash_key";
    let secret = match store.setting(NAME).await? {
        Some(serde_json::Value::String(secret)) => secret,
        _ => {
            let secret = ids.secret();
            store.put_internal_setting(NAME, &secret.clone().into()).await?;
            secret
        }
    };
    Ok(*access::hash_secret(&secret).as_bytes())
}
