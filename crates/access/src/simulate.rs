//! [`simulate`]: what a change would change, told before it is made. The edits are applied to a copy of the state, and
//! what everybody may do before and after is computed by the functions that decide; there is no second rule here.
//!
//! - **Invariant:** the snapshot that was given, and the sets that are remembered with it, are as they were.
//! - **Invariant:** what is told is the difference of the visible sets: the current versions of documents that are there.

mod compare;

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use domain::{Action, DocumentId, Principal, Timestamp};

use crate::collection::Collection;
use crate::edit::Edit;
use crate::snapshot::Snapshot;
use compare::{Cell, Comparison, Shift};

/// Whether a document comes to somebody or goes from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Turn {
    /// They may after the change, and might not before.
    Gains,
    /// They might before the change, and may not after.
    Loses,
}

/// One person and one document, with which they may do something only before or only after the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Difference {
    /// The person, or the service for itself.
    pub who: Principal,
    /// What they may do.
    pub action: Action,
    /// The ordinal of the document after the change, which one that is there already keeps.
    pub ordinal: u32,
    /// The document.
    pub document: DocumentId,
    /// Which way.
    pub turn: Turn,
}

/// How many are gained and lost: documents by one person, people by one document, or pairs of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Gained.
    pub gained: u64,
    /// Lost.
    pub lost: u64,
}

/// What the change does to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonEffect {
    /// The person, or the service for itself.
    pub who: Principal,
    /// What they may do.
    pub action: Action,
    /// With how many documents more, and with how many no longer.
    pub documents: Counts,
}

/// What the change does to one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DocumentEffect {
    /// Its ordinal after the change.
    pub ordinal: u32,
    /// The document.
    pub document: DocumentId,
    /// What may be done with it.
    pub action: Action,
    /// By how many people and services more, and by how many no longer.
    pub people: Counts,
}

/// What a change would change. It holds both snapshots in memory for as long as it lives.
///
/// It names people and gives small counts: it is for the role `security`, which may see them, and knows no threshold
/// (docs/access.md, rule 10). Who shows it to anybody else has to apply one.
#[derive(Debug)]
pub struct Simulation {
    comparison: Comparison,
    /// Documents, for those to whom something comes or goes.
    by_person: BTreeMap<(Principal, Action), Counts>,
    /// People, by cell.
    by_cell: BTreeMap<Action, Vec<Counts>>,
    /// Those that come or go for somebody, by ordinal.
    documents: Vec<(u32, Cell)>,
    /// The same by cell.
    ordinals: Vec<(Cell, u32)>,
}

/// Tells who would gain and who would lose what if these edits were made now, in their order, each taking the next epoch
/// after the snapshot's: for these actions, for this purpose, at this moment. Everybody is asked in person (not through
/// services); versions but the current one, and documents that were removed, are not told of.
///
/// It takes about as long as two looks at the lists for each person; where policies, the age of sources or somebody's
/// memberships change, two whole visible sets for each person that this is about.
#[must_use]
pub fn simulate(
    snapshot: &Snapshot,
    edits: &[Edit],
    actions: &[Action],
    purpose: Option<&str>,
    at: Timestamp,
) -> Simulation {
    let mut trial = Collection::trial(snapshot);
    for (epoch, edit) in (snapshot.epoch() + 1..).zip(edits) {
        trial.apply(epoch, edit.clone());
    }
    let comparison = Comparison::of(snapshot, trial.snapshot(), purpose, at);
    let by_cell: BTreeMap<Action, Vec<Counts>> =
        actions.iter().map(|action| (*action, vec![Counts::default(); comparison.len()])).collect();
    let actions: Vec<Action> = by_cell.keys().copied().collect();
    let (documents, ordinals) = (Vec::new(), Vec::new());
    let mut simulation = Simulation { comparison, by_person: BTreeMap::new(), by_cell, documents, ordinals };
    for who in simulation.comparison.everybody() {
        let shifts = simulation.comparison.shifts(who, &actions);
        actions.iter().zip(shifts).for_each(|(action, shift)| simulation.take(who, *action, &shift));
    }
    simulation.find_documents();
    simulation
}

impl Simulation {
    /// The epoch after the last of the edits.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.comparison.after().epoch()
    }

    /// How many pairs of a person and a document come and go for an action.
    #[must_use]
    pub fn pairs(&self, action: Action) -> Counts {
        self.of_people(action).fold(Counts::default(), Counts::plus)
    }

    /// How many people and services gain something, and how many lose something, for an action. Who does both counts in
    /// both.
    #[must_use]
    pub fn people_touched(&self, action: Action) -> Counts {
        self.of_people(action).map(Counts::each_once).fold(Counts::default(), Counts::plus)
    }

    /// How many documents somebody gains, and how many somebody loses, for an action.
    #[must_use]
    pub fn documents_touched(&self, action: Action) -> Counts {
        let people = self.documents.iter().map(|(_, cell)| self.people_of(*cell, action).each_once());
        people.fold(Counts::default(), Counts::plus)
    }

    /// Who gains or loses, by id and then action: at most `limit` of those that come after one.
    #[must_use]
    pub fn people(&self, after: Option<(Principal, Action)>, limit: usize) -> Vec<PersonEffect> {
        let rest = self.by_person.range((after.map_or(Unbounded, Excluded), Unbounded)).take(limit);
        rest.map(|((who, action), documents)| PersonEffect { who: *who, action: *action, documents: *documents })
            .collect()
    }

    /// What is gained or lost, by ordinal and then action: at most `limit` of those that come after one.
    #[must_use]
    pub fn documents(&self, after: Option<(u32, Action)>, limit: usize) -> Vec<DocumentEffect> {
        let first = after.map_or(0, |(ordinal, _)| self.documents.partition_point(|(at, _)| *at < ordinal));
        let rest = self.documents.iter().skip(first).flat_map(|(ordinal, cell)| self.effects(*ordinal, *cell));
        let beyond = |effect: &DocumentEffect| after.is_none_or(|after| (effect.ordinal, effect.action) > after);
        rest.filter(beyond).take(limit).collect()
    }

    /// Every single difference, by person, action and ordinal: at most `limit` of those that come after one.
    #[must_use]
    pub fn differences(&self, after: Option<&Difference>, limit: usize) -> Vec<Difference> {
        let start = after.map(|after| (after.who, after.action));
        let mut page = Vec::new();
        for (key, _) in self.by_person.range((start.map_or(Unbounded, Included), Unbounded)) {
            if page.len() >= limit {
                break;
            }
            let beyond = after.filter(|_| start == Some(*key)).map(|after| after.ordinal);
            page.extend(self.of_person(*key, beyond, limit - page.len()));
        }
        page
    }

    fn of_people(&self, action: Action) -> impl Iterator<Item = Counts> {
        self.by_person.iter().filter(move |((_, of), _)| *of == action).map(|(_, documents)| *documents)
    }

    fn people_of(&self, cell: Cell, action: Action) -> Counts {
        let people = self.by_cell.get(&action).and_then(|people| people.get(cell as usize));
        people.copied().unwrap_or_default()
    }

    fn effects(&self, ordinal: u32, cell: Cell) -> impl Iterator<Item = DocumentEffect> {
        let all = self.by_cell.keys().map(move |action| (*action, self.people_of(cell, *action)));
        let touched = all.filter(|(_, people)| *people != Counts::default());
        touched.filter_map(move |(action, people)| {
            let document = self.comparison.after().document(ordinal)?;
            Some(DocumentEffect { ordinal, document, action, people })
        })
    }

    /// The documents of a cell, in order.
    fn ordinals_of(&self, cell: Cell) -> impl Iterator<Item = u32> {
        let first = self.ordinals.partition_point(|(at, _)| *at < cell);
        self.ordinals.iter().skip(first).take_while(move |(at, _)| *at == cell).map(|(_, ordinal)| *ordinal)
    }

    /// The first differences of one person beyond an ordinal.
    fn of_person(&self, (who, action): (Principal, Action), beyond: Option<u32>, limit: usize) -> Vec<Difference> {
        let mut found: Vec<(u32, Turn)> = Vec::new();
        for shift in self.comparison.shifts(who, &[action]) {
            for (cells, turn) in [(shift.gained, Turn::Gains), (shift.lost, Turn::Loses)] {
                let ordinals = cells.iter().flat_map(|cell| self.ordinals_of(*cell));
                let rest = ordinals.filter(|ordinal| beyond.is_none_or(|beyond| *ordinal > beyond));
                found.extend(rest.map(|ordinal| (ordinal, turn)));
            }
        }
        if found.len() > limit {
            found.select_nth_unstable(limit);
            found.truncate(limit);
        }
        found.sort_unstable();
        let difference = |(ordinal, turn)| {
            let document = self.comparison.after().document(ordinal)?;
            Some(Difference { who, action, ordinal, document, turn })
        };
        found.into_iter().filter_map(difference).collect()
    }

    fn take(&mut self, who: Principal, action: Action, shift: &Shift) {
        let count = |cells: &[Cell]| cells.iter().map(|cell| self.comparison.documents_in(*cell)).sum();
        let documents = Counts { gained: count(&shift.gained), lost: count(&shift.lost) };
        if documents == Counts::default() {
            return;
        }
        self.by_person.insert((who, action), documents);
        let Some(people) = self.by_cell.get_mut(&action) else { return };
        for (cells, gained, lost) in [(&shift.gained, 1, 0), (&shift.lost, 0, 1)] {
            for cell in cells {
                if let Some(counts) = people.get_mut(*cell as usize) {
                    *counts = counts.plus(Counts { gained, lost });
                }
            }
        }
    }

    /// Which documents come or go for somebody.
    fn find_documents(&mut self) {
        let nothing = |cell: Cell| self.by_cell.keys().all(|action| self.people_of(cell, *action) == Counts::default());
        let documents: Vec<_> = self.comparison.cells().filter(|(_, cell)| !nothing(*cell)).collect();
        self.ordinals = documents.iter().map(|(ordinal, cell)| (*cell, *ordinal)).collect();
        self.ordinals.sort_unstable();
        self.documents = documents;
    }
}

impl Counts {
    const fn plus(self, other: Self) -> Self {
        Self { gained: self.gained + other.gained, lost: self.lost + other.lost }
    }

    /// One for some, none for none.
    fn each_once(self) -> Self {
        Self { gained: u64::from(self.gained > 0), lost: u64::from(self.lost > 0) }
    }
}
