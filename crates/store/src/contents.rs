//! Content: what was said, in tables of its own, kept so that removed bytes do not stay behind.
//!
//! SQLite overwrites what is deleted, but a page that it lays out anew keeps old copies of what moved elsewhere. So
//! there are two tables: rows are only ever added to one of them; after a removal all that is left moves to the other,
//! and the emptied one gives back its pages, which are overwritten whole. A row is in one of the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::Timestamp;
use serde::Serialize;

use crate::database::{Backend, Database, Insert, Sql, Value, Writing, json, values};
use crate::error::StoreError;

/// Rows that move in one transaction; fewer where they are large.
const MOST_ROWS: i64 = 256;
/// Bytes of text that move in one transaction, roughly.
const MOST_BYTES: i64 = 8 << 20;

static INSERT: [Insert; 2] = [
    Insert::new("INSERT INTO contents_a (id, body) VALUES", 2),
    Insert::new("INSERT INTO contents_b (id, body) VALUES", 2),
];

const DELETE: [&str; 2] = ["DELETE FROM contents_a WHERE id IN ", "DELETE FROM contents_b WHERE id IN "];

/// Which of the two tables takes new rows. Read and changed only while writing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Contents {
    second: Arc<AtomicBool>,
}

impl Contents {
    pub(crate) async fn load(database: &Database) -> Result<Self, StoreError> {
        let second = noted(database, "second_table").await? == Some(1);
        Ok(Self { second: Arc::new(AtomicBool::new(second)) })
    }

    fn current(&self) -> usize {
        usize::from(self.second.load(Ordering::SeqCst))
    }

    /// Adds rows of id and body.
    pub(crate) async fn insert<R: AsRef<[Value]>>(&self, writing: &mut Writing, rows: &[R]) -> Result<(), StoreError> {
        INSERT[self.current()].run(writing, rows).await
    }

    /// The statements that add rows of id and body.
    pub(crate) fn statements<R: AsRef<[Value]>>(&self, rows: &[R]) -> Vec<Sql> {
        INSERT[self.current()].of(rows)
    }

    /// Adds one body as JSON.
    pub(crate) async fn add<T: Serialize + Sync>(
        &self,
        writing: &mut Writing,
        id: String,
        body: &T,
    ) -> Result<(), StoreError> {
        self.insert(writing, &[values![id, json(body)?]]).await
    }

    /// The statement that adds one row.
    pub(crate) fn insert_one(&self) -> &'static str {
        INSERT[self.current()].one()
    }
}

/// Removes content, and counts that it did, so that [`compact`] has something to do. Answers how many rows went.
pub(crate) async fn remove(writing: &mut Writing, ids: &[String]) -> Result<u64, StoreError> {
    const COUNT: &str = "INSERT INTO upkeep (name, number) VALUES ('removals', 1) \
        ON CONFLICT (name) DO UPDATE SET number = upkeep.number + 1";
    let mut removed = 0;
    for part in ids.chunks(500) {
        for start in DELETE {
            let mut delete = Sql::from(start);
            delete.bind_list(part.iter().cloned());
            removed += writing.execute(delete).await?;
        }
    }
    if removed > 0 {
        writing.execute(COUNT).await?;
    }
    Ok(removed)
}

/// Moves what is left to the other table where content was removed since the last time; with `at_most_daily` only
/// once in a day (UTC). Answers whether nothing of what was removed remains. PostgreSQL reuses the space of removed
/// rows when it vacuums; there is nothing to do here.
pub(crate) async fn compact(
    database: &Database,
    contents: &Contents,
    now: Timestamp,
    at_most_daily: bool,
) -> Result<bool, StoreError> {
    if database.backend() == Backend::Postgres {
        return Ok(true);
    }
    let (removals, compacted) = (noted(database, "removals").await?, noted(database, "compacted").await?);
    if removals != compacted {
        let last_day = noted(database, "compacted_on").await?;
        if at_most_daily && last_day == Some(day(now)) {
            return Ok(false);
        }
        // What an interrupted move left behind goes first.
        move_all(database, 1 - contents.current()).await?;
        let (from, covered) = turn(database, contents).await?;
        move_all(database, from).await?;
        let mut writing = database.write().await?;
        note(&mut writing, "compacted", covered).await?;
        note(&mut writing, "compacted_on", day(now)).await?;
        writing.commit().await?;
    }
    empty_log(database).await
}

/// Makes the other table take new rows from now on. Answers which one did so far, and how many removals there were.
async fn turn(database: &Database, contents: &Contents) -> Result<(usize, i64), StoreError> {
    let mut writing = database.write().await?;
    let from = contents.current();
    note(&mut writing, "second_table", i64::from(from == 0)).await?;
    let rows = writing.fetch_all("SELECT number FROM upkeep WHERE name = 'removals'").await?;
    let covered = rows.first().map_or(Ok(0), |row| row.number("number"))?;
    // The writer is held until memory agrees: nobody adds rows in between.
    writing.commit_and(|| contents.second.store(from == 0, Ordering::SeqCst)).await?;
    Ok((from, covered))
}

async fn move_all(database: &Database, from: usize) -> Result<(), StoreError> {
    const CHOOSE: [&str; 2] = [
        "SELECT id, CAST(LENGTH(body) AS BIGINT) AS size FROM contents_a ORDER BY id LIMIT $1",
        "SELECT id, CAST(LENGTH(body) AS BIGINT) AS size FROM contents_b ORDER BY id LIMIT $1",
    ];
    const COPY: [&str; 2] = [
        "INSERT INTO contents_b (id, body) SELECT id, body FROM contents_a WHERE id IN ",
        "INSERT INTO contents_a (id, body) SELECT id, body FROM contents_b WHERE id IN ",
    ];
    // Without a condition the pages go as they are, the last one too.
    const CLEAR: [&str; 2] = ["DELETE FROM contents_a", "DELETE FROM contents_b"];
    loop {
        let mut writing = database.write().await?;
        let (mut ids, mut bytes) = (Vec::new(), 0);
        for row in writing.fetch_all((CHOOSE[from], values![MOST_ROWS])).await? {
            if bytes < MOST_BYTES {
                ids.push(row.text("id")?.to_owned());
            }
            bytes += row.number("size")?;
        }
        if ids.is_empty() {
            writing.execute(CLEAR[from]).await?;
            return writing.commit().await;
        }
        for start in [COPY[from], DELETE[from]] {
            let mut statement = Sql::from(start);
            statement.bind_list(ids.iter().cloned());
            writing.execute(statement).await?;
        }
        writing.commit().await?;
    }
}

/// The write-ahead log still holds pages as they were before they were overwritten. A reader in the middle prevents
/// emptying it; the next time does it then.
async fn empty_log(database: &Database) -> Result<bool, StoreError> {
    let rows = database.maintain("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    rows.first().map_or(Ok(true), |row| Ok(row.number("busy")? == 0))
}

async fn note(writing: &mut Writing, name: &str, number: i64) -> Result<(), StoreError> {
    let put = "INSERT INTO upkeep (name, number) VALUES ($1, $2) \
        ON CONFLICT (name) DO UPDATE SET number = excluded.number";
    writing.execute((put, values![name, number])).await.map(drop)
}

async fn noted(database: &Database, name: &str) -> Result<Option<i64>, StoreError> {
    let row = database.fetch_optional(("SELECT number FROM upkeep WHERE name = $1", values![name])).await?;
    row.map(|row| row.number("number")).transpose()
}

/// Days since 1970, UTC.
pub(crate) const fn day(time: Timestamp) -> i64 {
    time.micros().div_euclid(86_400_000_000)
}
