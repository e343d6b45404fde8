//! How far the syncs of sources are, and what went wrong beside its name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::{SourceId, Timestamp};
use knowledge::source::{Inventory, SyncPlan};
use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;

use crate::error::AppError;

/// Flaws that are shown of one sync.
const MOST_FLAWS: usize = 100;

/// What a sync does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncStage {
    /// None was begun since this server started.
    #[default]
    Waiting,
    /// What is there is listed and compared.
    Listing,
    /// Documents are read.
    Reading,
    /// Everything that can be read is here.
    Done,
    /// It broke off, and begins again later.
    Failed,
}

/// How far the newest sync of a source is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, ToSchema)]
pub struct SyncState {
    /// What it does now.
    pub stage: SyncStage,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub began_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Documents that are there.
    pub listed: u64,
    /// Those that are as they were.
    pub unchanged: u64,
    /// Those to be read.
    pub to_read: u64,
    /// Those of them that were.
    pub read: u64,
    /// Documents that are gone, and were retired.
    pub retired: u64,
    /// Those in a part that could not be listed; they stay as they are.
    pub out_of_sight: u64,
    /// Documents that could not be read, and other flaws.
    pub failed: u64,
    /// The first of them.
    pub flaws: Vec<SyncFlaw>,
    /// Why it broke off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Something wrong with one document or part of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SyncFlaw {
    /// The file, message or conversation.
    pub name: String,
    /// What is wrong, and what to do.
    pub problem: String,
}

impl SyncState {
    pub(super) fn begin(&mut self, now: Timestamp) {
        *self = Self { stage: SyncStage::Listing, began_at: Some(now), ..Self::default() };
    }

    pub(super) fn planned(&mut self, plan: &SyncPlan<'_>, inventory: &Inventory) {
        self.stage = SyncStage::Reading;
        self.listed = inventory.entries.len() as u64;
        self.unchanged = plan.unchanged as u64;
        self.to_read = (plan.to_put.len() + plan.to_relist.len()) as u64;
        self.retired = plan.to_retire.len() as u64;
        self.out_of_sight = plan.out_of_sight as u64;
        for flaw in &inventory.flaws {
            self.flaw(&flaw.name, flaw.reason.to_string());
        }
        self.failed += inventory.more_flaws;
    }

    pub(super) fn failed(&mut self, name: &str, error: &AppError) {
        self.flaw(name, error.to_string());
    }

    fn flaw(&mut self, name: &str, problem: String) {
        self.failed += 1;
        if self.flaws.len() < MOST_FLAWS {
            self.flaws.push(SyncFlaw { name: name.to_owned(), problem });
        }
    }

    pub(super) fn end(&mut self, now: Timestamp, error: Option<AppError>) {
        self.stage = if error.is_none() { SyncStage::Done } else { SyncStage::Failed };
        self.ended_at = Some(now);
        self.error = error.map(|error| error.to_string());
    }
}

/// The syncs of all sources, as far as this server knows since it started.
#[derive(Debug, Default)]
pub struct Syncs {
    states: Mutex<BTreeMap<SourceId, SyncState>>,
    wakes: Mutex<BTreeMap<SourceId, Arc<Notify>>>,
    turns: Mutex<BTreeMap<SourceId, Arc<tokio::sync::Mutex<()>>>>,
    /// There may be another source.
    pub(super) sources: Notify,
}

impl Syncs {
    /// How far the newest sync of a source is.
    #[must_use]
    pub fn of(&self, source: SourceId) -> SyncState {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned().unwrap_or_default()
    }

    pub(super) fn change(&self, source: SourceId, change: impl FnOnce(&mut SyncState)) {
        change(self.states.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default());
    }

    /// Held by whoever brings a source to the present, or takes it away.
    pub(crate) fn turn(&self, source: SourceId) -> Arc<tokio::sync::Mutex<()>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default().clone()
    }

    /// What wakes the loop of a source.
    pub(super) fn bell(&self, source: SourceId) -> Arc<Notify> {
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner).entry(source).or_default().clone()
    }

    pub(super) fn wake(&self, source: SourceId) {
        self.bell(source).notify_one();
    }

    /// Says that there may be another source.
    pub(crate) fn source_made(&self) {
        self.sources.notify_one();
    }
}
