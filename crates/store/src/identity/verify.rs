//! Whether the epoch log and the history are what was written: the chain of hashes, and an entry for every row.

use super::epochs::{Head, read};
use crate::database::Database;
use crate::error::StoreError;
use crate::store::Store;

/// What was verified. Kept elsewhere, it shows later that the log only grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochProof {
    /// The newest epoch.
    pub epoch: u64,
    /// Its hash, hex: it stands for the whole log.
    pub hash: String,
}

/// Rows of history without an entry in the log that says so: somebody wrote them past [`Store::commit`].
/// `||` joins text; the ids of an entry are a JSON list in the order of `Change::ids`.
const UNEXPLAINED: [(&str, &str); 7] = [
    (
        "people",
        "SELECT MIN(h.from_epoch) AS epoch FROM people h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'put_person' AND e.ids = '[\"' || h.id || '\"]' WHERE e.epoch IS NULL",
    ),
    (
        "person_groups",
        "SELECT MIN(h.from_epoch) AS epoch FROM person_groups h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'put_group' AND e.ids = '[\"' || h.id || '\"]' WHERE e.epoch IS NULL",
    ),
    (
        "services",
        "SELECT MIN(h.from_epoch) AS epoch FROM services h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'put_service' AND e.ids = '[\"' || h.id || '\"]' WHERE e.epoch IS NULL",
    ),
    (
        "memberships",
        "SELECT MIN(h.from_epoch) AS epoch FROM memberships h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'add_member' AND e.ids = '[\"' || h.group_id || '\",\"' || h.member || '\"]' \
            WHERE e.epoch IS NULL",
    ),
    (
        "grants",
        "SELECT MIN(h.from_epoch) AS epoch FROM grants h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'grant_role' AND e.ids = '[\"' || h.token || '\",\"' || h.role || '\"]' \
            WHERE e.epoch IS NULL",
    ),
    (
        "access_keys",
        "SELECT MIN(h.from_epoch) AS epoch FROM access_keys h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND ((e.kind = 'add_key' AND e.ids = '[\"' || h.id || '\",\"' || h.holder || '\"]') \
            OR (e.kind = 'revoke_key' AND e.ids = '[\"' || h.id || '\"]')) WHERE e.epoch IS NULL",
    ),
    (
        "sessions",
        "SELECT MIN(h.from_epoch) AS epoch FROM sessions h LEFT JOIN epochs e ON e.epoch = h.from_epoch \
            AND e.kind = 'add_session' WHERE e.epoch IS NULL",
    ),
];

impl Store {
    /// Reads the whole epoch log and checks every hash, then that each row of history has its entry.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] names the first epoch that does not fit.
    pub async fn verify_epochs(&self) -> Result<EpochProof, StoreError> {
        let proof = verify_chain(self.database()).await?;
        for (table, select) in UNEXPLAINED {
            let row = self.database().fetch_optional(select).await?;
            if let Some(epoch) = row.map(|row| row.maybe_number("epoch")).transpose()?.flatten() {
                let epoch = u64::try_from(epoch).unwrap_or(0);
                return Err(StoreError::Tampered { epoch, detail: format!("a row of {table} is not in the log") });
            }
        }
        Ok(proof)
    }
}

async fn verify_chain(database: &Database) -> Result<EpochProof, StoreError> {
    let beginning = Head::beginning();
    let mut proof = EpochProof { epoch: beginning.epoch(), hash: beginning.into_hash() };
    loop {
        let entries = read(database, proof.epoch, 1_000).await?;
        if entries.is_empty() {
            return Ok(proof);
        }
        for entry in entries {
            let wrong = if entry.epoch != proof.epoch + 1 {
                Some("entries before it are missing")
            } else if entry.previous_hash != proof.hash {
                Some("it does not follow the entry before it")
            } else if entry.hash != entry.expected_hash() {
                Some("its hash does not fit its content")
            } else {
                None
            };
            if let Some(detail) = wrong {
                return Err(StoreError::Tampered { epoch: entry.epoch, detail: detail.to_owned() });
            }
            proof = EpochProof { epoch: entry.epoch, hash: entry.hash };
        }
    }
}
