//! Visible sets are remembered, patched forward, bounded, and each snapshot keeps its own.

use access::{Change, Collection, Directory, Listing, MemoCounts};
use domain::{Action, ListToken, Member, Token};

use crate::collection::{Shelf, allow, caller, everyone, group_token, person_token};
use crate::world::{group_id, person, person_id};

fn counted(shelf: &Shelf) -> [u64; 4] {
    let MemoCounts { kept, patched, narrowed, anew } = shelf.snapshot().memo_counts();
    [kept, patched, narrowed, anew]
}

#[test]
fn a_document_write_patches_and_empties_nothing() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(everyone()));
    assert_eq!(shelf.visible(1).count(), 1);
    assert_eq!(counted(&shelf), [0, 0, 0, 1]);
    assert_eq!(shelf.visible(1).count(), 1);
    assert_eq!(counted(&shelf), [1, 0, 0, 1]);
    shelf.put(2, 1, Listing::Given(allow(&[person_token(1)])));
    shelf.put(3, 1, Listing::Given(allow(&[person_token(2)])));
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [0, 1]);
    assert_eq!(counted(&shelf), [1, 1, 0, 1]);
    shelf.put(4, 1, Listing::Given(everyone()));
    assert_eq!(shelf.visible(1).ordinals().count(), 3, "a known class");
    assert_eq!(counted(&shelf), [2, 1, 0, 1]);
}

#[test]
fn others_changes_cost_nobody_anything() {
    let mut shelf = Shelf::new();
    shelf.group(1, &[]);
    shelf.put(1, 1, Listing::Given(allow(&[group_token(1)])));
    assert_eq!(shelf.visible(1).count(), 0);
    shelf.change(Change::AddMember(group_id(1), Member::Person(person_id(2))));
    shelf.change(Change::PutPerson(person(7, true, false)));
    assert_eq!(shelf.visible(1).count(), 0);
    assert_eq!(counted(&shelf), [1, 0, 0, 1]);
    shelf.change(Change::AddMember(group_id(1), Member::Person(person_id(1))));
    assert_eq!(shelf.visible(1).count(), 1);
    assert_eq!(counted(&shelf), [1, 0, 0, 2], "one's own closure");
}

#[test]
fn a_snapshot_keeps_what_it_shows_whatever_comes_after() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(everyone()));
    let before = shelf.access(&caller(1));
    shelf.list(1, allow(&[]));
    shelf.put(2, 1, Listing::Given(everyone()));
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [1]);
    assert_eq!(before.visible(Action::Read).ordinals().collect::<Vec<_>>(), [0], "ahead is no help to behind");
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [1]);
    assert!(before.visible(Action::Read).epoch() < shelf.visible(1).epoch());
}

#[test]
fn what_is_remembered_stays_within_its_bytes() {
    let mut shelf = Shelf::with(Collection::with_memo(Directory::default(), 4_000));
    for number in 1..=200 {
        let token = if number % 2 == 0 { Token::Everyone } else { Token::Person(person_id(1)) };
        shelf.put(number, 1, Listing::Given(allow(&[token.into(), Token::Group(group_id(number as u8)).into()])));
    }
    for _ in 0..3 {
        assert_eq!([0, 1, 2].map(|person| shelf.visible(person).count()), [100, 200, 100]);
    }
    let [kept, .., anew] = counted(&shelf);
    assert!(anew > 3 && kept == 0, "room for about two of three in turn: {anew} anew");
    assert_eq!([1, 1].map(|person| shelf.visible(person).count()), [200, 200]);
    assert!(counted(&shelf)[0] > kept, "the last one is still there");
}

#[test]
fn filing_anew_drops_what_no_list_uses() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(everyone()));
    for number in 0..50 {
        shelf.list(1, allow(&[person_token(1), person_token(100 + number)]));
    }
    let before = shelf.access(&caller(1));
    assert_eq!(shelf.snapshot().classes(), 51);
    shelf.collection.compact();
    assert_eq!(shelf.snapshot().classes(), 1);
    assert!(shelf.visible(1).sees(0) && before.visible(Action::Read).sees(0));
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 1).is_ok()), (Ok(()), false));
}

#[test]
fn classes_without_a_use_are_dropped_once_they_are_many() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(everyone()));
    for round in 0..12_000 {
        let tokens =
            [person_token(1), ListToken::External { source: "idp".to_owned(), external_id: round.to_string() }];
        shelf.list(1, allow(&tokens));
        shelf.collection.compact_if_needed();
    }
    assert!(shelf.snapshot().classes() < 10_100, "{}", shelf.snapshot().classes());
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [0]);
}
