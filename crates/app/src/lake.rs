//! The open tables: what is in them, their upkeep, and the catalog by which other programs read them.

use access::Caller;
use domain::Timestamp;
use lake::Table;
pub use lake::{NAMESPACE, TableMetadata};
use serde::Serialize;
use serde_json::Value;
use store::NewAct;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;

/// For how long readers of an older snapshot keep its files, seconds.
const SNAPSHOT_SECONDS: i64 = 3_600;
/// Upkeep joins the files of a partition from so many on; a call for it joins from two on.
const MANY_FILES: usize = 12;

/// One open table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableRecord {
    /// Its name in the catalog.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Their size, bytes.
    pub bytes: u64,
    /// Partitions: a day and a task each.
    pub partitions: u64,
    /// Snapshots that can be read.
    pub snapshots: u64,
    /// The newest metadata file.
    pub metadata: String,
    /// Whether the catalog shows it: tables of content are not shown.
    pub shown: bool,
}

/// What a call for upkeep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct Tidied {
    /// Exchanges that went from the state into the tables.
    pub traces: u64,
    /// Feedback that did.
    pub feedback: u64,
    /// Decisions that did.
    pub decisions: u64,
    /// Rows of what is known that were copied: versions of documents, what was said of their rights, passages, vectors.
    pub known: u64,
    /// Files that were joined.
    pub files_before: u64,
    /// What they became.
    pub files_after: u64,
}

/// Something that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FlawRecord {
    /// The table.
    pub table: String,
    /// The file.
    pub file: String,
    /// What is wrong with it.
    pub problem: String,
}

/// What verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verified {
    /// Everything that is not as it was written; empty is good.
    pub flaws: Vec<FlawRecord>,
}

/// What is in the open tables.
#[must_use]
pub fn status(app: &App) -> Vec<TableRecord> {
    let shown = |name: &str| Table::named(name).is_some_and(|table| !table.is_content());
    let record = |status: lake::TableStatus| TableRecord {
        table: status.table.to_owned(),
        rows: status.rows,
        files: status.files,
        bytes: status.bytes,
        partitions: status.partitions,
        snapshots: status.snapshots,
        metadata: status.metadata,
        shown: shown(status.table),
    };
    app.store.lake().status().into_iter().map(record).collect()
}

/// Rolls what is hot into the tables and joins small files, because somebody asked.
///
/// # Errors
/// The state or the tables cannot be read or written.
pub async fn compact(app: &App, caller: &Caller) -> Result<Tidied, AppError> {
    let tidied = tidy(app, 2).await?;
    log(app, caller, "compact_lake", Vec::new()).await?;
    Ok(tidied)
}

/// The same in the background: joins where there are many.
///
/// # Errors
/// The state or the tables cannot be read or written.
pub async fn upkeep(app: &App) -> Result<Tidied, AppError> {
    tidy(app, MANY_FILES).await
}

/// Rolls what is hot into the tables.
///
/// # Errors
/// The state or the tables cannot be read or written.
pub async fn roll(app: &App) -> Result<Tidied, AppError> {
    let store::Rolled { traces, feedback, decisions, known } = app.store.roll().await?;
    Ok(Tidied { traces, feedback, decisions, known, ..Tidied::default() })
}

async fn tidy(app: &App, at_least: usize) -> Result<Tidied, AppError> {
    let rolled = roll(app).await?;
    let joined = app.store.lake().compact(at_least).await.map_err(store::StoreError::from)?;
    let before = Timestamp::plus_seconds(app.now(), -SNAPSHOT_SECONDS);
    app.store.lake().expire(before).await.map_err(store::StoreError::from)?;
    Ok(Tidied { files_before: joined.files_before, files_after: joined.files_after, ..rolled })
}

/// Reads every file of the tables and says what is not as it was written.
///
/// # Errors
/// The tables cannot be read at all.
pub async fn verify(app: &App) -> Result<Verified, AppError> {
    let flaws = app.store.lake().verify().await.map_err(store::StoreError::from)?;
    let record = |flaw: lake::Flaw| FlawRecord {
        table: flaw.table.to_owned(),
        file: flaw.file.display().to_string(),
        problem: flaw.problem,
    };
    Ok(Verified { flaws: flaws.into_iter().map(record).collect() })
}

/// The tables that the catalog shows: those of counts, ids and timings. What people said is their own: no role reads it.
pub fn catalog() -> impl Iterator<Item = &'static str> {
    Table::ALL.into_iter().filter(|table| !table.is_content()).map(Table::name)
}

/// What a program needs to read a table by itself. Who asked is logged.
///
/// # Errors
/// Not found, also where the table is one of content.
pub async fn open_table(app: &App, caller: &Caller, name: &str) -> Result<TableMetadata, AppError> {
    let table = Table::named(name).filter(|table| !table.is_content()).ok_or_else(AppError::not_found)?;
    log(app, caller, "read_table", vec![table.name().to_owned()]).await?;
    Ok(app.store.lake().metadata(table).map_err(store::StoreError::from)?)
}

async fn log(app: &App, caller: &Caller, verb: &str, ids: Vec<String>) -> Result<(), AppError> {
    let act = NewAct { actor: Some(caller.actor()), verb: verb.to_owned(), ids, detail: Value::Null };
    Ok(app.store.add_act(act).await?)
}
