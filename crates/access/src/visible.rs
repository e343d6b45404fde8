//! [`VisibleSet`]: what one caller may do one thing with, as a set of audience classes. Search takes it by value.
//!
//! The same rules as [`crate::decide`], for all classes at once. What was computed for a caller is remembered and patched
//! forward by the journal of classes, so that a write of a document empties nothing; what depends on who asks (their
//! closure, what policies know of them) is compared, not versioned, so that others' changes cost nobody anything.

mod memo;
mod view;

use std::sync::Arc;

use domain::{Action, Timestamp};
use roaring::RoaringBitmap;

use crate::access::Access;
use crate::classes::ClassId;
use crate::persistent::Chunks;
use crate::policy::PolicyFault;

pub use memo::MemoCounts;
pub(crate) use memo::{Memo, MemoKey};
pub(crate) use view::{View, stale_places};

/// The classes that one caller may do one thing with, at one epoch. Made here and nowhere else, never stored.
#[derive(Debug, Clone)]
pub struct VisibleSet {
    classes: Arc<RoaringBitmap>,
    class_of: Chunks<u32>,
    epoch: u64,
    valid_until: Option<Timestamp>,
    faults: Arc<[PolicyFault]>,
}

impl VisibleSet {
    /// Whether documents of this class are among it.
    #[must_use]
    pub fn allows(&self, class: ClassId) -> bool {
        self.classes.contains(class.0)
    }

    /// Whether the document of this ordinal is among it: it is there, and its current version is of such a class. By the
    /// side table of the same epoch.
    #[must_use]
    pub fn sees(&self, ordinal: u32) -> bool {
        self.class_of.get(ordinal as usize).is_some_and(|class| self.classes.contains(*class))
    }

    /// The ordinals of the documents among it, in order.
    pub fn ordinals(&self) -> impl Iterator<Item = u32> {
        let numbered = (0_u32..).zip(self.class_of.iter());
        numbered.filter(|(_, class)| self.classes.contains(**class)).map(|(ordinal, _)| ordinal)
    }

    /// How many classes there are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.classes.len()
    }

    /// The epoch of the snapshot that it was made of.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When time alone changes it: a source becomes too old, or policies name the time. None: never.
    #[must_use]
    pub const fn valid_until(&self) -> Option<Timestamp> {
        self.valid_until
    }

    /// Policies that could not be evaluated for some class, which is not among it therefore. For the administrator.
    #[must_use]
    pub fn faults(&self) -> &[PolicyFault] {
        &self.faults
    }
}

impl Access {
    /// What this caller may do this with, remembered from before where it can be.
    #[must_use]
    pub fn visible(&self, action: Action) -> VisibleSet {
        let state = self.snapshot().state();
        let key = MemoKey::of(self, action);
        let before = state.memo.get(&key);
        let view = View::of(self, action, before.as_ref(), &state.memo);
        let stays = before.is_some_and(|before| Arc::ptr_eq(&before, &view) || before.is_ahead_of(&view));
        if !stays {
            state.memo.put(key, view.clone());
        }
        self.shown(&view)
    }

    /// The same computed from nothing, for measurements and tests.
    #[must_use]
    pub fn visible_anew(&self, action: Action) -> VisibleSet {
        self.shown(&View::of(self, action, None, &Memo::new(0)))
    }

    /// The numbers of the classes that this caller may do this with, of all or of some; remembered nowhere. For who
    /// compares two snapshots.
    pub(crate) fn visible_classes(&self, action: Action, some: Option<&RoaringBitmap>) -> Arc<RoaringBitmap> {
        match some {
            Some(some) => View::among(self, action, some).visible,
            None => View::of(self, action, None, &Memo::new(0)).visible.clone(),
        }
    }

    fn shown(&self, view: &View) -> VisibleSet {
        let state = self.snapshot().state();
        VisibleSet {
            classes: view.visible.clone(),
            class_of: state.documents.class_of().clone(),
            epoch: state.epoch,
            valid_until: view.valid_until(self),
            faults: view.faults.clone().into(),
        }
    }
}
