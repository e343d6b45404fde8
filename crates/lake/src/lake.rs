//! [`Lake`]: the open tables of one data folder. Changes are made one after another; readers never wait for them.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use domain::{Clock, Timestamp};
use iceberg::spec::{Operation, TableMetadata};
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard};

use crate::batch::columns_of;
use crate::catalog::CatalogStore;
use crate::commit::{Change, commit, publish, write_metadata};
use crate::error::{LakeError, of_table};
use crate::files::{Faults, LocalFiles, address};
use crate::live::Live;
use crate::relocate::{moved_to, relocate};
use crate::schema::new_table;
use crate::tables::{Definition, Table};
use crate::write::{Partition, arrow_schema, sorted, write_file};

/// Where the tables are.
pub struct LakeOptions {
    /// `DIR/lake`: made with mode 0700 where it is missing.
    pub folder: PathBuf,
    /// Which metadata file of each table is the newest.
    pub catalog: Arc<dyn CatalogStore>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Failures on demand, for tests; none by default.
    pub faults: Faults,
}

/// The open tables of one data folder. Cheap to clone; all clones are one lake.
#[derive(Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) folder: PathBuf,
    pub(crate) catalog: Arc<dyn CatalogStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) files: LocalFiles,
    tables: [ArcSwap<Live>; Table::ALL.len()],
    changes: Mutex<()>,
}

impl std::fmt::Debug for Lake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lake").field("folder", &self.inner.folder).finish_non_exhaustive()
    }
}

impl Lake {
    /// Opens the tables; makes those that are missing. What an interrupted change left behind goes.
    ///
    /// # Errors
    /// A folder or catalog that cannot be used, or a damaged table.
    pub async fn open(options: LakeOptions) -> Result<Self, LakeError> {
        let LakeOptions { folder, catalog, clock, faults } = options;
        let files = LocalFiles::new(faults);
        let opened = apart(async move {
            files.make_folder(&folder).map_err(|error| LakeError::of_file(&folder, error))?;
            let mut tables = Vec::new();
            for table in Table::ALL {
                let live = open_table(table.definition(), (&folder, clock.now()), catalog.as_ref(), &files).await?;
                tables.push(ArcSwap::from_pointee(live));
            }
            let tables = tables.try_into().map_err(|_| LakeError::Closed)?;
            Ok(Inner { folder, catalog, clock, files, tables, changes: Mutex::new(()) })
        });
        let lake = Self { inner: Arc::new(opened.await??) };
        lake.sweep().await?;
        Ok(lake)
    }

    /// The number of the last record in a table, from [`Lake::append`]; 0 where there is none.
    #[must_use]
    pub fn watermark(&self, table: Table) -> i64 {
        self.inner.live(table).watermark()
    }

    /// Adds records, which follow number `after`, to a table with the number of the last of them, in one commit: after a
    /// crash both are there, or neither. The records are JSON, with each column where the table's definition says.
    ///
    /// # Errors
    /// [`LakeError::Changed`] where the table's watermark is not `after`: somebody else who had begun this, and was not
    /// waited for, has added them. A record that does not fit, or a disk that fails. Then nothing was added.
    pub async fn append(
        &self,
        table: Table,
        records: Vec<Value>,
        (after, through): (i64, i64),
    ) -> Result<(), LakeError> {
        self.changing(move |lake| async move {
            let live = lake.live(table);
            if live.watermark() != after {
                return Err(LakeError::Changed { table: table.name().to_owned() });
            }
            let mut change = Change::of(Operation::Append);
            change.watermark = Some(through);
            for (partition, records) in by_partition(live.definition, &records)? {
                let rows = columns_of(live.definition.name, live.definition.columns, arrow_schema(&live)?, &records)?;
                change.added.push(write_file(&live, &partition, &sorted(live.definition, &rows)?).await?);
            }
            lake.commit(table, &live, change).await
        })
        .await
    }

    /// Runs a change of the tables, one after another.
    pub(crate) async fn changing<T, F>(&self, change: impl FnOnce(Arc<Changing>) -> F) -> Result<T, LakeError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, LakeError>> + Send + 'static,
    {
        let changing = Arc::new(Changing { inner: self.inner.clone() });
        let change = change(changing.clone());
        apart(async move {
            let _turn: MutexGuard<'_, ()> = changing.inner.changes.lock().await;
            change.await
        })
        .await?
    }

    /// Runs a reading on the threads of the lake.
    pub(crate) async fn reading<T, F>(&self, reading: impl FnOnce(Arc<Inner>) -> F) -> Result<T, LakeError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, LakeError>> + Send + 'static,
    {
        apart(reading(self.inner.clone())).await?
    }

    /// Waits for the change that is being made and closes the catalog.
    pub async fn close(&self) {
        let _turn = self.inner.changes.lock().await;
        self.inner.catalog.close().await;
    }
}

impl Inner {
    /// A table at its newest snapshot.
    pub(crate) fn live(&self, table: Table) -> Arc<Live> {
        self.tables[table as usize].load_full()
    }
}

/// The tables, for a change whose turn it is.
pub(crate) struct Changing {
    inner: Arc<Inner>,
}

impl std::ops::Deref for Changing {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.inner
    }
}

impl Changing {
    /// Commits and lets readers see it.
    pub(crate) async fn commit(&self, table: Table, live: &Live, change: Change) -> Result<(), LakeError> {
        let committed = commit(live, self.catalog.as_ref(), self.clock.now(), change).await;
        self.show(table, live, committed).await
    }

    /// Writes metadata without a new snapshot and lets readers see it.
    pub(crate) async fn publish(&self, table: Table, live: &Live, metadata: TableMetadata) -> Result<(), LakeError> {
        let published = publish(live, self.catalog.as_ref(), Some(&live.location), metadata).await;
        self.show(table, live, published).await
    }

    /// A failure may have come after the catalog had taken the change: what it names is the table.
    async fn show(&self, table: Table, live: &Live, next: Result<Live, LakeError>) -> Result<(), LakeError> {
        let (next, result) = match next {
            Ok(next) => (Some(next), Ok(())),
            Err(error) => {
                let named = self.catalog.location(live.definition.name).await.ok().flatten();
                let other = named.filter(|location| *location != live.location);
                let reload = other.map(|location| Live::load(live.definition, self.files.for_tables(), location));
                let reloaded = match reload {
                    Some(reload) => reload.await.ok(),
                    None => None,
                };
                (reloaded, Err(error))
            }
        };
        if let Some(next) = next {
            self.tables[table as usize].store(Arc::new(next));
        }
        result
    }
}

async fn open_table(
    definition: &'static Definition,
    (folder, now): (&Path, Timestamp),
    catalog: &dyn CatalogStore,
    files: &LocalFiles,
) -> Result<Live, LakeError> {
    if let Some(location) = catalog.location(definition.name).await? {
        if let Some(here) = moved_to(folder, definition, &location)? {
            return relocate(definition, (location, here), (folder, now), catalog, files).await;
        }
        return Live::load(definition, files.for_tables(), location).await;
    }
    let failed = of_table(definition.name);
    let location = address(&folder.join(definition.name))?;
    let metadata = new_table(definition, location).map_err(&failed)?;
    let file = write_metadata(&files.for_tables(), &metadata, 0).await.map_err(&failed)?;
    let live = Live::of(definition, files.for_tables(), file, metadata).await?;
    catalog.swap(definition.name, None, &live.location).await?;
    Ok(live)
}

/// The records by the partition where they belong.
fn by_partition<'a>(
    definition: &'static Definition,
    records: &'a [Value],
) -> Result<BTreeMap<Partition, Vec<&'a Value>>, LakeError> {
    let pointer = |name: &str| definition.column(name).map_or("", |(_, column)| column.at);
    let (time, task) = (pointer(definition.time), pointer("task"));
    let strange = || LakeError::Record { table: definition.name, detail: "a record without time or task".to_owned() };
    let mut partitions: BTreeMap<Partition, Vec<&Value>> = BTreeMap::new();
    for record in records {
        let at: Option<Timestamp> = record.pointer(time).and_then(Value::as_str).and_then(|at| at.parse().ok());
        let task = record.pointer(task).and_then(Value::as_str).ok_or_else(strange)?.to_owned();
        let day = at.ok_or_else(strange)?.micros().div_euclid(86_400_000_000);
        let partition = Partition { day: i32::try_from(day).map_err(|_| strange())?, task };
        partitions.entry(partition).or_default().push(record);
    }
    Ok(partitions)
}

/// Work on columns and files blocks threads: it has its own, which give way to the door's. They live as long as the
/// process.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, LakeError> {
    static THREADS: OnceLock<Option<Runtime>> = OnceLock::new();
    let threads = THREADS.get_or_init(|| {
        let builder = &mut tokio::runtime::Builder::new_multi_thread();
        let built = builder.worker_threads(2).thread_name("lake").on_thread_start(give_way).enable_all().build();
        built.inspect_err(|error| tracing::error!(%error, "the open tables have no threads")).ok()
    });
    let threads = threads.as_ref().ok_or(LakeError::Closed)?;
    threads.spawn(work).await.map_err(|_| LakeError::Closed)
}

/// On Linux the priority of a thread is its own.
fn give_way() {
    if cfg!(target_os = "linux")
        && let Err(error) = rustix::process::nice(10)
    {
        tracing::debug!(%error, "the threads of the open tables run at the door's priority");
    }
}
