//! Two snapshots, held against each other person by person. What is compared is what [`Access`] says of each.
//!
//! - A cell is a pair of classes: documents that stood in one before and stand in another (mostly the same) after.
//! - **Invariant:** where classes kept their numbers, a caller of the same names and the same attributes, under the same
//!   policies and the same stale sources, can gain or lose only classes that were touched: those of documents that moved,
//!   and those in the journal since.

use std::collections::HashMap;

use domain::{Action, Principal, Timestamp};
use roaring::RoaringBitmap;

use crate::access::Access;
use crate::snapshot::{Snapshot, State};
use crate::visible::stale_places;

/// No class: not there, or not to be found.
const HIDDEN: u32 = u32::MAX;

/// Where documents stood before and stand after, as numbers of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pair {
    before: u32,
    after: u32,
}

/// The number of a cell: pairs that moved come first, then one cell for each class.
pub(super) type Cell = u32;

/// Everything that the comparison of one person needs.
#[derive(Debug)]
pub(super) struct Comparison {
    before: Snapshot,
    after: Snapshot,
    purpose: Option<String>,
    at: Timestamp,
    /// Documents by class, where classes kept their numbers: those that did not move.
    still: Vec<u32>,
    /// The others, by where they went; in order.
    moved: Vec<(Pair, u32)>,
    /// The classes that can make a difference to somebody who is as before; none where all can.
    touched: Option<RoaringBitmap>,
}

/// What one person gains and loses.
#[derive(Debug, Default)]
pub(super) struct Shift {
    pub(super) gained: Vec<Cell>,
    pub(super) lost: Vec<Cell>,
}

impl Comparison {
    pub(super) fn of(before: &Snapshot, after: Snapshot, purpose: Option<&str>, at: Timestamp) -> Self {
        let purpose = purpose.map(str::to_owned);
        let (still, moved, touched) = (Vec::new(), Vec::new(), None);
        let mut comparison = Self { before: before.clone(), after, purpose, at, still, moved, touched };
        comparison.count();
        comparison.touched = comparison.touch();
        comparison
    }

    pub(super) const fn after(&self) -> &Snapshot {
        &self.after
    }

    /// Whoever is known after, in order. Nobody who was known before is not: people and services do not go.
    pub(super) fn everybody(&self) -> Vec<Principal> {
        let directory = self.after.directory();
        let people = directory.people().map(|person| Principal::Person(person.id));
        let services = directory.services().map(|service| Principal::Service(service.id));
        let mut all: Vec<_> = people.chain(services).collect();
        all.sort_unstable();
        all
    }

    /// Whether classes are the same by number.
    fn same_numbers(&self) -> bool {
        self.before.state().generation == self.after.state().generation
    }

    /// Each document with where it stood and stands, by ordinal; those that are there neither before nor after are not
    /// among them.
    fn pairs(&self) -> impl Iterator<Item = (u32, Pair)> {
        let before = self.before.state().documents.class_of().iter().copied().chain(std::iter::repeat(HIDDEN));
        let after = self.after.state().documents.class_of().iter().copied();
        let pairs = before.zip(after).map(|(before, after)| Pair { before, after });
        (0_u32..).zip(pairs).filter(|(_, pair)| (pair.before, pair.after) != (HIDDEN, HIDDEN))
    }

    fn count(&mut self) {
        let same_numbers = self.same_numbers();
        let mut still = vec![0_u32; if same_numbers { self.after.classes() } else { 0 }];
        let mut moved: HashMap<Pair, u32> = HashMap::new();
        for (_, pair) in self.pairs() {
            let place = still.get_mut(pair.after as usize).filter(|_| pair.before == pair.after);
            *place.unwrap_or_else(|| moved.entry(pair).or_default()) += 1;
        }
        (self.still, self.moved) = (still, moved.into_iter().collect());
        self.moved.sort_unstable();
    }

    /// How many cells there are.
    pub(super) const fn len(&self) -> usize {
        self.moved.len() + self.still.len()
    }

    /// How many documents are in a cell.
    pub(super) fn documents_in(&self, cell: Cell) -> u64 {
        let cell = cell as usize;
        let moved = self.moved.get(cell).map(|(_, count)| *count);
        let still = || self.still.get(cell.checked_sub(self.moved.len())?).copied();
        moved.or_else(still).map_or(0, u64::from)
    }

    /// Each document with its cell, by ordinal.
    pub(super) fn cells(&self) -> impl Iterator<Item = (u32, Cell)> {
        self.pairs().map(|(ordinal, pair)| (ordinal, self.cell(pair)))
    }

    fn cell(&self, pair: Pair) -> Cell {
        match self.moved.binary_search_by_key(&pair, |(pair, _)| *pair) {
            Ok(place) => number(place),
            // INVARIANT: every pair that moved was counted.
            Err(_) => number(self.moved.len()).saturating_add(pair.after),
        }
    }

    fn touch(&self) -> Option<RoaringBitmap> {
        let (before, after) = (self.before.state(), self.after.state());
        let same_policies = before.policy_version == after.policy_version;
        if !(self.same_numbers() && same_policies && self.same_staleness(before, after)) {
            return None;
        }
        let moved = self.moved.iter().flat_map(|(pair, _)| [pair.before, pair.after]).filter(|class| *class != HIDDEN);
        let journal = after.classes.changed_since(before.classes.journal_end()).map(|class| class.0);
        Some(moved.chain(journal).collect())
    }

    fn same_staleness(&self, before: &State, after: &State) -> bool {
        let known = before.classes.places().len();
        let stale_after = stale_places(after, self.at).into_iter().filter(|place| (*place as usize) < known);
        stale_places(before, self.at).into_iter().eq(stale_after)
    }

    /// What one person gains and loses, for each of these actions, in their order.
    pub(super) fn shifts(&self, who: Principal, actions: &[Action]) -> Vec<Shift> {
        let access = |snapshot| Access::in_person(snapshot, who, self.purpose.as_deref(), self.at);
        let (before, after) = (access(&self.before), access(&self.after));
        let as_before = before.names() == after.names() && before.judge().asker == after.judge().asker;
        let some = self.touched.as_ref().filter(|_| as_before);
        let shift = |action: &Action| {
            if some.is_some_and(RoaringBitmap::is_empty) {
                return Shift::default();
            }
            self.shift(&before.visible_classes(*action, some), &after.visible_classes(*action, some))
        };
        actions.iter().map(shift).collect()
    }

    fn shift(&self, before: &RoaringBitmap, after: &RoaringBitmap) -> Shift {
        let mut shift = Shift::default();
        let still = |class: &u32| self.still.get(*class as usize).is_some_and(|count| *count > 0);
        let cell = |class: u32| number(self.moved.len()).saturating_add(class);
        shift.gained.extend((after - before).into_iter().filter(still).map(cell));
        shift.lost.extend((before - after).into_iter().filter(still).map(cell));
        for (cell, (pair, _)) in (0..).zip(&self.moved) {
            match (before.contains(pair.before), after.contains(pair.after)) {
                (false, true) => shift.gained.push(cell),
                (true, false) => shift.lost.push(cell),
                _ => {}
            }
        }
        shift
    }
}

/// An index as a number: there are no more cells than documents and classes, which are numbered so.
fn number(index: usize) -> Cell {
    u32::try_from(index).unwrap_or(u32::MAX)
}
