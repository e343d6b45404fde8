//! Each sentence about lists, sources and versions, by example.

use access::{AgeLimits, Change, Edit, Grounds, Listing, Person, SourceStanding, Tombstone, decide};
use domain::{
    AccessList, Action, CallerRecord, DocumentFacts, ListToken, Member, Principal, Provenance, Quality, Question,
    Resource, Rule, Source, Token, TraceId,
};
use uuid::Uuid;

use crate::collection::{
    Shelf, allow, caller, document_id, everyone, group_token, outside, person_token, reads, service_caller, source_id,
};
use crate::world::{group_id, now, person, person_id, service_id};

const YES: Result<(), Rule> = Ok(());

fn given(list: AccessList) -> Listing {
    Listing::Given(list)
}

#[test]
fn a_closure_is_the_person_every_group_reached_and_everyone_unless_a_guest() {
    let mut shelf = Shelf::new();
    shelf.change(Change::PutPerson(person(2, true, true)));
    shelf.group(1, &[Member::Person(person_id(1)), Member::Person(person_id(2))]);
    shelf.group(2, &[Member::Group(group_id(1))]);
    shelf.put(1, 1, given(everyone()));
    shelf.put(2, 1, given(allow(&[group_token(2)])));
    shelf.put(3, 1, given(allow(&[person_token(1)])));
    assert_eq!([1, 2, 3].map(|document| shelf.reads(1, document)), [YES, YES, YES]);
    assert_eq!([1, 2, 3].map(|document| shelf.reads(2, document)), [Err(Rule::NotOnList), YES, Err(Rule::NotOnList)]);
    shelf.change(Change::PutPerson(person(1, false, false)));
    assert_eq!([1, 2, 3].map(|document| shelf.reads(1, document)), [Err(Rule::Inactive); 3]);
    assert_eq!(shelf.visible(1).count(), 0);
}

#[test]
fn a_group_inside_itself_is_harmless() {
    let mut shelf = Shelf::new();
    shelf.group(1, &[Member::Group(group_id(1)), Member::Group(group_id(2))]);
    shelf.group(2, &[Member::Group(group_id(1)), Member::Person(person_id(1))]);
    shelf.put(1, 1, given(allow(&[group_token(1)])));
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 1)), (YES, Err(Rule::NotOnList)));
}

#[test]
fn the_way_to_a_yes_is_told() {
    let mut shelf = Shelf::new();
    shelf.group(1, &[Member::Person(person_id(1))]);
    shelf.group(2, &[Member::Group(group_id(1))]);
    shelf.put(1, 1, given(allow(&[outside("2"), group_token(2)])));
    let verdict = shelf.access(&caller(1)).may(Action::Read, document_id(1), 1);
    let what = Source::Document { document: document_id(1), version: 1 }.to_string();
    let way = vec![person_id(1).to_string(), group_id(1).to_string(), group_id(2).to_string(), what];
    assert_eq!((verdict.reasons[0].rule, &verdict.reasons[0].via), (Rule::ListAllows, &way));
}

#[test]
fn deny_wins_and_an_empty_list_is_a_list() {
    let mut shelf = Shelf::new();
    shelf.group(1, &[Member::Person(person_id(1))]);
    shelf.put(1, 1, given(AccessList { deny: [group_token(1)].into(), ..everyone() }));
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 1)), (Err(Rule::ListDenies), YES));
    shelf.put(2, 1, given(allow(&[])));
    assert_eq!((shelf.reads(0, 2), shelf.reads(1, 2)), (Err(Rule::NobodyAllowed), Err(Rule::NobodyAllowed)));
}

#[test]
fn no_list_is_the_sources_default_and_that_is_its_owner_alone() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, Listing::SourceDefault);
    shelf.put(2, 1, Listing::Unchanged);
    shelf.put(3, 1, given(allow(&[person_token(0)])));
    assert_eq!([0, 1].map(|person| shelf.reads(person, 1)), [YES, Err(Rule::NotOnList)]);
    assert_eq!([0, 1].map(|person| shelf.reads(person, 2)), [YES, Err(Rule::NotOnList)]);
    let owner = Principal::Person(person_id(0));
    let default_list = Some(everyone());
    shelf.edit(Edit::PutSource(source_id(0), SourceStanding { owner, default_list, live: false, reconciled_at: None }));
    assert_eq!([1, 2, 3].map(|document| shelf.reads(1, document)), [YES, YES, Err(Rule::NotOnList)]);
    shelf.put(3, 2, Listing::Unchanged);
    assert_eq!(shelf.reads_version(1, 3, 2), Err(Rule::NotOnList), "a list that was given stays");
}

#[test]
fn an_unknown_allow_token_matches_nobody_until_it_appears() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(allow(&[outside("7"), group_token(9)])));
    assert_eq!(shelf.reads(1, 1), Err(Rule::NotOnList));
    assert!(!shelf.visible(1).sees(0));
    shelf.group(9, &[Member::Person(person_id(1))]);
    assert_eq!(shelf.reads(1, 1), YES);
    assert!(shelf.visible(1).sees(0));
    shelf.change(Change::RemoveGroup(group_id(9)));
    shelf.change(Change::AddMember(group_id(9), Member::Person(person_id(1))));
    assert_eq!(shelf.reads(1, 1), Err(Rule::NotOnList), "a group that was removed is unknown again");
    let person: Person = Person { external_id: "7".to_owned(), ..person(1, true, false) };
    shelf.change(Change::PutPerson(person));
    assert_eq!(shelf.reads(1, 1), YES, "by where they come from");
}

#[test]
fn an_unknown_deny_token_makes_the_list_unknown_until_it_appears() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(AccessList { deny: [group_token(9)].into(), ..everyone() }));
    shelf.put(2, 1, given(AccessList { deny: [outside("nine")].into(), ..everyone() }));
    assert_eq!([1, 2].map(|document| shelf.reads(1, document)), [Err(Rule::ListUnknown); 2]);
    assert_eq!(shelf.visible(1).count(), 0);
    shelf.group(9, &[Member::Person(person_id(2))]);
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 1)), (YES, Err(Rule::ListDenies)));
    assert_eq!(shelf.visible(1).count(), 1);
    shelf.change(Change::RemoveGroup(group_id(9)));
    assert_eq!(shelf.reads(1, 1), Err(Rule::ListUnknown), "a group that was removed is unknown again");
    assert_eq!(shelf.visible(1).count(), 0);
}

#[test]
fn an_approximated_list_counts_and_an_unknown_one_allows_nobody() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(AccessList { quality: Quality::Approximated, ..everyone() }));
    shelf.put(2, 1, given(AccessList { quality: Quality::Unknown, ..everyone() }));
    assert_eq!([1, 2].map(|document| shelf.reads(1, document)), [YES, Err(Rule::ListUnknown)]);
}

#[test]
fn a_token_that_a_person_and_a_group_answer_to_is_unknown() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(allow(&[outside("1")])));
    shelf.put(2, 1, given(AccessList { deny: [outside("1")].into(), ..everyone() }));
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 2)), (YES, YES));
    shelf.group(1, &[Member::Person(person_id(1))]);
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 2)), (Err(Rule::NotOnList), Err(Rule::ListUnknown)));
}

#[test]
fn two_people_with_one_address_are_two_people() {
    let mut shelf = Shelf::new();
    for number in [1, 2] {
        let email = Some("jo@example.com".to_owned());
        shelf.change(Change::PutPerson(Person { email, ..person(number, true, false) }));
    }
    shelf.put(1, 1, given(allow(&[person_token(1)])));
    shelf.put(2, 1, given(allow(&[outside("jo@example.com")])));
    assert_eq!((shelf.reads(1, 1), shelf.reads(2, 1)), (YES, Err(Rule::NotOnList)));
    assert_eq!([1, 2].map(|person| shelf.reads(person, 2)), [Err(Rule::NotOnList); 2], "an address is no key");
}

#[test]
fn a_service_has_what_lists_name_it_for_and_on_behalf_of_a_person_what_that_person_has() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(allow(&[Token::Service(service_id(1)).into()])));
    shelf.put(2, 1, given(allow(&[person_token(1)])));
    shelf.put(3, 1, given(everyone()));
    let rights = |of| {
        let access = shelf.access(&service_caller(of));
        [1, 2, 3].map(|document| reads(&access, document, 1).is_ok())
    };
    assert_eq!(rights(None), [true, false, false]);
    assert_eq!(rights(Some(1)), [false, true, true]);
    assert_eq!(shelf.access(&service_caller(Some(1))).visible(Action::Read).count(), 2);
}

#[test]
fn a_live_source_ages_by_sensitivity_and_one_with_its_lists_here_does_not() {
    let mut shelf = Shelf::new();
    let standing = |live| SourceStanding {
        owner: Principal::Person(person_id(0)),
        default_list: None,
        live,
        reconciled_at: Some(now()),
    };
    let by_sensitivity = [("secret".to_owned(), 60)].into();
    shelf.edit(Edit::SetAgeLimits(AgeLimits { default_seconds: 3_600, by_sensitivity }));
    shelf.edit(Edit::PutSource(source_id(0), standing(true)));
    shelf.put(1, 1, given(everyone()));
    shelf.put_with(2, 1, given(everyone()), Some("secret"), [].into());
    let at = |shelf: &mut Shelf, seconds| {
        shelf.seconds = seconds;
        let seen = shelf.visible(1);
        let answers = [1, 2].map(|document| shelf.reads(1, document));
        assert_eq!([seen.sees(0), seen.sees(1)], answers.map(|answer| answer.is_ok()));
        (answers, seen.valid_until().map(|until| until.seconds() - now().seconds()))
    };
    assert_eq!(at(&mut shelf, 59), ([YES, YES], Some(60)));
    assert_eq!(at(&mut shelf, 60), ([YES, Err(Rule::Stale)], Some(3_600)));
    assert_eq!(at(&mut shelf, 3_600), ([Err(Rule::Stale); 2], None));
    shelf.edit(Edit::Reconciled(source_id(0), now().plus_seconds(3_600)));
    assert_eq!(at(&mut shelf, 3_600), ([YES, YES], Some(3_660)));
    shelf.edit(Edit::PutSource(source_id(0), standing(false)));
    assert_eq!(at(&mut shelf, 999_999), ([YES, YES], None));
}

#[test]
fn narrowing_reaches_all_versions_and_widening_the_current_one_on() {
    let mut shelf = Shelf::new();
    let both = || allow(&[person_token(1), person_token(2)]);
    shelf.put(1, 1, given(both()));
    shelf.put(1, 2, Listing::Unchanged);
    let readers = |shelf: &Shelf, version| [1, 2].map(|person| shelf.reads_version(person, 1, version).is_ok());
    shelf.list(1, allow(&[person_token(1)]));
    assert_eq!([1, 2].map(|version| readers(&shelf, version)), [[true, false]; 2], "narrowed at once");
    shelf.list(1, both());
    assert_eq!(readers(&shelf, 1), [true, false], "an old version is not widened");
    assert_eq!(readers(&shelf, 2), [true, true]);
    shelf.put(1, 3, given(allow(&[person_token(2)])));
    let after = [[false, false], [false, true], [false, true]];
    assert_eq!([1, 2, 3].map(|version| readers(&shelf, version)), after, "a new version's list narrows older ones");
    assert_eq!(shelf.reads_version(2, 1, 4), Err(Rule::NotFound));
    assert_eq!(shelf.reads_version(2, 1, 0), Err(Rule::NotFound));
    shelf.put(1, 2, given(everyone()));
    assert_eq!(shelf.snapshot().version(document_id(1)), Some(3), "what comes late changes nothing");
    assert_eq!([1, 2, 3].map(|version| readers(&shelf, version)), after);
    shelf.group(5, &[Member::Person(person_id(1))]);
    shelf.list(1, allow(&[group_token(5)]));
    shelf.change(Change::AddMember(group_id(5), Member::Person(person_id(2))));
    assert_eq!(readers(&shelf, 2), [false, true], "who joins a group gets what the group has");
}

#[test]
fn what_was_removed_keeps_its_last_list_or_closes_and_what_was_erased_closes() {
    let mut shelf = Shelf::new();
    for number in 1..=4 {
        shelf.put(number, 1, given(allow(&[person_token(1)])));
    }
    shelf.edit(Edit::Retire(document_id(1), Tombstone::KeepLastList));
    shelf.edit(Edit::Retire(document_id(2), Tombstone::Close));
    shelf.edit(Edit::Erase(document_id(3)));
    let expected = [YES, Err(Rule::Closed), Err(Rule::Erased), YES];
    assert_eq!([1, 2, 3, 4].map(|document| shelf.reads(1, document)), expected);
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [3], "only what is there is found");
    // What was made from all of them.
    let made_from = |numbers: &[u32]| {
        let mut provenance = Provenance::default();
        for number in numbers {
            provenance.add(Source::Document { document: document_id(*number), version: 1 });
        }
        shelf.access(&caller(1)).reading_all(&provenance).allowed
    };
    assert_eq!([made_from(&[1, 4]), made_from(&[1, 2, 4]), made_from(&[4, 3])], [true, false, false]);
    assert_eq!(shelf.reads(2, 1), Err(Rule::NotOnList), "a tombstone opens to nobody else");
    shelf.put(3, 2, given(everyone()));
    assert_eq!(shelf.reads(1, 3), Err(Rule::Erased), "for good");
    assert_eq!(shelf.reads_version(1, 3, 2), Err(Rule::NotFound));
    shelf.put(2, 2, Listing::Unchanged);
    assert_eq!(shelf.reads(1, 2), YES, "it is there again");
}

#[test]
fn a_list_of_fifty_thousand_is_a_list() {
    let mut shelf = Shelf::new();
    let mut tokens: Vec<ListToken> = (0..50_000).map(|number| outside(&format!("x{number}"))).collect();
    tokens.push(person_token(1));
    shelf.put(1, 1, given(AccessList { deny: [person_token(2)].into(), ..AccessList::allowing(tokens.clone()) }));
    assert_eq!([1, 2, 0].map(|person| shelf.reads(person, 1)), [YES, Err(Rule::ListDenies), Err(Rule::NotOnList)]);
    assert_eq!([1, 2, 0].map(|person| shelf.visible(person).count()), [1, 0, 0]);
    let facts = shelf.snapshot().facts(document_id(1), 1).unwrap();
    assert_eq!(facts.lists[0].list.allow.len(), 50_001);
    shelf.list(1, AccessList { deny: tokens.into_iter().collect(), ..everyone() });
    assert_eq!(shelf.reads(1, 1), Err(Rule::ListUnknown));
}

#[test]
fn what_nobody_knows_is_denied() {
    let shelf = Shelf::new();
    assert_eq!(shelf.reads(1, 1), Err(Rule::NotFound));
    let mut strange = Shelf::new();
    let (document, listing) = (document_id(1), given(everyone()));
    let source = source_id(9);
    let (sensitivity, attributes) = (None, [].into());
    strange.edit(Edit::PutDocument { document, source, version: 1, listing, sensitivity, attributes });
    assert_eq!(strange.reads(1, 1), Err(Rule::Stale), "nobody knows how old that source is");
}

#[test]
fn a_trace_is_decided_again_by_the_facts_in_its_question() {
    let mut shelf = Shelf::new();
    shelf.put(1, 1, given(everyone()));
    shelf.put(1, 2, given(allow(&[person_token(1)])));
    let me = Principal::Person(person_id(1));
    let mut provenance = Provenance::words_of(me);
    provenance.add(Source::Document { document: document_id(1), version: 1 });
    let snapshot = shelf.snapshot();
    let facts = snapshot.facts_of(&provenance);
    assert_eq!((facts.len(), facts[0].lists.len()), (1, 2), "an old version is held by both lists");
    let trace = TraceId::from_uuid(Uuid::from_u128(1));
    let decided = |facts: &[DocumentFacts], owner| {
        let (provenance, facts) = (provenance.clone(), facts.to_vec());
        let resource = Resource::Trace { trace, owner: Some(owner), provenance, facts };
        let caller = CallerRecord { principal: me, via: Vec::new(), key: None, purpose: None, subject: None };
        let grounds = Grounds { directory: snapshot.directory(), policies: snapshot.policies(), at: now() };
        let verdict = decide(&grounds, &Question { caller, action: Action::Read, resource });
        (verdict.allowed, verdict.reasons.iter().map(|reason| reason.rule).collect::<Vec<_>>())
    };
    let every = vec![Rule::Owner, Rule::OwnWords, Rule::ListAllows, Rule::ListAllows];
    assert_eq!(decided(&facts, me), (true, every));
    assert_eq!(decided(&[], me), (false, vec![Rule::NotFound]), "what nobody recorded is denied");
    assert_eq!(decided(&facts, Principal::Person(person_id(2))), (false, vec![Rule::NotFound]));
    let mut narrowed = facts.clone();
    narrowed[0].lists[0].list = allow(&[]);
    assert_eq!(decided(&narrowed, me), (false, vec![Rule::NobodyAllowed]));
}
