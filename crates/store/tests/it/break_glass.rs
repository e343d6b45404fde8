//! Break-glass as the store keeps it: an epoch for each approval and each end, the same in memory, on disk and at any past
//! epoch; what a restore and an erasure leave of it.

use std::collections::{BTreeMap, BTreeSet};

use access::{Actor, Listing, Snapshot, SourceStanding, Tombstone};
use domain::{
    AccessList, Action, BreakGlass, BreakGlassId, DocumentId, ErasureId, PersonId, Principal, SourceId, Timestamp,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use store::{
    Amendment, BreakGlassRecord, DocumentContent, Erasee, NewBreakGlass, NewDocument, SourceKind, SourceRecord, Store,
    StoreError,
};
use uuid::Uuid;

use super::world::{Place, access_at, now, person, person_id};

const GLASSES: u8 = 4;
const DOCUMENTS: u8 = 3;

fn glass_id(number: u8) -> BreakGlassId {
    BreakGlassId::from_uuid(Uuid::from_u128(u128::from(number) + 30))
}

fn document_id(number: u8) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_u128(u128::from(number) + 80))
}

fn by(number: u128) -> Actor {
    Actor::from(Principal::Person(person_id(number)))
}

/// People 1 to 4, and documents that nobody is to read, in a source of person 4.
async fn begin(store: &Store) {
    let people: Vec<_> = (1..=4).map(|number| access::Change::PutPerson(person(number))).collect();
    store.commit::<StoreError>(None, |_| Ok(people)).await.unwrap();
    let id = SourceId::from_uuid(Uuid::from_u128(70));
    let owner = Principal::Person(person_id(4));
    let record = SourceRecord {
        id,
        name: "wiki".to_owned(),
        kind: SourceKind::Push,
        config: None,
        standing: SourceStanding { owner, default_list: None, live: false, reconciled_at: None },
        on_delete: Tombstone::KeepLastList,
        created_at: now(),
        removed_at: None,
    };
    store.amend::<StoreError>(None, |_| Ok(vec![Amendment::Source(Box::new(record))])).await.unwrap();
    let new = (0..DOCUMENTS).map(|number| NewDocument {
        id: document_id(number),
        external_id: format!("doc {number}"),
        title: "title".to_owned(),
        content: DocumentContent { text: "text".to_owned(), structure: None },
        url: None,
        updated_at: None,
        source_version: None,
        listing: Listing::Given(AccessList::default()),
        sensitivity: None,
        attributes: BTreeMap::new(),
    });
    store.put_documents(None, id, new.collect()).await.unwrap();
}

/// Person 1 asks that person 2 may read.
fn wanted(number: u8, documents: &[u8], delay: Option<(Timestamp, String)>) -> NewBreakGlass {
    NewBreakGlass {
        id: glass_id(number),
        person: person_id(2),
        documents: documents.iter().map(|number| document_id(*number)).collect(),
        reason: "words_of_one".to_owned(),
        requested_by: person_id(1),
        expires_at: now().plus_seconds(3_600),
        delay,
    }
}

/// Person 3 agrees, to anything.
async fn approve(store: &Store, number: u8) -> Result<BreakGlassRecord, StoreError> {
    let rule = |record: &BreakGlassRecord| match record.approved.is_some() || record.ended_at.is_some() {
        false => Ok(person_id(3)),
        true => Err(StoreError::Conflict { detail: "over".to_owned() }),
    };
    store.approve_break_glass(by(3), glass_id(number), rule).await
}

/// Which documents are open to person 2, and by which of them.
fn open(snapshot: &Snapshot) -> Vec<Option<BreakGlassId>> {
    let access = access_at(snapshot, person_id(2));
    let verdict = |number| access.may(Action::Read, document_id(number), 1);
    let by = |number| verdict(number).reasons[0].via.iter().find_map(|step| step.parse().ok());
    (0..DOCUMENTS).map(|number| verdict(number).allowed.then(|| by(number)).flatten()).collect()
}

fn over(snapshot: &Snapshot) -> Vec<Vec<BreakGlass>> {
    (0..DOCUMENTS).map(|number| snapshot.facts(document_id(number), 1).unwrap().break_glass).collect()
}

#[derive(Debug, Clone)]
enum Write {
    Ask(u8, BTreeSet<u8>),
    Approve(u8),
    End(u8),
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let ask = (0..GLASSES, prop::collection::btree_set(0..DOCUMENTS, 1..3));
    let write = prop_oneof![
        2 => ask.prop_map(|(number, documents)| Write::Ask(number, documents)),
        2 => (0..GLASSES).prop_map(Write::Approve),
        1 => (0..GLASSES).prop_map(Write::End),
    ];
    prop::collection::vec(write, 1..30)
}

/// One that was asked for.
#[derive(Debug)]
struct Asked {
    number: u8,
    documents: BTreeSet<u8>,
    approved: bool,
    ended: bool,
}

/// What is open, by a list of what was asked for, agreed to and ended.
#[derive(Debug, Default)]
struct Naive(Vec<Asked>);

impl Naive {
    /// Whether the write does anything but fail.
    fn learn(&mut self, write: &Write) -> bool {
        let (Write::Ask(number, _) | Write::Approve(number) | Write::End(number)) = write;
        let known = self.0.iter_mut().find(|asked| asked.number == *number);
        match (write, known) {
            (Write::Ask(number, documents), None) => {
                let documents = documents.clone();
                self.0.push(Asked { number: *number, documents, approved: false, ended: false });
                true
            }
            (Write::Approve(_), Some(asked)) if !asked.approved && !asked.ended => {
                asked.approved = true;
                true
            }
            (Write::End(_), Some(asked)) => {
                asked.ended = true;
                true
            }
            _ => false,
        }
    }

    fn open(&self) -> Vec<Option<BreakGlassId>> {
        let first = |document: u8| {
            let opens = |asked: &&Asked| asked.documents.contains(&document) && asked.approved && !asked.ended;
            self.0.iter().filter(opens).map(|asked| glass_id(asked.number)).min()
        };
        (0..DOCUMENTS).map(first).collect()
    }
}

/// Random writes: what opens is what a list says; memory is what is on the disk, and each past epoch is what it was.
#[test]
fn memory_disk_and_any_past_epoch_say_the_same_of_break_glass() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::default();
    for _ in 0..8 {
        let writes = writes().new_tree(&mut runner).unwrap().current();
        runtime.block_on(async {
            let place = Place::on_sqlite();
            let mut store = place.open().await;
            begin(&store).await;
            let (mut naive, mut past) = (Naive::default(), BTreeMap::new());
            for (number, write) in (0..).zip(&writes) {
                let done = match write {
                    Write::Ask(number, documents) => {
                        let documents: Vec<u8> = documents.iter().copied().collect();
                        store.request_break_glass(by(1), wanted(*number, &documents, None)).await.is_ok()
                    }
                    Write::Approve(number) => approve(&store, *number).await.is_ok(),
                    Write::End(number) => store.end_break_glass(by(3), glass_id(*number)).await.is_ok(),
                };
                assert_eq!(done, naive.learn(write), "{writes:?}");
                assert_eq!(open(&store.snapshot()), naive.open(), "{writes:?}");
                past.insert(store.directory().epoch(), over(&store.snapshot()));
                if number % 11 == 5 {
                    store = place.reopen(store).await;
                    assert_eq!(open(&store.snapshot()), naive.open(), "{writes:?}");
                }
            }
            let all: Vec<DocumentId> = (0..DOCUMENTS).map(document_id).collect();
            for (epoch, then) in &past {
                let again = store.snapshot_at(*epoch, &all).await.unwrap();
                assert_eq!((&over(&again), again.epoch()), (then, *epoch), "{writes:?}");
            }
            store.verify_epochs().await.unwrap();
            store.close().await;
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_ends_again_what_was_ended_and_gives_nothing() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    begin(&store).await;
    for number in 0..3 {
        store.request_break_glass(by(1), wanted(number, &[number], None)).await.unwrap();
    }
    approve(&store, 0).await.unwrap();
    approve(&store, 1).await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let to_folder = backup.path().join("backup");
    store.back_up(&to_folder, Vec::new()).await.unwrap();
    store.end_break_glass(by(3), glass_id(0)).await.unwrap();
    approve(&store, 2).await.unwrap();
    assert_eq!(open(&store.snapshot()), [None, Some(glass_id(1)), Some(glass_id(2))]);
    store.close().await;
    let restored = tempfile::tempdir().unwrap();
    let log = place.folder.path().join("narrowings.log");
    store::restore(&to_folder, restored.path(), Some(&log)).unwrap();
    let store = super::world::open(restored.path()).await.unwrap();
    assert_eq!(open(&store.snapshot()), [None, Some(glass_id(1)), None]);
    let record = store.break_glass(glass_id(0)).await.unwrap().unwrap();
    assert!(record.ended_at.is_some() && record.ended_by.is_none(), "{record:?}");
    store.verify_epochs().await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_is_taken_out_of_the_history_is_found() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    begin(&store).await;
    store.request_break_glass(by(1), wanted(0, &[0], None)).await.unwrap();
    approve(&store, 0).await.unwrap();
    store.end_break_glass(by(3), glass_id(0)).await.unwrap();
    let epoch = store.verify_epochs().await.unwrap().epoch;
    place.alter("UPDATE break_glass_grants SET to_epoch = NULL").await;
    let error = store.verify_epochs().await.unwrap_err();
    assert!(matches!(error, StoreError::Tampered { epoch: at, .. } if at == epoch), "{error}");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_told_once_when_the_delay_is_over() {
    let place = Place::on_sqlite();
    let mut store = place.open().await;
    begin(&store).await;
    let due_at = now().plus_seconds(60);
    let new = wanted(0, &[0, 2], Some((due_at, "words_of_one".to_owned())));
    store.request_break_glass(by(1), new).await.unwrap();
    let record = approve(&store, 0).await.unwrap();
    assert_eq!(record.owners, BTreeMap::from([(person_id(4), [0, 2].map(document_id).into())]));
    let told = async |store: &Store, person: PersonId| {
        let page = store.notices(person, None, 10).await.unwrap();
        page.data.into_iter().map(|notice| (notice.kind, notice.subject, notice.at)).collect::<Vec<_>>()
    };
    place.clock.advance_seconds(59);
    assert!(told(&store, person_id(4)).await.is_empty());
    place.clock.advance_seconds(1);
    let expected = [("break_glass".to_owned(), glass_id(0).to_string(), due_at)];
    for _ in 0..2 {
        assert_eq!(told(&store, person_id(4)).await, expected);
        store = place.reopen(store).await;
    }
    assert!(told(&store, person_id(3)).await.is_empty());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_words_of_who_asked_go_with_them_and_what_opened_stays() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    begin(&store).await;
    let delay = Some((now().plus_seconds(60), "words_of_one".to_owned()));
    store.request_break_glass(by(1), wanted(0, &[0], delay)).await.unwrap();
    approve(&store, 0).await.unwrap();
    assert_ne!(super::lake::places_of(place.folder.path(), "words_of_one"), Vec::<std::path::PathBuf>::new());
    let id = ErasureId::from_uuid(Uuid::from_u128(9));
    store.erase(id, Erasee::Principal(Principal::Person(person_id(1))), None).await.unwrap();
    assert_eq!(super::lake::places_of(place.folder.path(), "words_of_one"), Vec::<std::path::PathBuf>::new());
    let record = store.break_glass(glass_id(0)).await.unwrap().unwrap();
    assert_eq!((record.reason.as_str(), record.delay_reason, record.requested_by), ("", None, person_id(1)));
    assert_eq!(open(&store.snapshot())[0], Some(glass_id(0)));
    store.verify_epochs().await.unwrap();
    store.close().await;
}
