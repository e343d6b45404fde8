//! What is remembered of one caller's visible set, and how it is brought up to the present.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{Action, ListToken, Timestamp};
use roaring::{MultiOps, RoaringBitmap};

use super::memo::{Fared, Memo};
use crate::access::Access;
use crate::classes::{Class, ClassId, Classes, Projection};
use crate::policy::{Asker, Circumstances, Opinion, PolicyFault};
use crate::snapshot::State;
use crate::source::is_fresh;

/// With more changes than this to look at, computing from nothing is faster.
const MOST_PATCHED: usize = 50_000;
/// With more classes than this, bitmaps are faster than asking each.
const MOST_ASKED_SINGLY: u64 = 10_000;

/// A visible set as of one place in the journal, with all that it depends on besides.
#[derive(Debug, Clone)]
pub(crate) struct View {
    generation: u64,
    journal: usize,
    names: Arc<BTreeSet<ListToken>>,
    /// What lists alone allow.
    listed: Arc<RoaringBitmap>,
    /// The number of the policies, who asked and in what circumstances: what `refused` holds for.
    heard: (u64, Asker, Circumstances),
    /// By projection, for those that were asked about.
    refused: BTreeMap<u32, bool>,
    pub(super) faults: Vec<PolicyFault>,
    /// The places whose source was not heard of for too long, or that the key is not for.
    shut: BTreeSet<u32>,
    /// What everything allows.
    pub(super) visible: Arc<RoaringBitmap>,
}

impl View {
    /// The view of the present, from one of before where that still holds in part; the same one where nothing changed.
    pub(super) fn of(access: &Access, action: Action, before: Option<&Arc<Self>>, memo: &Memo) -> Arc<Self> {
        let Some(known) = before.filter(|before| before.leads_to(access)) else {
            memo.count(Fared::Anew);
            return Arc::new(Self::anew(access, action));
        };
        let (heard, shut) = (heard(access), shut(access, action));
        let holds = (&known.heard, &known.shut) == (&heard, &shut);
        let classes = &access.snapshot().state().classes;
        if holds && known.journal == classes.journal_end() {
            memo.count(Fared::Kept);
            return known.clone();
        }
        let mut view = Self::clone(known);
        let changed = view.catch_up(access);
        if holds {
            memo.count(Fared::Patched);
            view.patch(access, action, &changed);
        } else {
            memo.count(Fared::Narrowed);
            if view.heard != heard {
                (view.heard, view.refused, view.faults) = (heard, BTreeMap::new(), Vec::new());
            }
            view.shut = shut;
            view.narrow(access, action);
        }
        Arc::new(view)
    }

    /// Brings `listed` up to the present, and says which classes are to be looked at again.
    fn catch_up(&mut self, access: &Access) -> Vec<ClassId> {
        let classes = &access.snapshot().state().classes;
        let changed: Vec<ClassId> = classes.changed_since(self.journal).collect();
        self.journal = classes.journal_end();
        for id in &changed {
            let lists = classes.get(*id).is_some_and(|class| class.lists(access.reach()));
            put(&mut self.listed, *id, lists);
        }
        changed
    }

    /// Whether this knows more of the same than another does.
    pub(super) fn is_ahead_of(&self, other: &Self) -> bool {
        (self.generation, self.journal, self.heard.0) > (other.generation, other.journal, other.heard.0)
    }

    /// Whether this is a view of the same lists and the same closure, not far behind and not ahead.
    fn leads_to(&self, access: &Access) -> bool {
        let state = access.snapshot().state();
        let behind = state.classes.journal_end().checked_sub(self.journal);
        self.generation == state.generation
            && behind.is_some_and(|behind| behind <= MOST_PATCHED)
            && self.names == *access.names()
    }

    fn anew(access: &Access, action: Action) -> Self {
        Self::from_listed(access, action, listed(&access.snapshot().state().classes, access.reach()))
    }

    /// The view of some classes alone: what it says of others is nothing. Not to be remembered.
    pub(super) fn among(access: &Access, action: Action, some: &RoaringBitmap) -> Self {
        let classes = &access.snapshot().state().classes;
        let listed = if some.len() <= MOST_ASKED_SINGLY {
            let lists = |id: &u32| classes.get(ClassId(*id)).is_some_and(|class| class.lists(access.reach()));
            some.iter().filter(lists).collect()
        } else {
            listed(classes, access.reach()) & some
        };
        Self::from_listed(access, action, listed)
    }

    fn from_listed(access: &Access, action: Action, listed: RoaringBitmap) -> Self {
        let state = access.snapshot().state();
        let mut view = Self {
            generation: state.generation,
            journal: state.classes.journal_end(),
            names: access.names().clone(),
            listed: Arc::new(listed),
            heard: heard(access),
            refused: BTreeMap::new(),
            faults: Vec::new(),
            shut: shut(access, action),
            visible: Arc::default(),
        };
        view.narrow(access, action);
        view
    }

    /// What lists allow, without what is unknown, too old, not for the key, or refused by policies.
    fn narrow(&mut self, access: &Access, action: Action) {
        let classes = &access.snapshot().state().classes;
        let mut visible = &*self.listed - &**classes.unknown();
        for (number, place) in (0..).zip(classes.places().iter()) {
            if self.shut.contains(&number) {
                visible -= &*place.classes;
            }
        }
        let all = (0_u32..).zip(classes.projections().iter());
        let there: Vec<u32> =
            all.filter(|(_, (_, classes))| !visible.is_disjoint(classes)).map(|(number, _)| number).collect();
        self.hear(access, action, &there);
        for number in there.iter().filter(|number| self.refused.get(number) != Some(&false)) {
            if let Some((_, classes)) = classes.projections().get(*number as usize) {
                visible -= &**classes;
            }
        }
        self.visible = Arc::new(visible);
    }

    /// The same for some classes alone.
    fn patch(&mut self, access: &Access, action: Action, changed: &[ClassId]) {
        let classes = &access.snapshot().state().classes;
        let of = |id: &ClassId| Some((*id, classes.get(*id)?));
        let stands = |(id, class): &(ClassId, &Class)| {
            self.listed.contains(id.0) && !classes.unknown().contains(id.0) && !self.shut.contains(&class.place)
        };
        let standing: BTreeMap<ClassId, u32> =
            changed.iter().filter_map(of).filter(stands).map(|(id, class)| (id, class.projection)).collect();
        let projections: BTreeSet<u32> = standing.values().copied().collect();
        self.hear(access, action, &projections.into_iter().collect::<Vec<_>>());
        for id in changed {
            let projection = standing.get(id);
            let allowed = projection.is_some_and(|projection| self.refused.get(projection) == Some(&false));
            put(&mut self.visible, *id, allowed);
        }
    }

    /// Asks the policies about the projections that they were not asked about yet.
    fn hear(&mut self, access: &Access, action: Action, numbers: &[u32]) {
        let state = access.snapshot().state();
        let unheard = numbers.iter().filter(|number| !self.refused.contains_key(number));
        let projections: Vec<(u32, &Projection)> = unheard
            .filter_map(|number| Some((*number, &*state.classes.projections().get(*number as usize)?.0)))
            .collect();
        if projections.is_empty() {
            return;
        }
        let asked: Vec<&Projection> = projections.iter().map(|(_, projection)| *projection).collect();
        let (_, asker, circumstances) = &self.heard;
        let opinions = state.policies.opinions(asker, action, circumstances, &asked);
        for ((number, _), opinion) in projections.into_iter().zip(opinions) {
            self.refused.insert(number, opinion != Opinion::Allowed);
            if let Opinion::Failed(faults) = opinion {
                self.faults.extend(faults);
            }
        }
        self.faults.sort();
        self.faults.dedup();
    }

    /// When time alone changes it.
    pub(super) fn valid_until(&self, access: &Access) -> Option<Timestamp> {
        let (state, at) = (access.snapshot().state(), access.at());
        let fresh_until = |place: &crate::classes::Place| {
            state.sources.fresh_until(place.source, place.sensitivity.as_deref()).filter(|until| at < *until)
        };
        let expiries = state.classes.places().iter().filter_map(fresh_until);
        let next_second = Timestamp::from_micros((at.seconds() + 1).saturating_mul(1_000_000));
        expiries.chain(state.policies.names().time.then_some(next_second)).min()
    }

    /// About how much memory it takes, bytes.
    pub(super) fn bytes(&self) -> usize {
        let names = self.names.len() * 96;
        self.listed.serialized_size() + self.visible.serialized_size() + names + self.refused.len() * 16 + 512
    }
}

/// What opinions of policies hold for.
fn heard(access: &Access) -> (u64, Asker, Circumstances) {
    let judge = access.judge();
    (access.snapshot().state().policy_version, judge.asker.clone(), judge.circumstances.clone())
}

fn shut(access: &Access, action: Action) -> BTreeSet<u32> {
    let (state, bounds) = (access.snapshot().state(), &access.judge().bounds);
    let mut shut = stale_places(state, access.at());
    if !bounds.are_none() {
        let numbered = (0_u32..).zip(state.classes.places().iter());
        let is_out = |place: &crate::classes::Place| !bounds.hold(action) || !bounds.reach(place.source);
        shut.extend(numbered.filter(|(_, place)| is_out(place)).map(|(number, _)| number));
    }
    shut
}

/// The numbers of the places whose source was not heard of for too long at a moment.
pub(crate) fn stale_places(state: &State, at: Timestamp) -> BTreeSet<u32> {
    let numbered = (0_u32..).zip(state.classes.places().iter());
    let is_stale = |place: &crate::classes::Place| {
        !is_fresh(state.sources.fresh_until(place.source, place.sensitivity.as_deref()), at)
    };
    numbered.filter(|(_, place)| is_stale(place)).map(|(number, _)| number).collect()
}

/// The closure meets allow, and does not meet deny.
fn listed(classes: &Classes, reach: &[u32]) -> RoaringBitmap {
    let allowed = reach.iter().filter_map(|token| classes.allowing(*token)).union();
    let denied = reach.iter().filter_map(|token| classes.denying(*token)).union();
    allowed - denied
}

fn put(bitmap: &mut Arc<RoaringBitmap>, class: ClassId, there: bool) {
    if bitmap.contains(class.0) == there {
        return;
    }
    let bitmap = Arc::make_mut(bitmap);
    if there {
        bitmap.insert(class.0);
    } else {
        bitmap.remove(class.0);
    }
}
