//! The epoch log: one entry for each change, chained by SHA-256, so that no entry can be altered, left out or put in
//! between without breaking every later hash.

use access::Actor;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::actor::{actor_of, columns};
use crate::database::{Database, Insert, Row, Value, json, values};
use crate::error::StoreError;
use crate::knowledge::Amendment;
use crate::store::{Store, bounded};

/// The kind of an entry whose change a restore lost.
pub(crate) const LOST: &str = "lost";

/// The hash before the first entry.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One permission-relevant change: opaque ids only, no names, no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochEntry {
    /// Counted from 1, without a gap; never goes back.
    pub epoch: u64,
    /// What kind of change: `put_person`, `add_member`, ...
    pub kind: String,
    /// What it is about.
    pub ids: Vec<String>,
    /// Who did it, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
    /// When.
    pub at: Timestamp,
    /// The hash of the entry before, hex; zeros before the first.
    pub previous_hash: String,
    /// SHA-256 over all of the above, hex.
    pub hash: String,
}

impl EpochEntry {
    /// SHA-256 over the previous hash and every field, each text behind its length so that no two entries have the
    /// same bytes.
    pub(super) fn expected_hash(&self) -> String {
        let mut hasher = Sha256::new();
        let mut text = |text: &str| {
            hasher.update((text.len() as u64).to_be_bytes());
            hasher.update(text.as_bytes());
        };
        text(&self.previous_hash);
        text(&self.kind);
        text(&self.ids.len().to_string());
        self.ids.iter().for_each(|id| text(id));
        text(&self.actor.as_ref().map(|actor| actor.principal.to_string()).unwrap_or_default());
        let via = self.actor.as_ref().map_or(&[][..], |actor| &actor.via);
        text(&via.len().to_string());
        via.iter().for_each(|service| text(&service.to_string()));
        hasher.update(self.epoch.to_be_bytes());
        hasher.update(self.at.micros().to_be_bytes());
        hex(&hasher.finalize())
    }
}

/// The end of the log.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    epoch: u64,
    hash: String,
    /// Set when a commit ended with its outcome unknown: the state is loaded again before the next.
    pub(super) stale: bool,
}

impl Head {
    /// Of an empty log.
    pub(super) fn beginning() -> Self {
        Self { epoch: 0, hash: BEGINNING.to_owned(), stale: false }
    }

    pub(super) fn into_hash(self) -> String {
        self.hash
    }

    pub(crate) const fn is_new(&self) -> bool {
        self.epoch == 0
    }

    pub(super) const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The entry for a change, now the end of the log.
    pub(super) fn append(&mut self, amendment: &Amendment, actor: Option<Actor>, at: Timestamp) -> EpochEntry {
        self.entry(amendment.kind(), amendment.ids(), actor, at)
    }

    /// An entry for a change that a restore lost.
    pub(super) fn append_lost(&mut self, at: Timestamp) -> EpochEntry {
        self.entry(LOST, Vec::new(), None, at)
    }

    fn entry(&mut self, kind: &str, ids: Vec<String>, actor: Option<Actor>, at: Timestamp) -> EpochEntry {
        let mut entry = EpochEntry {
            epoch: self.epoch + 1,
            kind: kind.to_owned(),
            ids,
            actor,
            at,
            previous_hash: self.hash.clone(),
            hash: String::new(),
        };
        entry.hash = entry.expected_hash();
        self.epoch = entry.epoch;
        self.hash.clone_from(&entry.hash);
        entry
    }
}

/// The end of the log in the database.
pub(super) async fn load_head(database: &Database) -> Result<Head, StoreError> {
    let newest = "SELECT epoch, hash FROM epochs ORDER BY epoch DESC LIMIT 1";
    match database.fetch_optional(newest).await? {
        Some(row) => Ok(Head { epoch: row.count("epoch")?, hash: row.text("hash")?.to_owned(), stale: false }),
        None => Ok(Head::beginning()),
    }
}

pub(super) static INSERT_EPOCHS: Insert =
    Insert::new("INSERT INTO epochs (epoch, kind, ids, actor, via, at, previous_hash, hash) VALUES", 8);

pub(super) fn row_of(entry: &EpochEntry) -> Result<Vec<Value>, StoreError> {
    let (kind, previous, hash) = (entry.kind.as_str(), entry.previous_hash.as_str(), entry.hash.as_str());
    let (actor, via) = columns(entry.actor.as_ref())?;
    Ok(values![entry.epoch, kind, json(&entry.ids)?, actor, via, entry.at, previous, hash])
}

/// Entries in order, after an epoch.
pub(super) async fn read(database: &Database, after: u64, limit: u32) -> Result<Vec<EpochEntry>, StoreError> {
    const SELECT: &str = "SELECT epoch, kind, ids, actor, via, at, previous_hash, hash FROM epochs \
        WHERE epoch > $1 ORDER BY epoch LIMIT $2";
    database.fetch_all((SELECT, values![after, limit])).await?.iter().map(entry_of).collect()
}

fn entry_of(row: &Row) -> Result<EpochEntry, StoreError> {
    Ok(EpochEntry {
        epoch: row.count("epoch")?,
        kind: row.text("kind")?.to_owned(),
        ids: row.json("ids")?,
        actor: actor_of(row)?,
        at: row.time("at")?,
        previous_hash: row.text("previous_hash")?.to_owned(),
        hash: row.text("hash")?.to_owned(),
    })
}

impl Store {
    /// The epoch log in order, after an epoch; 0 begins at the first. At most 1,000 entries.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn epochs(&self, after: u64, limit: u32) -> Result<Vec<EpochEntry>, StoreError> {
        read(self.database(), after, bounded(limit)).await
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
