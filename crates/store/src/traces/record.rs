//! The verbs that record an exchange, and what a key has spent by it.

use domain::{Capture, KeyId};

use super::TraceEntry;
use super::encode::Rows;
use crate::database::values;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// Records an exchange with what it leaves for later and adds to its key's spending, in one transaction; resolves
    /// once all of it is durable. Under capture `none` only the spending is kept, under `usage` no content.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an id that is there already, [`StoreError::Full`] while there is no room: then
    /// nothing of it is kept.
    pub async fn record(&self, entry: TraceEntry) -> Result<(), StoreError> {
        self.trace_writer().write(self.rows_of(entry)?).await
    }

    /// Records an exchange as [`Store::record`] does, for a caller who does not wait: it is durable within about a tenth
    /// of a second, or lost with what the process had not written when it was killed.
    ///
    /// # Errors
    /// Where the store is closed or the exchange cannot be encoded.
    pub async fn record_behind(&self, entry: TraceEntry) -> Result<(), StoreError> {
        self.trace_writer().write_behind(self.rows_of(entry)?).await
    }

    /// Of whom was erased only the spending is kept: a request of theirs may still have been running.
    fn rows_of(&self, mut entry: TraceEntry) -> Result<Rows, StoreError> {
        if self.refuses_records_of(entry.trace.caller.principal) {
            entry.trace.capture = Capture::None;
        }
        Rows::encode(entry)
    }

    /// What a key has spent in a month (see `Timestamp::month_index`), millionths of a US dollar.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn spent_micro_usd(&self, key: KeyId, month_index: i64) -> Result<u64, StoreError> {
        let select = "SELECT micro_usd FROM key_spending WHERE key_id = $1 AND month_index = $2";
        let row = self.database().fetch_optional((select, values![key, month_index])).await?;
        row.map_or(Ok(0), |row| row.count("micro_usd"))
    }
}
