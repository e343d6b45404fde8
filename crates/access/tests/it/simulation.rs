//! What a change would change, against the oracle that is asked before it and after it.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use access::{
    Access, Caller, Change, Collection, Counts, Difference, Directory, Edit, Listing, MemoCounts, Simulation, Snapshot,
    SourceStanding, Turn, simulate,
};
use domain::{Action, Member, Principal};
use proptest::prelude::*;

use crate::agreement::{action, callers, document_id, edit, moment, purpose};
use crate::collection::{Shelf, allow, everyone, group_token, person_token, source_id};
use crate::naive::{Asked, Naive, Who, who};
use crate::plan::{DOCUMENTS, PEOPLE, SERVICES, Step, change, plan};
use crate::world::{group_id, now, person_id, service_id};

/// The oracle's word: one person, one action, one document.
type Pair = (Principal, Action, u8);

fn principal(who: Who) -> Principal {
    match who {
        Who::Person(number) => Principal::Person(person_id(number)),
        Who::Service(number) => Principal::Service(service_id(number)),
    }
}

/// Everything that everybody may do with the current versions of what is there.
fn allowed(naive: &Naive, purpose: Option<u8>, at: i64) -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for (asker, train) in (0..PEOPLE + SERVICES).flat_map(|asker| [(asker, false), (asker, true)]) {
        let asked = Asked { who: who(asker), train, purpose, narrowed: false, at };
        let may = |number: &u8| naive.is_live(*number) && naive.may_by_lists(&asked, *number, naive.current(*number));
        pairs.extend((0..DOCUMENTS).filter(may).map(|number| (principal(asked.who), action(&asked), number)));
    }
    pairs
}

/// All pages, of this many each.
fn all(simulation: &Simulation, limit: usize) -> Vec<Difference> {
    let mut all: Vec<Difference> = Vec::new();
    loop {
        let page = simulation.differences(all.last(), limit);
        assert!(page.len() <= limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

fn told(all: &[Difference], turn: Turn) -> BTreeSet<Pair> {
    let number = |told: &Difference| (0..DOCUMENTS).find(|number| document_id(*number) == told.document).unwrap();
    let turned = all.iter().filter(|told| told.turn == turn);
    turned.map(|told| (told.who, told.action, number(told))).collect()
}

/// What the counts should be, from the single differences.
fn counted<K: Ord>(all: &[Difference], key: impl Fn(&Difference) -> K) -> Vec<(K, Counts)> {
    let keys: BTreeSet<K> = all.iter().map(&key).collect();
    let count = |wanted: &K, turn| all.iter().filter(|told| key(told) == *wanted && told.turn == turn).count() as u64;
    let counts = |key: &K| Counts { gained: count(key, Turn::Gains), lost: count(key, Turn::Loses) };
    let counts: Vec<_> = keys.iter().map(counts).collect();
    keys.into_iter().zip(counts).collect()
}

fn agree_with_each_other(simulation: &Simulation, all: &[Difference]) -> Result<(), TestCaseError> {
    let mut people: Vec<_> = simulation.people(None, 3);
    people.extend(simulation.people(people.last().map(|last| (last.who, last.action)), 100));
    let people: Vec<_> = people.into_iter().map(|person| ((person.who, person.action), person.documents)).collect();
    prop_assert_eq!(people, counted(all, |told| (told.who, told.action)));
    let mut documents = simulation.documents(None, 3);
    documents.extend(simulation.documents(documents.last().map(|last| (last.ordinal, last.action)), 100));
    let documents: Vec<_> =
        documents.into_iter().map(|document| ((document.ordinal, document.action), document.people)).collect();
    prop_assert_eq!(documents, counted(all, |told| (told.ordinal, told.action)));
    for action in [Action::Read, Action::Train] {
        let of: Vec<_> = all.iter().filter(|told| told.action == action).copied().collect();
        let some = |turn| of.iter().filter(move |told| told.turn == turn);
        let [gained, lost] = [Turn::Gains, Turn::Loses].map(|turn| some(turn).count() as u64);
        prop_assert_eq!(simulation.pairs(action), Counts { gained, lost });
        let [gained, lost] = [Turn::Gains, Turn::Loses]
            .map(|turn| some(turn).map(|told| told.who).collect::<BTreeSet<_>>().len() as u64);
        prop_assert_eq!(simulation.people_touched(action), Counts { gained, lost });
        let [gained, lost] = [Turn::Gains, Turn::Loses]
            .map(|turn| some(turn).map(|told| told.ordinal).collect::<BTreeSet<_>>().len() as u64);
        prop_assert_eq!(simulation.documents_touched(action), Counts { gained, lost });
    }
    Ok(())
}

/// Everything that a snapshot shows to everybody, and how what it remembers fared.
fn shown(snapshot: &Snapshot, asked_purpose: Option<&str>, at: i64) -> (Vec<Vec<u32>>, MemoCounts, u64, usize) {
    static CALLERS: LazyLock<Vec<Caller>> = LazyLock::new(callers);
    let counts = snapshot.memo_counts();
    let access = |caller| Access::of(snapshot, caller, asked_purpose, moment(at));
    let sees = |caller| access(caller).visible_anew(Action::Read).ordinals().collect();
    (CALLERS.iter().map(sees).collect(), counts, snapshot.epoch(), snapshot.classes())
}

fn hold(world: &[Step], steps: &[Step], asked_purpose: Option<u8>) -> Result<(), TestCaseError> {
    let (mut collection, mut naive, mut epoch, mut at) =
        (Collection::new(Directory::default()), Naive::default(), 0, 0);
    for step in world {
        if let Step::Wait(seconds) = step {
            at += i64::from(*seconds);
        }
        if let Some(edit) = edit(step, &naive) {
            epoch += 1;
            collection.apply(epoch, edit);
        }
        naive.learn(step);
    }
    let before = allowed(&naive, asked_purpose, at);
    let mut edits = Vec::new();
    for step in steps {
        edits.extend(edit(step, &naive));
        naive.learn(step);
    }
    let after = allowed(&naive, asked_purpose, at);
    let asked = Asked { who: Who::Person(0), train: false, purpose: asked_purpose, narrowed: false, at };
    let (snapshot, asked_purpose) = (collection.snapshot(), purpose(&asked));
    let shown_before = shown(&snapshot, asked_purpose.as_deref(), at);
    let simulation = simulate(&snapshot, &edits, &[Action::Train, Action::Read], asked_purpose.as_deref(), moment(at));
    prop_assert_eq!(shown(&snapshot, asked_purpose.as_deref(), at), shown_before);
    prop_assert_eq!(simulation.epoch(), epoch + edits.len() as u64);
    let all = all(&simulation, 3);
    prop_assert!(all.is_sorted_by(|a, b| a < b), "{:?}", all);
    prop_assert_eq!(told(&all, Turn::Gains), &after - &before, "gains");
    prop_assert_eq!(told(&all, Turn::Loses), &before - &after, "losses");
    agree_with_each_other(&simulation, &all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_would_change_is_what_the_oracle_says_before_and_after(
        world in plan(2), steps in change(), asked_purpose in prop::option::of(0..2_u8),
    ) {
        hold(&world, &steps, asked_purpose)?;
    }
}

fn read_by(shelf: &Shelf, edits: &[Edit]) -> Simulation {
    simulate(&shelf.snapshot(), edits, &[Action::Read], None, now())
}

fn lines(simulation: &Simulation) -> Vec<(Principal, u32, Turn)> {
    simulation.differences(None, 100).iter().map(|told| (told.who, told.ordinal, told.turn)).collect()
}

#[test]
fn a_list_a_membership_and_a_default_are_told_before_they_are_made() {
    let mut shelf = Shelf::new();
    shelf.group(1, &[]);
    shelf.put(1, 1, Listing::Given(everyone()));
    shelf.put(2, 1, Listing::Given(allow(&[group_token(1)])));
    shelf.put(3, 1, Listing::SourceDefault);
    let person = |number| Principal::Person(person_id(number));
    let list = Edit::SetList(crate::collection::document_id(1), Listing::Given(allow(&[person_token(1)])));
    assert_eq!(lines(&read_by(&shelf, &[list])), [(person(0), 0, Turn::Loses), (person(2), 0, Turn::Loses)]);
    let joins = Edit::Directory(Change::AddMember(group_id(1), Member::Person(person_id(2))));
    assert_eq!(lines(&read_by(&shelf, &[joins])), [(person(2), 1, Turn::Gains)]);
    let owner = person(0);
    let standing = SourceStanding { owner, default_list: Some(everyone()), live: false, reconciled_at: None };
    let simulation = read_by(&shelf, &[Edit::PutSource(source_id(0), standing)]);
    assert_eq!(lines(&simulation), [(person(1), 2, Turn::Gains), (person(2), 2, Turn::Gains)]);
    assert_eq!(simulation.pairs(Action::Read), Counts { gained: 2, lost: 0 });
    assert_eq!(simulation.documents_touched(Action::Read), Counts { gained: 1, lost: 0 });
    assert_eq!(simulation.pairs(Action::Train), Counts::default(), "nobody asked");
    assert_eq!(shelf.reads(2, 3), Err(domain::Rule::NotOnList), "nothing was made");
    assert!(lines(&read_by(&shelf, &[])).is_empty());
}
