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
        self.commit_after(0, actor, plan).await
    }

    /// The same after a restore: in the same transaction the epochs up to `lost_through` are filled with entries that say
    /// they were lost, for an epoch never goes back and has no gap.
    pub(crate) async fn commit_after<E: From<StoreError>>(
        &self,
        lost_through: u64,
        actor: Option<Actor>,
        plan: impl FnOnce(&Directory) -> Result<Vec<Change>, E> + Send,
    ) -> Result<Arc<Directory>, E> {
        let mut head = self.head().clone().lock_owned().await;
        if head.stale {
            reload(self.database(), self.snapshot(), &mut head).await?;
        }
        let directory = self.directory();
        let changes = plan(&directory)?;
        if changes.is_empty() && head.epoch() >= lost_through {
            return Ok(directory);
        }
        let commit = Commit {
            database: self.database().clone(),
            snapshot: self.snapshot().clone(),
            head,
            actor,
            at: self.now(),
            changes,
            lost_through,
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
    lost_through: u64,
    log: Arc<NarrowingLog>,
}

impl Commit {
    async fn run(mut self) -> Result<Arc<Directory>, StoreError> {
        let mut next = Directory::clone(&self.snapshot.load());
        let mut writing = self.database.write().await?;
        let mut head = self.head.clone();
        while head.epoch() < self.lost_through {
            let rows = (head.epoch()..self.lost_through.min(head.epoch() + 1_000)).map(|_| head.append_lost(self.at));
            let rows = rows.map(|entry| row_of(&entry)).collect::<Result<Vec<_>, _>>()?;
            INSERT_EPOCHS.run(&mut writing, &rows).await?;
        }
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
        if let Err(error) = self.log_narrowings(&next, narrowings).await {
            // The change itself is durable; the next one, or the next start, completes the log.
            tracing::error!(%error, "narrowings.log lacks a change: a restore until it is there would not replay it");
        }
        Ok(next)
    }

    /// Appends to the log of narrowings, with what it lacks from before.
    async fn log_narrowings(&self, next: &Directory, narrowings: Vec<Narrowing>) -> Result<(), StoreError> {
        let through = self.log.through().max(self.lost_through);
        let first = next.epoch().saturating_sub(narrowings.len() as u64) + 1;
        if first <= through + 1 {
            return self.log.append(&narrowings);
        }
        self.log.append(&narrowings_after(&self.database, next, through).await?)
    }
}

/// The changes of the epoch log after an epoch, for the log of narrowings that a crash or a full disk left behind.
pub(crate) async fn narrowings_after(
    database: &Database,
    directory: &Directory,
    epoch: u64,
) -> Result<Vec<Narrowing>, StoreError> {
    let (mut found, mut after) = (Vec::new(), epoch);
    loop {
        let entries = read(database, after, 1_000).await?;
        let Some(last) = entries.last() else { return Ok(found) };
        after = last.epoch;
        found.extend(entries.iter().map(|entry| Narrowing::from_log(entry, directory)));
    }
}

async fn reload(database: &Database, snapshot: &ArcSwap<Directory>, head: &mut Head) -> Result<(), StoreError> {
    let (directory, newest) = load_newest(database).await?;
    snapshot.store(Arc::new(directory));
    *head = newest;
    Ok(())
}
