//! [`Store`]: the state of one installation, opened. Cheap to clone; all clones are one store.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use access::{Directory, Snapshot};
use arc_swap::ArcSwap;
use domain::{Clock, Principal, Timestamp};
use lake::{Faults, Lake, LakeOptions};
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::contents::Contents;
use crate::database::{Backend, Database};
use crate::decisions;
use crate::error::StoreError;
use crate::folder::Folder;
use crate::identity::{self, Writer};
use crate::lake_catalog::LakeCatalog;
use crate::migrations;
use crate::narrowings::{Narrowing, NarrowingLog};
use crate::traces::{TraceWriter, first_number};

/// Where the state is and what time it is.
#[derive(Clone)]
pub struct StoreOptions {
    /// The data folder: made with mode 0700 where it is missing.
    pub data_dir: PathBuf,
    /// `postgres://...`; none means SQLite in `state.db` in the data folder.
    pub database_url: Option<String>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Failures of the disk under the open tables, for tests; none by default.
    pub faults: Faults,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Whether more follow after the last.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// From one row more than was asked for, so that `has_more` needs no second query.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u32) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { data: rows, has_more }
    }
}

/// Lists answer between 1 and 1,000 entries.
pub(crate) fn bounded(limit: u32) -> u32 {
    limit.clamp(1, 1_000)
}

/// The state of one installation.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    data_dir: PathBuf,
    database: Database,
    shown: Arc<ArcSwap<Snapshot>>,
    writer: Arc<Mutex<Writer>>,
    clock: Arc<dyn Clock>,
    traces: TraceWriter,
    contents: Contents,
    lake: Lake,
    log: Arc<NarrowingLog>,
    upkeep: Mutex<()>,
    forgetting: RwLock<()>,
    erased: ArcSwap<HashSet<Principal>>,
    folder: std::sync::Mutex<Option<Arc<Folder>>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("epoch", &self.directory().epoch()).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the state: makes the folder and the schema where they are missing, takes the lock, loads identity. An
    /// empty state gets the person `admin` with all four roles. Needs a running Tokio runtime.
    ///
    /// # Errors
    /// What stands in the way: another server, a damaged or newer state, a folder or database that cannot be used.
    /// Nothing that was there is changed then.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions { data_dir, database_url, clock, faults } = options;
        let folder = Arc::new(Folder::open(&data_dir)?);
        let database = Database::open(&folder, database_url.as_deref()).await?;
        migrations::migrate(&database, clock.now()).await?;
        let (log, narrowings) = NarrowingLog::open(&folder)?;
        let writer = Writer::load(&database).await?;
        let empty = writer.is_new();
        let contents = Contents::load(&database).await?;
        let catalog = Arc::new(LakeCatalog::open(&folder).await?);
        let lake =
            Lake::open(LakeOptions { folder: folder.path("lake"), catalog, clock: clock.clone(), faults }).await?;
        let next = first_number(&database, &lake).await?.max(decisions::first_number(&database, &lake).await?);
        let traces = TraceWriter::start(database.clone(), contents.clone(), folder.clone(), next);
        let store = Self {
            inner: Arc::new(Inner {
                data_dir,
                database,
                shown: Arc::new(ArcSwap::from_pointee(writer.snapshot())),
                writer: Arc::new(Mutex::new(writer)),
                clock,
                traces,
                contents,
                lake,
                log: Arc::new(log),
                upkeep: Mutex::default(),
                forgetting: RwLock::default(),
                erased: ArcSwap::from_pointee(HashSet::new()),
                folder: std::sync::Mutex::new(Some(folder)),
            }),
        };
        if empty {
            let now = store.now();
            if let Err(error) = store.commit(None, |_| identity::first_changes(now)).await {
                store.close().await;
                return Err(error);
            }
        }
        if let Err(error) = store.catch_up(&narrowings).await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    /// Finishes what the last stop, a crash or a restore left to do, before anybody is let in.
    async fn catch_up(&self, narrowings: &[Narrowing]) -> Result<(), StoreError> {
        let through = self.log().through();
        if through < self.directory().epoch() {
            let missing = identity::narrowings_after(self.database(), &self.directory(), through).await?;
            self.log().append(&missing)?;
        }
        self.replay(narrowings).await?;
        self.resume_erasures().await
    }

    /// Everything that decisions depend on at the newest epoch, without a lock.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.inner.shown.load())
    }

    /// Identity at the newest epoch, without a lock.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        self.inner.shown.load().directory().clone()
    }

    /// Waits for what is being written, folds the write-ahead log into the database file and closes. What is asked
    /// of the store afterwards is refused. A process that dies instead loses nothing that was acknowledged.
    pub async fn close(&self) {
        self.inner.traces.stop().await;
        self.inner.lake.close().await;
        if self.database().backend() == Backend::Sqlite
            && let Err(error) = self.database().maintain("PRAGMA wal_checkpoint(TRUNCATE)").await
        {
            tracing::warn!(%error, "the write-ahead log was not folded in; the next start does it");
        }
        self.database().close().await;
        // Another server may come now.
        self.inner.folder.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Whether this path, or what it leads to, is in the data folder or above it.
    #[must_use]
    pub fn keeps_data_at(&self, path: &Path) -> bool {
        let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let (own, other) = (whole(&self.inner.data_dir), whole(path));
        own.starts_with(&other) || other.starts_with(&own)
    }

    pub(crate) fn database(&self) -> &Database {
        &self.inner.database
    }

    /// The open tables: their state, upkeep and verification. Rows leave them through the store's own verbs.
    #[must_use]
    pub fn lake(&self) -> &Lake {
        &self.inner.lake
    }

    pub(crate) fn log(&self) -> &Arc<NarrowingLog> {
        &self.inner.log
    }

    /// Held by what moves or removes records, one after another.
    pub(crate) fn upkeep(&self) -> &Mutex<()> {
        &self.inner.upkeep
    }

    /// From now on nothing that this person or service asks is recorded.
    pub(crate) fn refuse_records_of(&self, principal: Principal) {
        self.inner.erased.rcu(|erased| {
            let mut erased = HashSet::clone(erased);
            erased.insert(principal);
            erased
        });
    }

    pub(crate) fn refuses_records_of(&self, principal: Principal) -> bool {
        self.inner.erased.load().contains(&principal)
    }

    /// While this is held, no record is forgotten.
    pub(crate) async fn keeping(&self) -> RwLockReadGuard<'_, ()> {
        self.inner.forgetting.read().await
    }

    /// Waits for whoever builds on records that are about to be forgotten.
    pub(crate) async fn forgetting(&self) -> RwLockWriteGuard<'_, ()> {
        self.inner.forgetting.write().await
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.inner.contents
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn head(&self) -> &Arc<Mutex<Writer>> {
        &self.inner.writer
    }

    pub(crate) fn shown(&self) -> &Arc<ArcSwap<Snapshot>> {
        &self.inner.shown
    }

    pub(crate) fn trace_writer(&self) -> &TraceWriter {
        &self.inner.traces
    }
}
