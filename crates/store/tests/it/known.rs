//! What is known in the open tables, and documents that are erased.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use access::{Listing, Snapshot, open as open_sealed};
use domain::{
    AccessList, Action, DocumentId, DocumentState, ErasureId, ListToken, PersonId, Principal, Provenance, Rule, Source,
    Token,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use store::{Amendment, DocumentContent, Erasee, NewDocument, PassageText, RetentionRules, Store, StoreError, restore};
use uuid::Uuid;

use super::knowledge::{document_id, new_document, policies, source, source_id, to};
use super::lake::{fail_each, places_of, rows};
use super::world::{Place, access_at, admin, entry, entry_with_reply, now, open, person, person_id, trace_id};

const DAY: i64 = 86_400;
const MODEL: &str = "e5";

fn erasure_id(number: u128) -> ErasureId {
    ErasureId::from_uuid(Uuid::from_u128(number))
}

fn passage(number: u8, text: &str) -> PassageText {
    let headings = vec![format!("heading of {number}")];
    PassageText { start: 0, end: 9, text: text.to_owned(), headings, context: None, page: Some(3) }
}

/// One source.
pub(crate) async fn open_source(store: &Store, default: Option<AccessList>) {
    let owner = admin(&store.directory()).id;
    let source = Amendment::Source(Box::new(source(0, owner, default)));
    store.amend::<StoreError>(None, |_| Ok(vec![source])).await.unwrap();
}

/// A version of a document that says these words everywhere, with two passages and their vectors.
async fn say(store: &Store, number: u8, words: &str, listing: Listing) -> (DocumentId, u32) {
    let document = NewDocument {
        external_id: format!("/shares/{words}.txt {number}"),
        title: format!("about {words}"),
        url: Some(format!("https://example.com/{words}")),
        source_version: Some(format!("version of {words}")),
        content: DocumentContent {
            text: format!("they say {words}"),
            structure: Some(serde_json::json!([{"kind": words}])),
        },
        ..new_document(number, "", listing)
    };
    let put = store.put_documents(None, source_id(0), vec![document]).await.unwrap().remove(0);
    cut(store, (put.document, put.version), words).await;
    (put.document, put.version)
}

async fn cut(store: &Store, (document, version): (DocumentId, u32), words: &str) {
    let passages = vec![passage(0, words), passage(1, &format!("more {words}"))];
    store.keep_passages(&[(document, version, passages)]).await.unwrap();
    let vectors = [vec![0.5, -1.25, f32::MIN_POSITIVE], vec![f32::NAN, 0.1, 3.0]];
    store.keep_vectors((document, version), MODEL, &vectors).await.unwrap();
}

/// A source, so many documents with everything that belongs to them, and two changes of a list.
pub(crate) async fn know(store: &Store, documents: u8) {
    open_source(store, None).await;
    for number in 0..documents {
        say(store, number, &format!("known {number}"), to(&[1])).await;
    }
    for people in [&[1, 2][..], &[2]] {
        let rights = store::DocumentRights::List { listing: to(people) };
        store.set_rights(None, (document_id(0), source_id(0)), rights).await.unwrap();
    }
}

/// Another version of one of four documents.
pub(crate) async fn know_more(store: &Store, turn: u32, words: &str) {
    let number = u8::try_from(turn % 4).unwrap();
    let put = store.put_documents(None, source_id(0), vec![new_document(number, words, to(&[1]))]).await.unwrap();
    cut(store, (put[0].document, put[0].version), words).await;
}

/// After a kill and a roll: every version is in the tables once, and passages are those of whole versions.
pub(crate) fn assert_copied_once(store: &Store) {
    let snapshot = store.snapshot();
    let versions: u32 = (0..4).filter_map(|number| snapshot.version(document_id(number))).sum();
    let known = of_known(store);
    let expected = (u64::from(versions), u64::from(versions));
    assert_eq!((known["documents"], known["document_contents"]), expected, "{known:?}");
    assert!(known["passages"].is_multiple_of(2) && known["passages"] <= known["documents"] * 2, "{known:?}");
    assert!(known["vectors"].is_multiple_of(2) && known["vectors"] <= known["passages"], "{known:?}");
}

/// The rows of so many documents that [`know`] made.
pub(crate) fn rows_of(documents: u64) -> [(&'static str, u64); 5] {
    [
        ("documents", documents),
        ("document_contents", documents),
        ("document_lists", documents + 2),
        ("passages", documents * 2),
        ("vectors", documents * 2),
    ]
}

/// The rows of a table's files as text.
fn said_in(folder: &Path, table: &str) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("lake").join(table).join("data")).unwrap();
    let rows = files.flat_map(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).unwrap();
        reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect::<Vec<_>>()
    });
    rows.collect()
}

fn of_known(store: &Store) -> BTreeMap<&'static str, u64> {
    let names: BTreeSet<&str> = rows_of(0).iter().map(|(name, _)| *name).collect();
    rows(store).into_iter().filter(|(name, _)| names.contains(name)).collect()
}

pub(crate) async fn what_is_known_is_copied_once_and_goes_with_its_document(place: Place) {
    let store = place.open().await;
    know(&store, 2).await;
    let copied = store.roll().await.unwrap().known;
    assert_eq!((copied, store.roll().await.unwrap().known), (2 + 4 + 4 + 4, 0));
    assert_eq!(of_known(&store), BTreeMap::from(rows_of(2)));
    let folder = place.folder.path();
    let vectors = said_in(folder, "vectors");
    assert!(vectors.iter().any(|row| row.contains("[0.5, -1.25")) && vectors.iter().all(|row| row.contains(MODEL)));
    assert_eq!(said_in(folder, "document_contents").iter().filter(|row| row.contains("they say known")).count(), 2);
    assert_eq!(places_of(&folder.join("lake/documents"), "known"), Vec::<PathBuf>::new(), "ids and counts alone");
    assert_eq!(places_of(&folder.join("lake/passages"), "known"), Vec::<PathBuf>::new(), "places alone");
    // What is made later of a version that was copied follows; what is made twice does not.
    let first = (document_id(0), 1);
    store.keep_vectors(first, "other", &[vec![1.0]]).await.unwrap();
    store.keep_vectors(first, MODEL, &[vec![2.0]]).await.unwrap();
    assert_eq!(store.roll().await.unwrap().known, 1);
    // What is kept stays, however old: only records of exchanges age.
    let rules = RetentionRules { default_days: 1, per_task: BTreeMap::from([(source_id(0).to_string(), 1)]) };
    store.sweep_retention(rules, now().plus_seconds(DAY * 400)).await.unwrap();
    assert_eq!(of_known(&store)["documents"], 2);
    store.lake().compact(2).await.unwrap();
    let store = place.reopen(store).await;
    let erased = store.erase(erasure_id(1), Erasee::Document(document_id(0)), None).await.unwrap();
    assert_eq!((erased.done, erased.document, erased.person), (true, Some(document_id(0)), None));
    let expected = [
        ("document_contents", 1),
        ("document_lists", 3),
        ("documents", 1),
        ("passages", 2),
        ("texts", 5),
        ("vectors", 3),
        ("versions", 1),
    ];
    assert_eq!(erased.removed, BTreeMap::from(expected.map(|(name, rows)| (name.to_owned(), rows))));
    // Numbers that were passed over do not hold up the others.
    say(&store, 9, "known 9", to(&[1])).await;
    assert_eq!(store.roll().await.unwrap().known, 1 + 1 + 2 + 2);
    assert_eq!(store.lake().verify().await.unwrap(), []);
    store.verify_epochs().await.unwrap();
    let missing = store.erase(erasure_id(2), Erasee::Document(document_id(77)), None).await.unwrap_err();
    assert_eq!(missing.kind(), domain::ErrorKind::NotFound);
    store.close().await;
}

/// Exchanges of one's own, of which the second was made from a document.
async fn ask(store: &Store, owner: PersonId, document: DocumentId) {
    for number in 1..=4_u128 {
        let mut entry = entry_with_reply(number, Principal::Person(owner), "what does it say?");
        if number % 2 == 0 {
            let mut provenance = Provenance::words_of(Principal::Person(owner));
            provenance.add(Source::Document { document, version: 1 });
            entry.trace.provenance = provenance.clone();
            entry.kept.response.as_mut().unwrap().provenance = provenance;
        }
        store.record(entry).await.unwrap();
        if number == 2 {
            store.roll().await.unwrap();
        }
    }
}

fn state(snapshot: &Snapshot, document: DocumentId) -> DocumentState {
    snapshot.facts(document, 1).unwrap().state
}

async fn people(store: &Store) {
    let people = [1, 2].map(|number| access::Change::PutPerson(person(number))).to_vec();
    store.commit::<StoreError>(None, |_| Ok(people)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_byte_of_a_document_remains() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    people(&store).await;
    open_source(&store, None).await;
    let (document, _) = say(&store, 0, "forgetme", to(&[1])).await;
    store.roll().await.unwrap();
    // A second version, under the same name there, that is not copied yet.
    let again = NewDocument {
        external_id: "/shares/forgetme.txt 0".to_owned(),
        title: "forgetme again".to_owned(),
        ..new_document(0, "forgetme too", to(&[1]))
    };
    let second = store.put_documents(None, source_id(0), vec![again.clone()]).await.unwrap().remove(0);
    assert_eq!((second.document, second.version), (document, 2));
    cut(&store, (document, 2), "forgetme").await;
    say(&store, 2, "keepthis", to(&[1])).await;
    ask(&store, person_id(1), document).await;
    assert!(places_of(place.folder.path(), "forgetme").len() >= 2);
    let erased = store.erase(erasure_id(1), Erasee::Document(document), None).await.unwrap();
    assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
    assert!(!places_of(place.folder.path(), "keepthis").is_empty());
    let made: Vec<String> = [2, 4].map(|number| trace_id(number).to_string()).to_vec();
    let replies = [2, 4].map(|number| super::world::response_id(number).to_string());
    assert_eq!(erased.quarantined, made.into_iter().chain(replies).collect::<Vec<_>>());
    // What was made from it is there, and closed: also to whoever asked.
    let snapshot = store.snapshot();
    let access = access_at(&snapshot, person_id(1));
    let sealed = store.trace(Principal::Person(person_id(1)), trace_id(2)).await.unwrap().unwrap();
    assert!(open_sealed(&access, sealed).is_err());
    let sealed = store.trace(Principal::Person(person_id(1)), trace_id(1)).await.unwrap().unwrap();
    assert!(open_sealed(&access, sealed).is_ok());
    let verdict = access.may(Action::Read, document, 1);
    assert_eq!((verdict.allowed, verdict.reasons[0].rule), (false, Rule::Erased));
    // Whoever was cutting or embedding it meanwhile leaves nothing.
    for version in [1, 2] {
        cut(&store, (document, version), "forgetme").await;
        store.keep_vectors((document, version), "forgetme-model", &[vec![1.0]]).await.unwrap();
    }
    store.roll().await.unwrap();
    assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
    assert_eq!(store.verify_epochs().await.unwrap().epoch, store.directory().epoch());
    let store = place.reopen(store).await;
    assert_eq!(state(&store.snapshot(), document), DocumentState::Erased);
    assert_eq!(store.erasures(None, 10).await.unwrap().data, [erased]);
    // It is still at its source: another document, with another id.
    let other = NewDocument { id: document_id(40), ..again };
    let put = store.put_documents(None, source_id(0), vec![other]).await.unwrap().remove(0);
    assert_eq!((put.document, put.version), (document_id(40), 1));
    // Twice is as once.
    store.erase(erasure_id(2), Erasee::Document(document), None).await.unwrap();
    store.verify_epochs().await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_of_a_document_is_finished_whatever_operation_fails() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    open_source(&store, None).await;
    for number in 0..3 {
        say(&store, number, if number == 0 { "forgetme" } else { "keepthis" }, to(&[1])).await;
        store.roll().await.unwrap();
    }
    store.close().await;
    let asked = std::sync::atomic::AtomicU64::new(20);
    let erase = async |store: &Store| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let _ = store.erase(erasure_id(number.into()), Erasee::Document(document_id(0)), None).await;
    };
    let check = async |store: &Store| {
        store.roll().await.unwrap();
        if !store.erasures(None, 1).await.unwrap().data.is_empty() {
            assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
            assert_eq!(of_known(store), rows_without_changes(2));
        }
    };
    let operations = fail_each(&place, erase, check).await;
    assert!(operations > 40, "{operations}");
}

/// The same where no list was changed.
fn rows_without_changes(documents: u64) -> BTreeMap<&'static str, u64> {
    let mut rows = BTreeMap::from(rows_of(documents));
    rows.insert("document_lists", documents);
    rows
}

/// Lists in the tables name who was erased by id alone, whichever operation of the disk fails.
#[tokio::test(flavor = "multi_thread")]
async fn copied_lists_name_who_was_erased_by_id_alone() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    people(&store).await;
    let gone = access::Person { external_id: "forgetme_\"100%\"@example.com".to_owned(), ..person(3) };
    let joined = vec![access::Change::PutPerson(gone.clone())];
    store.commit::<StoreError>(None, |_| Ok(joined)).await.unwrap();
    open_source(&store, None).await;
    let called = ListToken::External { source: gone.source.clone(), external_id: gone.external_id.clone() };
    let denied = AccessList { deny: BTreeSet::from([called]), ..AccessList::allowing([Token::Person(person_id(1))]) };
    say(&store, 0, "anything", Listing::Given(denied)).await;
    store.roll().await.unwrap();
    say(&store, 2, "anything else", to(&[1])).await;
    store.close().await;
    let asked = std::sync::atomic::AtomicU64::new(20);
    let erase = async |store: &Store| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let whom = Erasee::Principal(Principal::Person(person_id(3)));
        let _ = store.erase(erasure_id(number.into()), whom, None).await;
    };
    let check = async |store: &Store| {
        store.roll().await.unwrap();
        assert_eq!(of_known(store), rows_without_changes(2));
        if !store.erasures(None, 1).await.unwrap().data.is_empty() {
            assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
            let lists = said_in(place.folder.path(), "document_lists");
            assert!(lists.iter().any(|row| row.contains(&person_id(3).to_string())), "{lists:?}");
        }
    };
    let operations = fail_each(&place, erase, check).await;
    assert!(operations > 20, "{operations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_does_not_bring_an_erased_document_back() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    people(&store).await;
    open_source(&store, None).await;
    let (document, _) = say(&store, 0, "forgetme", to(&[1])).await;
    store.roll().await.unwrap();
    let backup = tempfile::tempdir().unwrap();
    let to_folder = backup.path().join("backup");
    store.back_up(&to_folder, Vec::new()).await.unwrap();
    store.erase(erasure_id(1), Erasee::Document(document), None).await.unwrap();
    let epoch = store.directory().epoch();
    store.close().await;
    let restored = tempfile::tempdir().unwrap();
    restore(&to_folder, restored.path(), Some(&place.folder.path().join("narrowings.log"))).unwrap();
    assert!(!places_of(restored.path(), "forgetme").is_empty());
    let store = open(restored.path()).await.unwrap();
    assert!(store.directory().epoch() > epoch);
    assert_eq!(state(&store.snapshot(), document), DocumentState::Erased);
    assert_eq!(places_of(restored.path(), "forgetme"), Vec::<PathBuf>::new());
    assert!(store.erasure(erasure_id(1)).await.unwrap().unwrap().done);
    store.verify_epochs().await.unwrap();
    store.close().await;
}

/// A state with a document that person 1 may read, a backup of it, and strict policies since.
async fn narrowed_since(place: &Place, backup: &Path) -> u64 {
    let store = place.open().await;
    people(&store).await;
    open_source(&store, None).await;
    say(&store, 0, "anything", to(&[1])).await;
    store.back_up(backup, Vec::new()).await.unwrap();
    store.amend::<StoreError>(None, |_| Ok(vec![policies(true)])).await.unwrap();
    let epoch = store.directory().epoch();
    store.close().await;
    epoch
}

async fn restored(backup: &Path, log: &str) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    std::fs::write(&file, log).unwrap();
    let data = folder.path().join("data");
    restore(backup, &data, Some(&file)).unwrap();
    let store = open(&data).await.unwrap();
    (folder, store)
}

fn reads(store: &Store) -> bool {
    access_at(&store.snapshot(), person_id(1)).may(Action::Read, document_id(0), 1).allowed
}

/// Where nothing says which policies held, nobody reads until they are put again.
#[tokio::test(flavor = "multi_thread")]
async fn policies_that_a_restore_does_not_know_close() {
    let (place, backup) = (Place::on_sqlite(), tempfile::tempdir().unwrap());
    let backup = backup.path().join("backup");
    narrowed_since(&place, &backup).await;
    let log = std::fs::read_to_string(place.folder.path().join("narrowings.log")).unwrap();
    let lines = log.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("policies");
        format!("{line}\n")
    });
    let (_folder, store) = restored(&backup, &lines.collect::<String>()).await;
    assert!(!reads(&store));
    let acts = store.acts(None, 10).await.unwrap().data;
    assert_eq!(acts.iter().filter(|act| act.verb == "close_for_lost_policies").count(), 1, "{acts:?}");
    assert!(store.policies().await.unwrap().cedar.contains("put them again"));
    store.verify_epochs().await.unwrap();
    store.amend::<StoreError>(None, |_| Ok(vec![policies(false)])).await.unwrap();
    assert!(reads(&store));
    store.close().await;
    // With the log as it was, the policies are known.
    let (_folder, store) = restored(&backup, &log).await;
    assert!(!store.policies().await.unwrap().cedar.contains("put them again"));
    assert!(store.acts(None, 10).await.unwrap().data.iter().all(|act| act.verb != "close_for_lost_policies"));
    store.close().await;
}

/// A log that a failed append left behind is completed at the next start, policies and all.
#[tokio::test(flavor = "multi_thread")]
async fn a_completed_log_says_which_policies_held() {
    let (place, backup) = (Place::on_sqlite(), tempfile::tempdir().unwrap());
    let backup = backup.path().join("backup");
    let epoch = narrowed_since(&place, &backup).await;
    let file = place.folder.path().join("narrowings.log");
    let whole = std::fs::read_to_string(&file).unwrap();
    let of_policies = |line: &&str| line.contains("\"put_policies\"");
    let kept: Vec<&str> = whole.lines().filter(|line| !of_policies(line)).collect();
    std::fs::write(&file, kept.join("\n") + "\n").unwrap();
    let store = place.open().await;
    assert_eq!(store.directory().epoch(), epoch);
    store.close().await;
    let completed = std::fs::read_to_string(&file).unwrap();
    assert_eq!(
        completed.lines().filter(of_policies).collect::<Vec<_>>(),
        whole.lines().filter(of_policies).collect::<Vec<_>>()
    );
}

/// Exchanges go by the days of their task, and what is known does not, whatever it is called.
#[tokio::test(flavor = "multi_thread")]
async fn retention_touches_exchanges_alone() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    know(&store, 2).await;
    let mut old = entry(1, owner, "old");
    old.trace.created_at = now().plus_seconds(-DAY * 30);
    store.record(old).await.unwrap();
    store.roll().await.unwrap();
    let rules = RetentionRules { default_days: 0, per_task: BTreeMap::new() };
    let swept = store.sweep_retention(rules, now().plus_seconds(DAY * 10)).await.unwrap();
    assert_eq!((swept.traces, rows(&store)["traces"]), (1, 0));
    assert_eq!(of_known(&store), BTreeMap::from(rows_of(2)));
    store.close().await;
}
