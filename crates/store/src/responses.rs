//! Replies of the Responses API kept for later, with their exchange ([`Store::record`]): read by `previous_response_id` and by their owner.

use access::{Access, Sealed};
use domain::{Principal, Provenance, ResponseId, Timestamp, TraceId};
use serde_json::Value as Json;

use crate::contents;
use crate::database::{Insert, Row, Value, json, values};
use crate::error::StoreError;
use crate::store::Store;

/// A reply as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredResponse {
    /// Its id.
    pub id: ResponseId,
    /// Whose it is.
    pub owner: Principal,
    /// The reply it continues.
    pub previous: Option<ResponseId>,
    /// Its exchange.
    pub trace: Option<TraceId>,
    /// What it was made from.
    pub provenance: Provenance,
    /// Input and output, in whatever JSON the caller keeps them.
    pub body: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it goes; none keeps it until it is deleted.
    pub expires_at: Option<Timestamp>,
}

pub(crate) static INSERT_RESPONSES: Insert = Insert::new(
    "INSERT INTO responses (id, owner, previous_id, trace_id, provenance, created_at, expires_at) VALUES",
    7,
);

/// The rows of a reply: its own and that of its content.
pub(crate) fn rows_of(response: StoredResponse) -> Result<(Vec<Value>, Vec<Value>), StoreError> {
    let StoredResponse { id, owner, previous, trace, provenance, body, created_at, expires_at } = response;
    let row = values![id, owner, previous, trace, json(&provenance)?, created_at, expires_at];
    Ok((row, values![id, json(&body)?]))
}

impl Store {
    /// A reply, unless it has expired.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn response(&self, id: ResponseId) -> Result<Option<Sealed<StoredResponse>>, StoreError> {
        const SELECT: &str = "SELECT r.id, r.owner, r.previous_id, r.trace_id, r.provenance, r.created_at, \
            r.expires_at, COALESCE(a.body, b.body) AS body FROM responses r \
            LEFT JOIN contents_a a ON a.id = r.id LEFT JOIN contents_b b ON b.id = r.id \
            WHERE r.id = $1 AND (r.expires_at IS NULL OR r.expires_at > $2)";
        let row = self.database().fetch_optional((SELECT, values![id, self.now()])).await?;
        row.as_ref().map(response).transpose()
    }

    /// Deletes the caller's own reply. Answers whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn delete_response(&self, access: &Access, id: ResponseId) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let delete = "DELETE FROM responses WHERE id = $1 AND owner = $2";
        let deleted = writing.execute((delete, values![id, access.principal()])).await?;
        if deleted > 0 {
            contents::remove(&mut writing, &[id.to_string()]).await?;
        }
        writing.commit().await?;
        Ok(deleted > 0)
    }
}

fn response(row: &Row) -> Result<Sealed<StoredResponse>, StoreError> {
    let response = StoredResponse {
        id: row.parsed("id")?,
        owner: row.parsed("owner")?,
        previous: row.maybe_parsed("previous_id")?,
        trace: row.maybe_parsed("trace_id")?,
        provenance: row.json("provenance")?,
        body: row.json("body")?,
        created_at: row.time("created_at")?,
        expires_at: row.maybe_time("expires_at")?,
    };
    let (owner, provenance) = (response.owner, response.provenance.clone());
    Ok(Sealed::new(response, Some(owner), provenance))
}
