//! From what the databases say to [`StoreError`]: result codes of SQLite, SQLSTATE of PostgreSQL.

use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};

use crate::error::StoreError;

pub(super) fn classify(error: sqlx::Error, place: &str) -> StoreError {
    let place = place.to_owned();
    match error {
        sqlx::Error::Database(error) => of_database(error, place),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Corrupt { place, detail: error.to_string() }
        }
        sqlx::Error::Configuration(detail) => StoreError::Address { detail: detail.to_string() },
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Unavailable { place, detail: error.to_string() },
        other => StoreError::Database(Arc::new(other)),
    }
}

fn of_database(error: Box<dyn DatabaseError>, place: String) -> StoreError {
    let detail = error.message().to_owned();
    match error.kind() {
        ErrorKind::UniqueViolation => return StoreError::Conflict { detail },
        ErrorKind::ForeignKeyViolation => return StoreError::Missing { what: "what this belongs to" },
        _ => {}
    }
    let code = error.code().unwrap_or_default().into_owned();
    // SQLSTATE has five characters; SQLite's codes are numbers with up to four digits, the low byte is the kind.
    let named = if code.len() == 5 { of_sqlstate(&code) } else { of_sqlite(code.parse().unwrap_or(0)) };
    match named {
        Named::Full => StoreError::Full { place },
        Named::Locked => StoreError::Locked { place, holder: None },
        Named::Corrupt => StoreError::Corrupt { place, detail },
        Named::ReadOnly => StoreError::ReadOnly { place },
        Named::Unavailable => StoreError::Unavailable { place, detail },
        Named::Other => StoreError::Database(Arc::new(sqlx::Error::Database(error))),
    }
}

enum Named {
    Full,
    Locked,
    Corrupt,
    ReadOnly,
    Unavailable,
    Other,
}

/// <https://www.sqlite.org/rescode.html>
const fn of_sqlite(code: i32) -> Named {
    match code & 0xff {
        13 => Named::Full,
        11 | 26 => Named::Corrupt,
        8 => Named::ReadOnly,
        // BUSY, LOCKED, IOERR, CANTOPEN, PROTOCOL
        5 | 6 | 10 | 14 | 15 => Named::Unavailable,
        _ => Named::Other,
    }
}

/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>
fn of_sqlstate(code: &str) -> Named {
    match code {
        "53100" => Named::Full,
        "XX001" | "XX002" => Named::Corrupt,
        "25006" => Named::ReadOnly,
        // The only lock that is waited for with a limit is the one that keeps other servers out.
        "55P03" => Named::Locked,
        _ if ["08", "28", "3D", "53", "57"].iter().any(|class| code.starts_with(class)) => Named::Unavailable,
        _ => Named::Other,
    }
}
