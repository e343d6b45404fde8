//! Secrets of the installation itself: made once, never shown by any route, never in the audit.

use access::hash_secret;

use crate::database::values;
use crate::error::StoreError;
use crate::store::Store;

impl Store {
    /// The key of hashes that remain where content does not: SHA-256 of a secret that is made once. `candidate` becomes
    /// that secret where there is none yet.
    ///
    /// # Errors
    /// Where the state cannot be read or written.
    pub async fn hash_key(&self, candidate: String) -> Result<[u8; 32], StoreError> {
        const INSERT: &str = "INSERT INTO installation_secrets (name, secret) VALUES ('hash_key', $1) \
            ON CONFLICT (name) DO NOTHING";
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, values![candidate])).await?;
        let rows = writing.fetch_all("SELECT secret FROM installation_secrets WHERE name = 'hash_key'").await?;
        writing.commit().await?;
        let secret = rows.first().map_or(Ok(""), |row| row.text("secret"))?;
        Ok(*hash_secret(secret).as_bytes())
    }
}
