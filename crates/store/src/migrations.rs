//! Numbered migrations, each in one transaction together with its version number.

use std::borrow::Cow;

use domain::Timestamp;

use crate::database::{Backend, Database, values};
use crate::error::StoreError;

/// In order; the first is version 1. Written ones never change.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_state.sql"),
    include_str!("../migrations/0002_open_tables.sql"),
    include_str!("../migrations/0003_decisions.sql"),
    include_str!("../migrations/0004_knowledge.sql"),
    include_str!("../migrations/0005_index.sql"),
    include_str!("../migrations/0006_open_knowledge.sql"),
    include_str!("../migrations/0007_drawn.sql"),
    include_str!("../migrations/0008_break_glass.sql"),
    include_str!("../migrations/0009_shown.sql"),
];

/// The newest schema that this program knows.
const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Brings the schema up to date.
///
/// # Errors
/// [`StoreError::Newer`] where a newer program has been here; nothing is changed then.
pub(crate) async fn migrate(database: &Database, now: Timestamp) -> Result<(), StoreError> {
    let mut writing = database.write().await?;
    let create = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT)";
    writing.execute(create).await?;
    let rows = writing.fetch_all("SELECT COALESCE(MAX(version), 0) AS version FROM schema_version").await?;
    let found = rows.first().map_or(Ok(0), |row| row.number("version"))?;
    if found > KNOWN {
        return Err(StoreError::Newer { found, known: KNOWN });
    }
    for (script, version) in MIGRATIONS.iter().zip(1_i64..) {
        if version > found {
            writing.execute_script(&portable(script, database.backend())).await?;
            let insert = "INSERT INTO schema_version (version, applied_at) VALUES ($1, $2)";
            writing.execute((insert, values![version, now])).await?;
        }
    }
    writing.commit().await
}

/// In SQLite a primary key of this type, and of no other, is the table's own order: one tree less for each table.
fn portable(script: &'static str, backend: Backend) -> Cow<'static, str> {
    match backend {
        Backend::Sqlite => script.replace("BIGINT NOT NULL PRIMARY KEY", "INTEGER NOT NULL PRIMARY KEY").into(),
        Backend::Postgres => script.into(),
    }
}
