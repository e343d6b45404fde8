//! Documents, lists, sources and policies: what memory, disk and any past epoch say is the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{AttributeKind, Listing, Policies, Snapshot, SourceStanding, Tombstone, open as open_sealed};
use domain::{
    AccessList, Action, AttributeValue, DocumentFacts, DocumentId, DocumentState, ListToken, PersonId, Principal,
    Quality, SourceId, Timestamp, Token,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use store::{
    Amendment, DocumentContent, DocumentRights, NewDocument, PolicyRecord, SourceKind, SourceRecord, Store, StoreError,
};
use uuid::Uuid;

use super::world::{Place, access_at, admin, now, person, person_id};

const DOCUMENTS: u8 = 4;

pub(crate) fn source_id(number: u8) -> SourceId {
    SourceId::from_uuid(Uuid::from_u128(u128::from(number) + 70))
}

pub(crate) fn document_id(number: u8) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_u128(u128::from(number) + 80))
}

pub(crate) fn source(number: u8, owner: PersonId, default_list: Option<AccessList>) -> SourceRecord {
    let owner = Principal::Person(owner);
    SourceRecord {
        id: source_id(number),
        name: format!("source {number}"),
        kind: SourceKind::Push,
        config: None,
        removed_at: None,
        standing: SourceStanding { owner, default_list, live: false, reconciled_at: None },
        on_delete: Tombstone::KeepLastList,
        created_at: now(),
    }
}

pub(crate) fn new_document(number: u8, text: &str, listing: Listing) -> NewDocument {
    NewDocument {
        id: document_id(number),
        external_id: format!("doc {number}"),
        title: format!("title of {number}"),
        content: DocumentContent { text: text.to_owned(), structure: None },
        url: None,
        updated_at: None,
        source_version: None,
        listing,
        sensitivity: None,
        attributes: BTreeMap::new(),
    }
}

pub(crate) fn to(people: &[u8]) -> Listing {
    let tokens = people.iter().map(|number| Token::Person(person_id(u128::from(*number))));
    Listing::Given(AccessList::allowing(tokens))
}

/// One write, in numbers.
#[derive(Debug, Clone)]
enum Write {
    Default { source: u8, list: Option<Vec<u8>> },
    Put { documents: Vec<(u8, u8)>, listing: u8 },
    List { document: u8, listing: u8 },
    Retire { document: u8, closes: bool },
    Erase(u8),
    Policies(bool),
    Join(u8),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let list = prop::option::of(prop::collection::vec(0..4_u8, 0..3));
    let put = (prop::collection::btree_map(0..DOCUMENTS, 0..3_u8, 1..4), 0..9_u8);
    let write = prop_oneof![
        2 => (0..2_u8, list).prop_map(|(source, list)| Write::Default { source, list }),
        6 => put.prop_map(|(documents, listing)| Write::Put { documents: documents.into_iter().collect(), listing }),
        4 => (0..DOCUMENTS, 0..9_u8).prop_map(|(document, listing)| Write::List { document, listing }),
        1 => (0..DOCUMENTS, any::<bool>()).prop_map(|(document, closes)| Write::Retire { document, closes }),
        1 => (0..DOCUMENTS).prop_map(Write::Erase),
        1 => any::<bool>().prop_map(Write::Policies),
        1 => (0..4_u8).prop_map(Write::Join),
    ];
    prop::collection::vec(write, 1..40)
}

/// Lists of all kinds, by number.
fn listing(number: u8) -> Listing {
    let outside = ListToken::External { source: "local".to_owned(), external_id: "p2".to_owned() };
    match number {
        0 => Listing::Unchanged,
        1 => Listing::SourceDefault,
        2 => to(&[]),
        3 => to(&[1]),
        4 => to(&[1, 2, 3]),
        5 => Listing::Given(AccessList::allowing([Token::Everyone])),
        6 => Listing::Given(AccessList { deny: BTreeSet::from([outside]), ..AccessList::allowing([Token::Everyone]) }),
        7 => Listing::Given(AccessList { quality: Quality::Unknown, ..AccessList::allowing([Token::Everyone]) }),
        _ => Listing::Given(AccessList::allowing([outside])),
    }
}

async fn apply(store: &Store, owner: PersonId, write: &Write) {
    let amend = async |amendment: Amendment| {
        store.amend::<StoreError>(None, |_| Ok(vec![amendment])).await.unwrap();
    };
    let rights = async |document: u8, rights: DocumentRights| {
        store.set_rights(None, (document_id(document), source_id(document % 2)), rights).await.unwrap();
    };
    match write {
        Write::Default { source: number, list } => {
            let list = list.as_ref().map(|people| match to(people) {
                Listing::Given(list) => list,
                _ => unreachable!(),
            });
            amend(Amendment::Source(Box::new(source(*number, owner, list)))).await;
        }
        Write::Put { documents, listing: number } => {
            for side in 0..2 {
                // One that was erased comes in again as another document, which is not what these writes are about.
                let snapshot = store.snapshot();
                let facts =
                    |document: u8| snapshot.facts(document_id(document), snapshot.version(document_id(document))?);
                let is_erased =
                    |document: u8| facts(document).is_some_and(|facts| facts.state == DocumentState::Erased);
                let of_side = documents.iter().filter(|(number, _)| number % 2 == side && !is_erased(*number));
                let new = of_side.map(|(document, text)| NewDocument {
                    attributes: BTreeMap::from([("grade".to_owned(), AttributeValue::Long(i64::from(*text)))]),
                    ..new_document(*document, &format!("text {text}"), listing(*number))
                });
                store.put_documents(None, source_id(side), new.collect()).await.unwrap();
            }
        }
        Write::List { document, listing: number } => {
            rights(*document, DocumentRights::List { listing: listing(*number) }).await;
        }
        Write::Retire { document, closes } => {
            let tombstone = if *closes { Tombstone::Close } else { Tombstone::KeepLastList };
            rights(*document, DocumentRights::Retire { tombstone }).await;
        }
        Write::Erase(document) => rights(*document, DocumentRights::Erase).await,
        Write::Policies(strict) => amend(policies(*strict)).await,
        Write::Join(number) => {
            let change = access::Change::PutPerson(person(u128::from(*number)));
            store.commit::<StoreError>(None, |_| Ok(vec![change])).await.unwrap();
        }
    }
}

pub(crate) fn policies(strict: bool) -> Amendment {
    let attributes = BTreeMap::from([("grade".to_owned(), AttributeKind::Long)]);
    let cedar = "forbid(principal, action, resource) when { resource.grade > 1 };";
    let record = if strict { PolicyRecord { cedar: cedar.to_owned(), attributes } } else { PolicyRecord::default() };
    let read = Policies::parse(&record.cedar, record.attributes.clone()).unwrap();
    Amendment::Policies(Box::new(record), Arc::new(read))
}

/// All that a snapshot says of the documents, and of who may read which version.
fn said(snapshot: &Snapshot) -> Vec<(Option<DocumentFacts>, Vec<bool>)> {
    let versions = (0..DOCUMENTS).flat_map(|document| (1..8).map(move |version| (document_id(document), version)));
    let people: Vec<PersonId> =
        snapshot.directory().people().map(|person| person.id).collect::<BTreeSet<_>>().into_iter().collect();
    versions
        .map(|(document, version)| {
            let may = |person: &PersonId| access_at(snapshot, *person).may(Action::Read, document, version).allowed;
            (snapshot.facts(document, version), people.iter().map(may).collect())
        })
        .collect()
}

/// Random writes: after each, memory is what is on the disk, and each past epoch is what it was.
#[test]
fn memory_disk_and_any_past_epoch_say_the_same_of_documents() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::default();
    for _ in 0..12 {
        let writes = writes().new_tree(&mut runner).unwrap().current();
        runtime.block_on(async {
            let place = Place::on_sqlite();
            let mut store = place.open().await;
            let owner = admin(&store.directory()).id;
            for number in 0..2 {
                apply(&store, owner, &Write::Default { source: number, list: None }).await;
            }
            let mut past = BTreeMap::new();
            for (number, write) in (0..).zip(&writes) {
                apply(&store, owner, write).await;
                let snapshot = store.snapshot();
                past.insert(snapshot.epoch(), said(&snapshot));
                if number % 13 == 7 {
                    store = place.reopen(store).await;
                    assert_eq!(said(&store.snapshot()), past[&snapshot.epoch()], "{writes:?}");
                    assert_eq!(store.snapshot().epoch(), snapshot.epoch());
                }
            }
            let store = place.reopen(store).await;
            let all: Vec<DocumentId> = (0..DOCUMENTS).map(document_id).collect();
            for (epoch, then) in &past {
                let again = store.snapshot_at(*epoch, &all).await.unwrap();
                assert_eq!((&said(&again), again.epoch()), (then, *epoch), "{writes:?}");
            }
            store.verify_epochs().await.unwrap();
            store.close().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_in_again_is_new_the_same_or_too_old() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    apply(&store, owner, &Write::Default { source: 0, list: None }).await;
    let put =
        async |document: NewDocument| store.put_documents(None, source_id(0), vec![document]).await.unwrap().remove(0);
    let at = |seconds: i64| Some(Timestamp::from_micros(seconds * 1_000_000));
    let first = put(NewDocument { updated_at: at(10), ..new_document(0, "one", to(&[1])) }).await;
    assert_eq!((first.document, first.version, first.epoch), (document_id(0), 1, store.directory().epoch()));
    // The same again, under another id that is not needed, and without a list: nothing.
    let other = NewDocument { id: document_id(9), updated_at: at(11), ..new_document(0, "one", Listing::Unchanged) };
    assert_eq!(put(other.clone()).await, first);
    assert_eq!(store.directory().epoch(), first.epoch);
    // Older: nothing, whatever it says.
    assert_eq!(put(NewDocument { updated_at: at(9), ..new_document(0, "old", to(&[1, 2])) }).await, first);
    // The same text for others: no new version, but an epoch.
    let widened = put(NewDocument { updated_at: at(12), ..new_document(0, "one", to(&[1, 2])) }).await;
    assert_eq!((widened.version, widened.epoch), (1, first.epoch + 1));
    let second = put(NewDocument { updated_at: at(13), ..new_document(0, "two", Listing::Unchanged) }).await;
    assert_eq!((second.document, second.version, second.epoch), (document_id(0), 2, first.epoch + 2));
    // What the source calls the same version is the same version.
    let named = |text: &str| NewDocument { source_version: Some("v9".to_owned()), ..new_document(1, text, to(&[1])) };
    assert_eq!(put(named("one")).await, put(named("two")).await);
    let text = async |person: PersonId, document: u8| {
        let sealed = store.document_text(document_id(document)).await.unwrap().unwrap();
        open_sealed(&access_at(&store.snapshot(), person), sealed).map(|stored| stored.into_inner().content.text)
    };
    store
        .commit::<StoreError>(None, |_| Ok([1, 2, 3].map(|n| access::Change::PutPerson(person(n))).to_vec()))
        .await
        .unwrap();
    assert_eq!(text(person_id(2), 0).await.unwrap(), "two", "the list stayed as it was");
    assert!(text(person_id(3), 0).await.is_err());
    assert!(text(person_id(2), 1).await.is_err());
    assert_eq!(text(person_id(1), 1).await.unwrap(), "one");
    assert_eq!(store.document_named(source_id(0), "doc 0").await.unwrap(), Some(document_id(0)));
    assert_eq!(store.document_named(source_id(1), "doc 0").await.unwrap(), None);
    assert_eq!(store.documents_of(source_id(0), None, 1).await.unwrap().data, [(document_id(0), "doc 0".to_owned())]);
    store.close().await;
}

/// Whoever is erased was named in lists by where they come from: no byte of that remains, and the lists mean the same.
#[tokio::test(flavor = "multi_thread")]
async fn lists_name_who_was_erased_by_id_alone() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let gone = access::Person { external_id: "forgetme_100%@example.com".to_owned(), ..person(1) };
    let people = [gone.clone(), person(2)].map(access::Change::PutPerson).to_vec();
    store.commit::<StoreError>(None, |_| Ok(people)).await.unwrap();
    let called = ListToken::External { source: gone.source.clone(), external_id: gone.external_id.clone() };
    let everyone = || AccessList::allowing([Token::Everyone]);
    let denied = AccessList { deny: BTreeSet::from([called.clone()]), ..everyone() };
    let default = AccessList { allow: BTreeSet::from([called]), ..AccessList::default() };
    let source = Amendment::Source(Box::new(source(0, owner, Some(default))));
    store.amend::<StoreError>(None, |_| Ok(vec![source])).await.unwrap();
    let documents = [Listing::Given(denied), Listing::SourceDefault, Listing::Given(everyone())];
    let documents = (0..).zip(documents).map(|(number, listing)| new_document(number * 2, "text", listing)).collect();
    store.put_documents(None, source_id(0), documents).await.unwrap();
    // The first list of the document is history by then.
    apply(&store, owner, &Write::List { document: 4, listing: 2 }).await;
    assert_ne!(super::lake::places_of(place.folder.path(), "forgetme"), Vec::<std::path::PathBuf>::new());
    let id = domain::ErasureId::from_uuid(Uuid::from_u128(9));
    store.erase(id, store::Erasee::Principal(Principal::Person(gone.id)), None).await.unwrap();
    assert_eq!(super::lake::places_of(place.folder.path(), "forgetme"), Vec::<std::path::PathBuf>::new());
    let reads = |snapshot: &Snapshot, document: u8| {
        access_at(snapshot, person_id(2)).may(Action::Read, document_id(document), 1).allowed
    };
    let snapshot = store.snapshot();
    assert_eq!([0, 2, 4].map(|document| reads(&snapshot, document)), [true, false, false]);
    let store = place.reopen(store).await;
    assert!(reads(&store.snapshot(), 0), "who was denied is known still");
    store.verify_epochs().await.unwrap();
    store.close().await;
}

/// What was narrowed after a backup is narrow after the restore, and nothing is wider than it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_keeps_documents_as_narrow_as_they_were() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    store
        .commit::<StoreError>(None, |_| Ok([1, 2].map(|n| access::Change::PutPerson(person(n))).to_vec()))
        .await
        .unwrap();
    let wide = Write::Default { source: 0, list: Some(vec![1, 2]) };
    apply(&store, owner, &wide).await;
    let documents = [(0, to(&[1, 2])), (2, to(&[1, 2])), (4, Listing::SourceDefault), (6, to(&[1])), (8, to(&[1, 2]))];
    let documents = documents.map(|(number, listing)| new_document(number, "text", listing)).to_vec();
    store.put_documents(None, source_id(0), documents).await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let to_folder = backup.path().join("backup");
    store.back_up(&to_folder, Vec::new()).await.unwrap();
    let list = |document: u8, listing| Write::List { document, listing };
    // 0 is narrowed, 2 gets a list that names somebody by where they come from, the default is narrowed, 6 is widened,
    // 8 is retired.
    for write in [list(0, 3), list(2, 8), Write::Default { source: 0, list: Some(vec![1]) }, list(6, 4)] {
        apply(&store, owner, &write).await;
    }
    apply(&store, owner, &Write::Retire { document: 8, closes: false }).await;
    apply(&store, owner, &Write::Policies(true)).await;
    let (before, hash) = (store.directory().epoch(), store.snapshot().policies().hash().map(str::to_owned));
    store.close().await;
    let restored = tempfile::tempdir().unwrap();
    let log = place.folder.path().join("narrowings.log");
    store::restore(&to_folder, restored.path(), Some(&log)).unwrap();
    let store = super::world::open(restored.path()).await.unwrap();
    assert!(store.directory().epoch() > before);
    let snapshot = store.snapshot();
    assert_eq!(snapshot.policies().hash().map(str::to_owned), hash);
    let reads = |person: u128, document: u8| {
        let facts = snapshot.facts(document_id(document), 1).unwrap();
        let token = ListToken::Id(Token::Person(person_id(person)));
        facts.lists.iter().all(|held| held.list.quality != Quality::Unknown && held.list.allow.contains(&token))
    };
    assert_eq!((reads(1, 0), reads(2, 0)), (true, false), "narrowed again");
    assert_eq!((reads(1, 2), reads(2, 2)), (false, false), "not said by ids: closed until it comes in again");
    assert_eq!((reads(1, 4), reads(2, 4)), (true, false), "the default was narrowed");
    assert_eq!((reads(1, 6), reads(2, 6)), (true, false), "what was given since stays lost");
    assert_eq!(snapshot.facts(document_id(8), 1).unwrap().state, domain::DocumentState::Closed);
    store.verify_epochs().await.unwrap();
    store.close().await;
}
