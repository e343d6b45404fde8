//! Identity: the one way in which it changes ([`Store::commit`]), its epoch log, its history.
//!
//! INVARIANT: the snapshot in memory is what is durable: it is swapped only after the transaction that holds the
//! state, the history rows and the epoch log.

mod epochs;
mod first;
mod history;
mod load;
mod verify;

use std::sync::Arc;

use access::{Actor, Change, Directory};
use arc_swap::ArcSwap;
use domain::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::database::Database;
use crate::error::StoreError;
use crate::identity::history::History;
use crate::narrowings::{Narrowing, NarrowingLog};
use crate::store::Store;

pub use epochs::EpochEntry;
pub(crate) use epochs::{Head, LOST, hex};
use epochs::{INSERT_EPOCHS, read, row_of};
pub(crate) use first::first_changes;
pub(crate) use history::token_of;
pub(crate) use load::load_newest;
pub use verify::EpochProof;

impl Store {
    /// The one way in which identity changes. `plan` sees the newest snapshot under the write lock and refuses or
    /// answers with changes, in order; each takes the next epoch. All of them become durable in one transaction, then
    /// the snapshot is swapped. No changes, no epoch. A key made for another person also leaves that person a notice.
    ///
    /// # Errors
    /// The plan's own, or why nothing was written: then nothing has changed, on disk or in memory.
    pub async fn commit<E: From<StoreError>>(
        &self,
        actor: Option<Actor>,
        plan: impl FnOnce(&Directory) -> Result<Vec<Change>, E> + Send,
    ) -> Result<Arc<Directory>, E> {
        let mut head = self.head().clone().lock_owned().await;
        if head.stale {
            reload(self.database(), self.snapshot(), &mut head).await?;
        }
        let directory = self.directory();
        let changes = plan(&directory)?;
        if changes.is_empty() {
            return Ok(directory);
        }
        let commit = Commit {
            database: self.database().clone(),
            snapshot: self.snapshot().clone(),
            head,
            actor,
            at: self.now(),
            changes,
            log: self.log().clone(),
        };
        // A task of its own: when the caller goes in the middle, memory and disk still agree.
        match tokio::spawn(commit.run()).await {
            Ok(done) => Ok(done?),
            Err(error) => Err(self.database().unavailable(error.to_string()).into()),
        }
    }
}

impl Store {
    /// Fills the epochs up to one with entries that say they were lost: an epoch never goes back, and has no gap.
    pub(crate) async fn skip_to(&self, through: u64) -> Result<(), StoreError> {
        let mut head = self.head().lock().await;
        let mut writing = self.database().write().await?;
        let mut next = head.clone();
        while next.epoch() < through {
            let rows = (next.epoch()..through.min(next.epoch() + 1_000)).map(|_| next.append_lost(self.now()));
            let rows = rows.map(|entry| row_of(&entry)).collect::<Result<Vec<_>, _>>()?;
            INSERT_EPOCHS.run(&mut writing, &rows).await?;
        }
        writing.commit().await?;
        *head = next;
        reload(self.database(), self.snapshot(), &mut head).await
    }

    /// The changes of the epoch log after an epoch, for the log of narrowings that a crash left behind.
    pub(crate) async fn narrowings_after(&self, epoch: u64) -> Result<Vec<Narrowing>, StoreError> {
        let (mut found, mut after) = (Vec::new(), epoch);
        loop {
            let entries = read(self.database(), after, 1_000).await?;
            let Some(last) = entries.last() else { return Ok(found) };
            after = last.epoch;
            let directory = self.directory();
            found.extend(entries.iter().map(|entry| Narrowing::from_log(entry, &directory)));
        }
    }

    /// Reads identity again after its rows were changed in place, which only an erasure does.
    pub(crate) async fn reload_identity(&self) -> Result<(), StoreError> {
        let mut head = self.head().lock().await;
        reload(self.database(), self.snapshot(), &mut head).await
    }
}

struct Commit {
    database: Database,
    snapshot: Arc<ArcSwap<Directory>>,
    head: OwnedMutexGuard<Head>,
    actor: Option<Actor>,
    at: Timestamp,
    changes: Vec<Change>,
    log: Arc<NarrowingLog>,
}

impl Commit {
    async fn run(mut self) -> Result<Arc<Directory>, StoreError> {
        let mut next = Directory::clone(&self.snapshot.load());
        let mut writing = self.database.write().await?;
        let mut head = self.head.clone();
        let mut history = History::new(&mut writing);
        let mut narrowings = Vec::with_capacity(self.changes.len());
        for change in &self.changes {
            let entry = head.append(change, self.actor.clone(), self.at);
            narrowings.push(Narrowing::of(&entry, change));
            history.write(&entry, change, &next).await?;
            next.apply(entry.epoch, change);
        }
        history.flush().await?;
        if let Err(error) = writing.commit().await {
            // Whether it is durable is unknown now: what the database holds counts.
            self.head.stale = true;
            reload(&self.database, &self.snapshot, &mut self.head).await?;
            return Err(error);
        }
        let next = Arc::new(next);
        self.snapshot.store(next.clone());
        *self.head = head;
        // The change itself is durable: a log that fails now is completed at the next start.
        if let Err(error) = self.log.append(&narrowings) {
            tracing::error!(%error, "narrowings.log lacks a change: a restore before the next start would not replay it");
        }
        Ok(next)
    }
}

async fn reload(database: &Database, snapshot: &ArcSwap<Directory>, head: &mut Head) -> Result<(), StoreError> {
    let (directory, newest) = load_newest(database).await?;
    snapshot.store(Arc::new(directory));
    *head = newest;
    Ok(())
}
