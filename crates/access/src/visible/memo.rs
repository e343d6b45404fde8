//! Visible sets that are remembered, least recently used first to go, within a number of bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Action, Principal, ServiceId};

use super::View;
use crate::access::Access;
use crate::bounds::Bounds;

/// Whose view it is. What else it depends on stands in the view and is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MemoKey {
    principal: Principal,
    via: Vec<ServiceId>,
    purpose: Option<String>,
    bounds: Bounds,
    action: Action,
}

impl MemoKey {
    pub(super) fn of(access: &Access, action: Action) -> Self {
        let named = access.snapshot().policies().names().purpose;
        Self {
            principal: access.principal(),
            via: access.via().to_vec(),
            purpose: access.purpose().filter(|_| named).map(str::to_owned),
            bounds: access.judge().bounds.clone(),
            action,
        }
    }
}

/// How remembered visible sets fared since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemoCounts {
    /// Nothing had changed.
    pub kept: u64,
    /// Some classes were looked at again.
    pub patched: u64,
    /// The lists were remembered; freshness and policies were looked at anew.
    pub narrowed: u64,
    /// Computed from nothing.
    pub anew: u64,
}

/// What became of one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fared {
    Kept,
    Patched,
    Narrowed,
    Anew,
}

/// The views that are remembered.
#[derive(Debug)]
pub(crate) struct Memo {
    most_bytes: usize,
    views: Mutex<Views>,
    counts: [AtomicU64; 4],
}

#[derive(Debug, Default)]
struct Views {
    by_key: HashMap<MemoKey, Kept>,
    by_use: BTreeMap<u64, MemoKey>,
    uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Kept {
    view: Arc<View>,
    used: u64,
    bytes: usize,
}

impl Memo {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, views: Mutex::default(), counts: Default::default() }
    }

    /// What is remembered under a key. The lock is held for a look-up, never while a view is computed.
    pub(super) fn get(&self, key: &MemoKey) -> Option<Arc<View>> {
        let mut views = self.lock();
        let view = views.by_key.get(key)?.view.clone();
        views.touch(key);
        Some(view)
    }

    pub(super) fn put(&self, key: MemoKey, view: Arc<View>) {
        let bytes = view.bytes();
        if bytes > self.most_bytes {
            return;
        }
        let mut views = self.lock();
        views.remove(&key);
        views.uses += 1;
        let used = views.uses;
        views.bytes += bytes;
        views.by_use.insert(used, key.clone());
        views.by_key.insert(key, Kept { view, used, bytes });
        while views.bytes > self.most_bytes {
            let Some((_, oldest)) = views.by_use.pop_first() else { break };
            views.remove(&oldest);
        }
    }

    pub(super) fn count(&self, fared: Fared) {
        if let Some(count) = self.counts.get(fared as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn counts(&self) -> MemoCounts {
        let [kept, patched, narrowed, anew] = [0, 1, 2, 3]
            .map(|index: usize| self.counts.get(index).map(|count| count.load(Ordering::Relaxed)).unwrap_or_default());
        MemoCounts { kept, patched, narrowed, anew }
    }

    fn lock(&self) -> MutexGuard<'_, Views> {
        // A thread that panicked left at worst a view that is not counted.
        self.views.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Views {
    fn touch(&mut self, key: &MemoKey) {
        self.uses += 1;
        if let Some(kept) = self.by_key.get_mut(key) {
            let before = std::mem::replace(&mut kept.used, self.uses);
            self.by_use.remove(&before);
            self.by_use.insert(self.uses, key.clone());
        }
    }

    fn remove(&mut self, key: &MemoKey) {
        if let Some(kept) = self.by_key.remove(key) {
            self.by_use.remove(&kept.used);
            self.bytes -= kept.bytes;
        }
    }
}
