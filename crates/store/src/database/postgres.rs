//! PostgreSQL by URL. One server at a time: the writer's session holds an advisory lock, so a writer that reconnects
//! takes it again or fails.

use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyPoolOptions;
use sqlx::{AnyConnection, AnyPool, SqlSafeStr};

use crate::database::{Backend, Database, failure, quiet};
use crate::error::StoreError;

const READERS: u32 = 8;

/// The key is "freehold" in ASCII. A writer that reconnects waits briefly for its former session to end.
const WRITER: &str = "SET synchronous_commit = on; SET lock_timeout = '2s'; \
    SELECT pg_advisory_lock(7382075346042711140); SET lock_timeout = '5s'";

const READER: &str = "SET default_transaction_read_only = on";

pub(super) async fn open(address: &str) -> Result<Database, StoreError> {
    if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
        return Err(StoreError::Address { detail: "it does not begin with postgres://".to_owned() });
    }
    let place: Arc<str> = without_password(address).into();
    let writer = connect(address, 1, WRITER, &place).await.map_err(|error| held(error, &place))?;
    let readers = connect(address, READERS, READER, &place).await?;
    Ok(Database { backend: Backend::Postgres, writer, readers, place })
}

async fn connect(address: &str, most: u32, settings: &'static str, place: &str) -> Result<AnyPool, StoreError> {
    let pool = AnyPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(move |connection, _| Box::pin(prepare(connection, settings)));
    // The writer keeps its session, and with it the lock, for as long as it lives.
    let pool = if most == 1 { pool.idle_timeout(None).max_lifetime(None) } else { pool };
    pool.connect_with(quiet(address)?).await.map_err(|error| failure::classify(error, place))
}

async fn prepare(connection: &mut AnyConnection, settings: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(settings.into_sql_str()).execute(connection).await.map(|_| ())
}

/// At the start the only lock that can time out is the advisory one.
fn held(error: StoreError, place: &str) -> StoreError {
    match error {
        StoreError::Unavailable { detail, .. } if detail.contains("lock timeout") => {
            StoreError::Locked { place: place.to_owned(), holder: None }
        }
        other => other,
    }
}

/// The address for messages: scheme, host and name.
fn without_password(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let rest = rest.split('?').next().unwrap_or_default();
    let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_do_not_carry_the_password() {
        assert_eq!(without_password("postgres://me:s3c@ret@db:5432/state?sslmode=prefer"), "postgres://db:5432/state");
        assert_eq!(without_password("postgresql://db/state?password=x"), "postgresql://db/state");
    }
}
