//! PostgreSQL by URL. One server at a time: the writer's session holds an advisory lock, so a writer that reconnects
//! takes it again or fails.

use std::sync::Arc;

use crate::database::writer::{Terms, Writer};
use crate::database::{Backend, Database, parse, readers};
use crate::error::StoreError;

const READERS: u32 = 8;

/// The lock's key is "freehold" in ASCII. Who finds it taken waits briefly: it may be its own former session, which
/// ends.
const WRITER: &str = "SET synchronous_commit = on; SET lock_timeout = '2s'; \
    SELECT pg_advisory_lock(7382075346042711140)";

const READER: &str = "SET default_transaction_read_only = on";

pub(super) async fn open(address: &str) -> Result<Database, StoreError> {
    if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
        return Err(StoreError::Address { detail: "it does not begin with postgres://".to_owned() });
    }
    let place: Arc<str> = without_password(address).into();
    let address = parse(address)?;
    let readers = readers(&address, READERS, READER, true);
    let terms = Terms { backend: Backend::Postgres, address, settings: WRITER, place: place.clone() };
    Ok(Database { backend: Backend::Postgres, writer: Writer::open(terms).await?, readers, place })
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
