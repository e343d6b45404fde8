//! Whether the epoch log and the history are what was written: the chain of hashes, then every row of history against
//! what the log says must be there.

mod expected;

use expected::{Expected, TABLES};

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

/// Sessions end without an id in the log, so only their beginnings are compared.
const UNEXPLAINED_SESSION: &str = "SELECT MIN(s.from_epoch) AS epoch FROM sessions s \
    LEFT JOIN epochs e ON e.epoch = s.from_epoch AND e.kind = 'add_session' WHERE e.epoch IS NULL";

impl Store {
    /// Reads the whole epoch log and checks every hash, then that the history has the rows that the log explains,
    /// begun and closed at its epochs, and no others. What a row says beyond ids is not hashed.
    ///
    /// # Errors
    /// [`StoreError::Tampered`] names an epoch that does not fit, the first one in the log.
    pub async fn verify_epochs(&self) -> Result<EpochProof, StoreError> {
        let (proof, mut expected) = verify_chain(self.database()).await?;
        for (table, select) in TABLES {
            for row in self.database().fetch_all(select).await? {
                let to_epoch = row.maybe_number("to_epoch")?.map(|to| u64::try_from(to).unwrap_or(0));
                expected.found(table, row.text("what")?, row.count("from_epoch")?, to_epoch);
            }
        }
        let session = self.database().fetch_optional(UNEXPLAINED_SESSION).await?;
        if let Some(epoch) = session.map(|row| row.maybe_number("epoch")).transpose()?.flatten() {
            expected.differs(u64::try_from(epoch).unwrap_or(0), "sessions has a row that the log does not explain");
        }
        match expected.first_difference() {
            Some((epoch, detail)) => Err(StoreError::Tampered { epoch, detail }),
            None => Ok(proof),
        }
    }
}

async fn verify_chain(database: &Database) -> Result<(EpochProof, Expected), StoreError> {
    let beginning = Head::beginning();
    let mut proof = EpochProof { epoch: beginning.epoch(), hash: beginning.into_hash() };
    let mut expected = Expected::default();
    loop {
        let entries = read(database, proof.epoch, 1_000).await?;
        if entries.is_empty() {
            return Ok((proof, expected));
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
            expected.apply(&entry);
            proof = EpochProof { epoch: entry.epoch, hash: entry.hash };
        }
    }
}
