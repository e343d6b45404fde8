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
use crate::store::Store;

pub use epochs::EpochEntry;
pub(crate) use epochs::{Head, hex};
pub(crate) use first::first_changes;
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
        };
        // A task of its own: when the caller goes in the middle, memory and disk still agree.
        match tokio::spawn(commit.run()).await {
            Ok(done) => Ok(done?),
            Err(error) => Err(self.database().unavailable(error.to_string()).into()),
        }
    }
}

struct Commit {
    database: Database,
    snapshot: Arc<ArcSwap<Directory>>,
    head: OwnedMutexGuard<Head>,
    actor: Option<Actor>,
    at: Timestamp,
    changes: Vec<Change>,
}

impl Commit {
    async fn run(mut self) -> Result<Arc<Directory>, StoreError> {
        let mut next = Directory::clone(&self.snapshot.load());
        let mut writing = self.database.write().await?;
        let mut head = self.head.clone();
        let mut history = History::new(&mut writing);
        for change in &self.changes {
            let entry = head.append(change, self.actor.clone(), self.at);
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
        Ok(next)
    }
}

async fn reload(database: &Database, snapshot: &ArcSwap<Directory>, head: &mut Head) -> Result<(), StoreError> {
    let (directory, newest) = load_newest(database).await?;
    snapshot.store(Arc::new(directory));
    *head = newest;
    Ok(())
}
