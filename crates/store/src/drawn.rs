//! What each person has drawn from sealed matters: marks under a key, no words.

use access::Drawn;
use domain::Principal;

use crate::database::{json, values};
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// What somebody has drawn so far.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn drawn(&self, principal: Principal) -> Result<Drawn, StoreError> {
        let select = "SELECT body FROM drawn WHERE principal = $1";
        let row = self.database().fetch_optional((select, values![principal])).await?;
        row.map_or_else(|| Ok(Drawn::default()), |row| row.json("body"))
    }

    /// Keeps what somebody has drawn.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn put_drawn(&self, principal: Principal, drawn: &Drawn) -> Result<(), StoreError> {
        let put = "INSERT INTO drawn (principal, body) VALUES ($1, $2) \
            ON CONFLICT (principal) DO UPDATE SET body = excluded.body";
        let mut writing = self.database().write().await?;
        writing.execute((put, values![principal, json(drawn)?])).await?;
        writing.commit().await
    }
}
