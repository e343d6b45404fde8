//! The one connection that writes. Callers wait for it in their order; one that breaks is made anew by the next.

use std::sync::Arc;

use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, Connection, SqlSafeStr};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::database::{Backend, failure};
use crate::error::StoreError;

/// How to make a connection that writes.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) backend: Backend,
    pub(super) address: AnyConnectOptions,
    /// Statements that prepare each new connection.
    pub(super) settings: &'static str,
    pub(super) place: Arc<str>,
}

/// Where the connection is kept while nobody writes.
#[derive(Debug)]
pub(super) enum Slot {
    Closed,
    Free(Option<Box<AnyConnection>>),
}

#[derive(Debug, Clone)]
pub(super) struct Writer {
    slot: Arc<Mutex<Slot>>,
    terms: Arc<Terms>,
}

impl Writer {
    /// Connects at once, so that the start fails with the reason.
    pub(super) async fn open(terms: Terms) -> Result<Self, StoreError> {
        let connection = terms.connect().await?;
        Ok(Self { slot: Arc::new(Mutex::new(Slot::Free(Some(connection)))), terms: Arc::new(terms) })
    }

    /// Waits for the connection.
    pub(super) async fn take(&self) -> Taken {
        Taken { slot: self.slot.clone().lock_owned().await, terms: self.terms.clone() }
    }

    /// Waits for what is being written and closes for good.
    pub(super) async fn close(&self) {
        let slot = std::mem::replace(&mut *self.slot.lock().await, Slot::Closed);
        if let Slot::Free(Some(connection)) = slot
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the connection that writes did not close cleanly");
        }
    }
}

impl Terms {
    async fn connect(&self) -> Result<Box<AnyConnection>, StoreError> {
        let failed = |error| failure::classify(error, &self.place);
        let mut connection = AnyConnection::connect_with(&self.address).await.map_err(failed)?;
        sqlx::raw_sql(self.settings.into_sql_str()).execute(&mut connection).await.map_err(failed)?;
        Ok(Box::new(connection))
    }
}

/// The connection, for one caller.
pub(super) struct Taken {
    slot: OwnedMutexGuard<Slot>,
    terms: Arc<Terms>,
}

impl Taken {
    pub(super) fn place(&self) -> &Arc<str> {
        &self.terms.place
    }

    pub(super) fn backend(&self) -> Backend {
        self.terms.backend
    }

    /// The connection; made where there is none.
    pub(super) async fn connection(&mut self) -> Result<&mut AnyConnection, StoreError> {
        if let Slot::Free(free @ None) = &mut *self.slot {
            *free = Some(self.terms.connect().await?);
        }
        match &mut *self.slot {
            Slot::Free(Some(connection)) => Ok(connection),
            Slot::Free(None) | Slot::Closed => {
                let place = self.terms.place.to_string();
                Err(StoreError::Unavailable { place, detail: "the store is closed".to_owned() })
            }
        }
    }

    /// Gives the connection up; what it had begun is undone by the database.
    pub(super) fn discard(&mut self) {
        if let Slot::Free(free) = &mut *self.slot {
            *free = None;
        }
    }
}
