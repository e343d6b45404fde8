//! Indexing goes by policies and by nothing else, and opens documents alone.

use access::{AttributeKind, Listing, Processing, Sealed, open_to_process};
use domain::{AttributeValue, Attributes, Principal, Provenance, Source};

use crate::collection::{Shelf, allow, document_id, everyone};
use crate::world::{now, person_id};

fn all(shelf: &Shelf) -> Vec<u32> {
    let processing = Processing::of(&shelf.snapshot(), now());
    let all: Vec<u32> = processing.all().into_iter().collect();
    let singly = (0..4_u32).filter(|number| processing.may(document_id(*number)));
    assert_eq!(singly.collect::<Vec<_>>(), all, "one by one and all at once");
    all
}

#[test]
fn what_may_be_indexed_goes_by_policies_and_not_by_lists() {
    let mut shelf = Shelf::new();
    let lists = [everyone(), allow(&[]), everyone(), everyone()];
    for (number, list) in (0..).zip(lists) {
        let attributes: Attributes = [("grade".to_owned(), AttributeValue::Long(i64::from(number)))].into();
        shelf.put_with(number, 1, Listing::Given(list), None, attributes);
    }
    assert_eq!(all(&shelf), [0, 1, 2, 3], "a list that names nobody does not hinder it");
    let grade = [("grade", AttributeKind::Long)];
    let forbid = |action: &str, when: &str| format!("forbid(principal, {action}, resource) when {{ {when} }};");
    shelf.policies(&forbid("action == Freehold::Action::\"process\"", "resource.grade > 1"), &grade);
    assert_eq!(all(&shelf), [0, 1]);
    shelf.policies(&forbid("action == Freehold::Action::\"read\"", "resource.grade > 1"), &grade);
    assert_eq!(all(&shelf), [0, 1, 2, 3]);
    shelf.policies(&forbid("action", "resource.colour == \"red\""), &[("colour", AttributeKind::String)]);
    assert!(all(&shelf).is_empty(), "an error denies");
    shelf.policies(&forbid("action", "principal is Freehold::Person"), &[]);
    assert_eq!(all(&shelf), [0, 1, 2, 3], "nobody asks");
}

#[test]
fn indexing_opens_documents_that_it_may_and_nothing_of_people() {
    let mut shelf = Shelf::new();
    shelf.put(0, 1, Listing::Given(everyone()));
    let processing = Processing::of(&shelf.snapshot(), now());
    let opens = |owner: Option<Principal>, sources: &[Source]| {
        let mut provenance = Provenance::default();
        sources.iter().for_each(|source| provenance.add(source.clone()));
        open_to_process(&processing, Sealed::new((), owner, provenance)).is_ok()
    };
    let document = |number| Source::Document { document: document_id(number), version: 1 };
    let ada = Principal::Person(person_id(1));
    assert!(opens(None, &[document(0)]));
    assert!(!opens(None, &[]), "what was made from nothing is nobody's to process");
    assert!(!opens(Some(ada), &[document(0)]), "somebody's");
    assert!(!opens(None, &[document(0), Source::Words { author: ada }]), "somebody's words");
    assert!(!opens(None, &[document(0), document(3)]), "one that never was");
}
