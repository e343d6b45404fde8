//! Identity and all else that rights depend on: the one way in which it changes, its epoch log, its history.
//!
//! INVARIANT: the snapshot in memory is what is durable: it is swapped only after the transaction that holds the
//! state, the history rows and the epoch log.

mod epochs;
mod first;
mod history;
mod load;
mod verify;

use std::borrow::Cow;
use std::sync::Arc;

use access::{Actor, Change, Collection, Directory, Snapshot};
use arc_swap::ArcSwap;
use domain::Timestamp;
use tokio::sync::OwnedMutexGuard;

use crate::contents::Contents;
use crate::database::{Database, Writing};
use crate::error::StoreError;
use crate::identity::history::History;
use crate::knowledge::{Amendment, PUT_POLICIES, load_knowledge, policies_put_at};
use crate::narrowings::{Narrowing, NarrowingLog};
use crate::store::Store;

pub use epochs::EpochEntry;
pub(crate) use epochs::{Head, LOST, hex};
use epochs::{INSERT_EPOCHS, read, row_of};
pub(crate) use first::first_changes;
pub(crate) use history::token_of;
use load::load_newest;
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
        let identity = |snapshot: &Snapshot| Ok(plan(snapshot.directory())?.into_iter().map(Amendment::from).collect());
        self.amend(actor, identity).await
    }

    /// The one way in which anything else changes that rights depend on: as [`Store::commit`], with all that is known.
    ///
    /// # Errors
    /// As there.
    pub async fn amend<E: From<StoreError>>(
        &self,
        actor: Option<Actor>,
        plan: impl FnOnce(&Snapshot) -> Result<Vec<Amendment>, E> + Send,
    ) -> Result<Arc<Directory>, E> {
        self.amend_after(0, actor, plan).await
    }

    /// The same after a restore: in the same transaction the epochs up to `lost_through` are filled with entries that say
    /// they were lost, for an epoch never goes back and has no gap.
    pub(crate) async fn amend_after<E: From<StoreError>>(
        &self,
        lost_through: u64,
        actor: Option<Actor>,
        plan: impl FnOnce(&Snapshot) -> Result<Vec<Amendment>, E> + Send,
    ) -> Result<Arc<Directory>, E> {
        let turn = self.writer().await?;
        let amendments = plan(&self.snapshot())?;
        Ok(turn.run(self, (lost_through, actor), amendments).await?)
    }

    /// Waits until it is this one's turn to write.
    pub(crate) async fn writer(&self) -> Result<Turn, StoreError> {
        let mut writer = self.head().clone().lock_owned().await;
        if writer.head.stale {
            reload(self.database(), self.shown(), &mut writer).await?;
        }
        Ok(Turn(writer))
    }

    /// Reads everything again after rows were changed in place, which only an erasure does.
    pub(crate) async fn reload_identity(&self) -> Result<(), StoreError> {
        let mut writer = self.head().lock().await;
        reload(self.database(), self.shown(), &mut writer).await
    }
}

/// The end of the epoch log, and what snapshots are made from: there is one writer of both.
#[derive(Debug)]
pub(crate) struct Writer {
    head: Head,
    collection: Collection,
}

impl Writer {
    /// From what is durable.
    pub(crate) async fn load(database: &Database) -> Result<Self, StoreError> {
        let (directory, head) = load_newest(database).await?;
        let mut collection = Collection::new(directory);
        load_knowledge(database, &mut collection, head.epoch(), None).await?;
        Ok(Self { head, collection })
    }

    pub(crate) fn is_new(&self) -> bool {
        self.head.is_new()
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.collection.snapshot()
    }
}

/// The turn to write: nobody else does meanwhile.
pub(crate) struct Turn(OwnedMutexGuard<Writer>);

impl Turn {
    /// The newest epoch.
    pub(crate) fn epoch(&self) -> u64 {
        self.0.head.epoch()
    }

    /// Makes amendments durable in one transaction, each with the next epoch, then shows them.
    pub(crate) async fn amend(
        self,
        store: &Store,
        actor: Option<Actor>,
        amendments: Vec<Amendment>,
    ) -> Result<Arc<Directory>, StoreError> {
        self.run(store, (0, actor), amendments).await
    }

    async fn run(
        self,
        store: &Store,
        (lost_through, actor): (u64, Option<Actor>),
        amendments: Vec<Amendment>,
    ) -> Result<Arc<Directory>, StoreError> {
        if amendments.is_empty() && self.epoch() >= lost_through {
            return Ok(store.directory());
        }
        let commit = Commit {
            database: store.database().clone(),
            contents: store.contents().clone(),
            shown: store.shown().clone(),
            writer: self.0,
            actor,
            at: store.now(),
            amendments,
            lost_through,
            log: store.log().clone(),
        };
        // A task of its own: when the caller goes in the middle, memory and disk still agree.
        match tokio::spawn(commit.run()).await {
            Ok(done) => done,
            Err(error) => Err(store.database().unavailable(error.to_string())),
        }
    }
}

struct Commit {
    database: Database,
    contents: Contents,
    shown: Arc<ArcSwap<Snapshot>>,
    writer: OwnedMutexGuard<Writer>,
    actor: Option<Actor>,
    at: Timestamp,
    amendments: Vec<Amendment>,
    lost_through: u64,
    log: Arc<NarrowingLog>,
}

impl Commit {
    async fn run(mut self) -> Result<Arc<Directory>, StoreError> {
        let mut writing = self.database.write().await?;
        let mut head = self.writer.head.clone();
        while head.epoch() < self.lost_through {
            let rows = (head.epoch()..self.lost_through.min(head.epoch() + 1_000)).map(|_| head.append_lost(self.at));
            let rows = rows.map(|entry| row_of(&entry)).collect::<Result<Vec<_>, _>>()?;
            INSERT_EPOCHS.run(&mut writing, &rows).await?;
        }
        let first = head.epoch() + 1;
        let narrowings = self.write(&mut writing, &mut head).await?;
        if let Err(error) = writing.commit().await {
            // Whether it is durable is unknown now: what the database holds counts.
            self.writer.head.stale = true;
            reload(&self.database, &self.shown, &mut self.writer).await?;
            return Err(error);
        }
        for (epoch, amendment) in (first..).zip(&self.amendments) {
            self.writer.collection.apply(epoch, amendment.edit());
        }
        self.writer.collection.compact_if_needed();
        let next = self.writer.snapshot();
        self.shown.store(Arc::new(next.clone()));
        self.writer.head = head;
        if let Err(error) = self.log_narrowings(&next, narrowings).await {
            // The change itself is durable; the next one, or the next start, completes the log.
            tracing::error!(%error, "narrowings.log lacks a change: a restore until it is there would not replay it");
        }
        Ok(next.directory().clone())
    }

    /// Writes the entries of the epoch log and the rows of history.
    async fn write(&self, writing: &mut Writing, head: &mut Head) -> Result<Vec<Narrowing>, StoreError> {
        let shown = self.shown.load();
        let mut next = Cow::Borrowed(&**shown.directory());
        let mut history = History::new(writing, &self.contents);
        let mut narrowings = Vec::with_capacity(self.amendments.len());
        for amendment in &self.amendments {
            let entry = head.append(amendment, self.actor.clone(), self.at);
            narrowings.push(Narrowing::of(&entry, amendment));
            history.write(&entry, amendment, &next).await?;
            if let Amendment::Identity(change) = amendment {
                next.to_mut().apply(entry.epoch, change);
            }
        }
        history.flush().await?;
        Ok(narrowings)
    }

    /// Appends to the log of narrowings, with what it lacks from before.
    async fn log_narrowings(&self, next: &Snapshot, narrowings: Vec<Narrowing>) -> Result<(), StoreError> {
        let through = self.log.through().max(self.lost_through);
        let first = next.epoch().saturating_sub(narrowings.len() as u64) + 1;
        if first <= through + 1 {
            return self.log.append(&narrowings);
        }
        self.log.append(&narrowings_after(&self.database, next.directory(), through).await?)
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
        for entry in &entries {
            let policies =
                if entry.kind == PUT_POLICIES { policies_put_at(database, entry.epoch).await? } else { None };
            found.push(Narrowing::from_log(entry, directory, policies));
        }
    }
}

async fn reload(database: &Database, shown: &ArcSwap<Snapshot>, writer: &mut Writer) -> Result<(), StoreError> {
    *writer = Writer::load(database).await?;
    shown.store(Arc::new(writer.snapshot()));
    Ok(())
}
