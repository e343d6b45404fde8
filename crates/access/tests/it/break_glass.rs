//! Each sentence about break-glass, by example.

use std::collections::BTreeSet;

use access::{Change, Edit, Grounds, Listing, Sealed, SourceStanding, Tombstone, decide, open};
use domain::{
    AccessList, Action, BreakGlass, BreakGlassId, CallerRecord, Member, Principal, Provenance, Quality, Question,
    Resource, Rule, Source,
};
use uuid::Uuid;

use crate::collection::{
    Shelf, allow, caller, document_id, everyone, group_token, person_token, service_caller, source_id,
};
use crate::world::{now, person, person_id};

const YES: Result<(), Rule> = Ok(());

fn glass(number: u8, person: u8, seconds: i64) -> BreakGlass {
    BreakGlass {
        id: BreakGlassId::from_uuid(Uuid::from_u128(u128::from(number) + 70_000)),
        person: person_id(person),
        requested_by: person_id(20),
        approved_by: person_id(21),
        expires_at: now().plus_seconds(seconds),
    }
}

fn give(shelf: &mut Shelf, glass: BreakGlass, documents: &[u32]) {
    shelf.edit(Edit::BreakGlass(glass, documents.iter().map(|number| document_id(*number)).collect::<BTreeSet<_>>()));
}

#[test]
fn it_stands_in_for_the_list_of_its_documents_and_says_who_agreed() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(allow(&[person_token(2)])));
    shelf.put(2, 1, Listing::Given(allow(&[person_token(2)])));
    give(&mut shelf, glass(1, 1, 60), &[1]);
    assert_eq!([1, 2].map(|document| shelf.reads(1, document)), [YES, Err(Rule::NotOnList)]);
    assert_eq!(shelf.reads(0, 1), Err(Rule::NotOnList), "for its person alone");
    let verdict = shelf.access(&caller(1)).may(Action::Read, document_id(1), 1);
    let what = Source::Document { document: document_id(1), version: 1 }.to_string();
    let way = [
        person_id(1).to_string(),
        glass(1, 1, 60).id.to_string(),
        person_id(20).to_string(),
        person_id(21).to_string(),
        what,
    ];
    assert_eq!((verdict.reasons[0].rule, verdict.reasons[0].via.as_slice()), (Rule::BreakGlass, way.as_slice()));
    assert_eq!(shelf.reads_version(1, 1, 2), Err(Rule::NotFound), "no version comes into being");
    shelf.list(1, allow(&[person_token(1)]));
    let verdict = shelf.access(&caller(1)).may(Action::Read, document_id(1), 1);
    assert_eq!(verdict.reasons[0].rule, Rule::ListAllows, "where the list says yes it is not needed");
}

#[test]
fn it_overrides_every_no_of_a_list_and_no_other() {
    let mut shelf = Shelf::new();
    let lists = [
        allow(&[]),
        AccessList { deny: [person_token(1)].into(), ..everyone() },
        AccessList { quality: Quality::Unknown, ..everyone() },
        AccessList { deny: [group_token(9)].into(), ..everyone() },
    ];
    for (number, list) in (1..).zip(lists) {
        shelf.put(number, 1, Listing::Given(list));
    }
    give(&mut shelf, glass(1, 1, 60), &[1, 2, 3, 4]);
    assert_eq!([1, 2, 3, 4].map(|document| shelf.reads(1, document)), [YES; 4]);
    let cedar = "@id(\"no\") forbid(principal, action, resource);";
    shelf.policies(cedar, &[]);
    assert_eq!(shelf.reads(1, 1), Err(Rule::PolicyForbids));
    shelf.edit(Edit::SetPolicies(std::sync::Arc::default()));
    let owner = Principal::Person(person_id(0));
    let live = SourceStanding { owner, default_list: None, live: true, reconciled_at: None };
    shelf.edit(Edit::PutSource(source_id(0), live.clone()));
    assert_eq!(shelf.reads(1, 1), Err(Rule::Stale));
    shelf.edit(Edit::PutSource(source_id(0), SourceStanding { live: false, ..live }));
    shelf.edit(Edit::Retire(document_id(1), Tombstone::Close));
    shelf.edit(Edit::Erase(document_id(2)));
    assert_eq!([1, 2, 3].map(|document| shelf.reads(1, document)), [Err(Rule::Closed), Err(Rule::Erased), YES]);
    shelf.change(Change::PutPerson(person(1, false, false)));
    assert_eq!(shelf.reads(1, 3), Err(Rule::Inactive));
}

#[test]
fn it_opens_and_shows_nothing_else() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(allow(&[person_token(2)])));
    give(&mut shelf, glass(1, 1, 60), &[1]);
    assert_eq!((shelf.visible(1).count(), shelf.visible(1).sees(0)), (0, false), "it is not found");
    let access = shelf.access(&caller(1));
    let may = |action: &&Action| access.may(**action, document_id(1), 1).allowed;
    let opened: Vec<&Action> = Action::ALL.iter().filter(may).collect();
    assert_eq!(opened, [&Action::Discover, &Action::Read]);
    let mut provenance = Provenance::default();
    provenance.add(Source::Document { document: document_id(1), version: 1 });
    let sealed = || Sealed::new("content", None, provenance.clone());
    assert_eq!(open(&access, sealed()).map(|checked| *checked), Ok("content"));
    assert!(open(&shelf.access(&caller(0)), sealed()).is_err());
    assert!(open(&shelf.access(&service_caller(None)), sealed()).is_err(), "a service is not its person");
    assert!(open(&shelf.access(&service_caller(Some(1))), sealed()).is_ok(), "on behalf of one it is");
}

#[test]
fn it_ends_by_the_clock_of_the_decision_or_before() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::Given(allow(&[])));
    give(&mut shelf, glass(1, 1, 60), &[1]);
    give(&mut shelf, glass(2, 1, 90), &[1]);
    let by = |shelf: &mut Shelf, seconds| {
        shelf.seconds = seconds;
        let verdict = shelf.access(&caller(1)).may(Action::Read, document_id(1), 1);
        verdict.reasons[0].via.iter().find_map(|step| step.parse::<BreakGlassId>().ok())
    };
    let (first, second) = (Some(glass(1, 1, 60).id), Some(glass(2, 1, 90).id));
    assert_eq!([59, 60, 89, 90].map(|seconds| by(&mut shelf, seconds)), [first, second, second, None]);
    shelf.edit(Edit::EndBreakGlass(glass(1, 1, 60).id));
    assert_eq!([0, 89].map(|seconds| by(&mut shelf, seconds)), [second, second]);
    assert!(!shelf.snapshot().has_break_glass(glass(1, 1, 60).id));
    shelf.edit(Edit::EndBreakGlass(glass(2, 1, 90).id));
    shelf.seconds = 0;
    assert_eq!(shelf.reads(1, 1), Err(Rule::NobodyAllowed));
}

#[test]
fn a_decision_by_it_is_given_again_from_its_facts() {
    let mut shelf = Shelf::new();
    shelf.group(9, &[Member::Person(person_id(2))]);
    shelf.put(1, 1, Listing::Given(allow(&[group_token(9)])));
    give(&mut shelf, glass(1, 1, 60), &[1]);
    let (snapshot, document) = (shelf.snapshot(), document_id(1));
    let told = shelf.access(&caller(1)).may(Action::Read, document, 1);
    let facts = snapshot.facts(document, 1).map(Box::new);
    let resource = Resource::Document { document, version: 1, facts };
    let caller = CallerRecord { key: None, ..caller(1).record(None, None) };
    let question = Question { caller, action: Action::Read, resource };
    let decided = |seconds| {
        let at = now().plus_seconds(seconds);
        decide(&Grounds { directory: snapshot.directory(), policies: snapshot.policies(), at }, &question)
    };
    assert_eq!(decided(0), told);
    assert_eq!(decided(60).reasons[0].rule, Rule::NotOnList);
}
