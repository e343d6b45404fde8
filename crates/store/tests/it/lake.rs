//! The open tables behind the store: what rolled is read as before, exactly once whatever fails, and goes for good.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use access::open as open_sealed;
use domain::{
    Decision, ErasureId, Feedback, FeedbackId, FeedbackKind, Outcome, PersonId, Principal, Provenance, Resource,
    TraceId,
};
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use serde_json::json;
use store::{
    DecisionQuery, Erasee, Faults, Kept, RetentionRules, Store, StoreOptions, StoredTrace, TraceEntry, TraceQuery,
};
use uuid::Uuid;

use super::faults::{again, child_folder, say};
use super::world::{
    Place, access_of, admin, decision, entry, entry_with_reply, now, open, person, person_id, trace_id,
};

const DAY: i64 = 86_400;

/// A person of a number, made where they are missing.
async fn ensure(store: &Store, number: u128) -> PersonId {
    let change = access::Change::PutPerson(person(number));
    store.commit::<store::StoreError>(None, |_| Ok(vec![change])).await.unwrap();
    person_id(number)
}

async fn comment(store: &Store, number: u128, on: &TraceEntry, by: Principal, words: &str) -> Feedback {
    let (id, kind) = (FeedbackId::from_uuid(Uuid::from_u128(number)), FeedbackKind::Comment);
    let feedback = Feedback { id, trace: on.trace.id, by, created_at: now(), kind, value: json!(words) };
    store.add_feedback(feedback.clone(), &on.trace).await.unwrap();
    feedback
}

async fn read(store: &Store, owner: PersonId, query: TraceQuery) -> (Vec<StoredTrace>, bool) {
    let access = access_of(&store.directory(), owner);
    let page = store.traces(&access, query).await.unwrap();
    let opened = page.data.into_iter().map(|sealed| open_sealed(&access, sealed).unwrap().into_inner());
    (opened.collect(), page.has_more)
}

async fn all(store: &Store, owner: PersonId) -> Vec<StoredTrace> {
    read(store, owner, TraceQuery { limit: 1_000, ..TraceQuery::default() }).await.0
}

pub(crate) fn rows(store: &Store) -> BTreeMap<&'static str, u64> {
    store.lake().status().into_iter().map(|table| (table.table, table.rows)).collect()
}

/// An exchange with every field that a column holds set, or not, by its number.
fn varied(number: u128, owner: Principal) -> TraceEntry {
    let mut entry = entry(number, owner, &format!("words {number} \0 ü 漢字 \u{202e}"));
    let trace = &mut entry.trace;
    trace.task = ["assistant", "support-triage", ""][number as usize % 3].to_owned();
    trace.created_at = now().plus_seconds(-(number as i64 % 5) * DAY + number as i64);
    trace.outcome = [Outcome::Answered, Outcome::Refused, Outcome::Failed][number as usize / 2 % 3];
    trace.epoch = u64::try_from(number).unwrap() << 32;
    if number.is_multiple_of(2) {
        trace.reason = Some("rate_limit_exceeded".to_owned());
        trace.logprobs = Some(domain::LogprobSummary { mean: -0.125, min: f64::MIN_POSITIVE, tokens: 3 });
        trace.caller.subject = Some(format!("customer {number}"));
        trace.caller.purpose = Some("\"quoted\", {braced}\n".to_owned());
        (trace.model, trace.weights_hash, trace.upstream) = (None, None, None);
        entry.content.as_mut().unwrap().metadata = None;
    }
    if number.is_multiple_of(7) {
        entry.content = None;
    }
    entry
}

fn matches(stored: &StoredTrace, query: &TraceQuery) -> bool {
    query.after.is_none_or(|after| stored.trace.id < after)
        && query.task.as_ref().is_none_or(|task| *task == stored.trace.task)
        && query.outcome.is_none_or(|outcome| outcome == stored.trace.outcome)
        && query.since.is_none_or(|since| stored.trace.created_at >= since)
        && query.until.is_none_or(|until| stored.trace.created_at < until)
}

fn queries() -> impl Strategy<Value = TraceQuery> {
    let task = proptest::option::of(prop_oneof![Just("assistant"), Just("support-triage"), Just(""), Just("none")]);
    let outcome =
        proptest::option::of(prop_oneof![Just(Outcome::Answered), Just(Outcome::Refused), Just(Outcome::Failed)]);
    let time = || proptest::option::of((-6..2_i64, -80..80_i64).prop_map(|(day, s)| now().plus_seconds(day * DAY + s)));
    let after = proptest::option::of((0..70_u128).prop_map(trace_id));
    (after, 1..30_u32, task, outcome, time(), time()).prop_map(|(after, limit, task, outcome, since, until)| {
        TraceQuery { after, limit, task: task.map(str::to_owned), outcome, since, until }
    })
}

/// Some rolled early and were compacted, some rolled later, some are hot: every list is that of a loop over all.
#[test]
fn lists_over_state_and_tables_agree_with_a_loop() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (place, store, owner, mut expected) = runtime.block_on(async {
        let place = Place::on_sqlite();
        let store = place.open().await;
        let owner = ensure(&store, 77).await;
        let other = Principal::Person(ensure(&store, 78).await);
        let mut expected = Vec::new();
        for number in 1..=60_u128 {
            // Ids do not follow the order of recording.
            let entry = varied(number * 37 % 61, Principal::Person(owner));
            store.record(entry.clone()).await.unwrap();
            store.record(varied(1_000 + number, other)).await.unwrap();
            let mut feedback = Vec::new();
            if number % 4 == 0 {
                feedback.push(comment(&store, number, &entry, Principal::Person(owner), "because").await);
            }
            expected.push(StoredTrace { trace: entry.trace, content: entry.content, feedback });
            if matches!(number, 9 | 10 | 20 | 40) {
                store.roll().await.unwrap();
            }
            if number == 20 {
                store.lake().compact(2).await.unwrap();
            }
        }
        // On exchanges that rolled long ago.
        for stored in expected.iter_mut().take(5) {
            let entry =
                TraceEntry { trace: stored.trace.clone(), content: None, kept: Kept::default(), decisions: vec![] };
            let number = stored.trace.id.uuid().as_u128() + 100;
            stored.feedback.push(comment(&store, number, &entry, Principal::Person(owner), "later").await);
        }
        (place, store, owner, expected)
    });
    expected.sort_by_key(|stored| std::cmp::Reverse(stored.trace.id));
    let check = |query: TraceQuery| {
        let (found, has_more) = runtime.block_on(read(&store, owner, query.clone()));
        let all: Vec<&StoredTrace> = expected.iter().filter(|stored| matches(stored, &query)).collect();
        let limit = query.limit as usize;
        assert_eq!(found.iter().collect::<Vec<_>>(), all[..all.len().min(limit)], "{query:?}");
        assert_eq!(has_more, all.len() > limit, "{query:?}");
    };
    proptest!(ProptestConfig::with_cases(200), |(query in queries())| check(query));
    runtime.block_on(async {
        for stored in &expected {
            let sealed = store.trace(Principal::Person(owner), stored.trace.id).await.unwrap().unwrap();
            let access = access_of(&store.directory(), owner);
            assert_eq!(open_sealed(&access, sealed).unwrap().into_inner(), *stored);
            assert!(store.trace(Principal::Person(person_id(78)), stored.trace.id).await.unwrap().is_none());
        }
        assert_eq!(store.lake().verify().await.unwrap(), []);
        store.close().await;
    });
    drop(place);
}

/// Opens a store whose disk fails under the open tables from the n-th change on.
async fn open_with(place: &Place, faults: Faults) -> Result<Store, store::StoreError> {
    Store::open(StoreOptions { faults, ..place.options() }).await
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Runs a change with the n-th I/O failing, for n = 1, 2, ... until it passes, each time on the same folder as it was;
/// checks the folder after each. Answers how many operations there were.
pub(crate) async fn fail_each<C: AsyncFn(&Store), K: AsyncFn(&Store)>(place: &Place, change: C, check: K) -> i64 {
    let before = tempfile::tempdir().unwrap();
    copy_folder(place.folder.path(), before.path());
    for operations in 0.. {
        std::fs::remove_dir_all(place.folder.path()).unwrap();
        copy_folder(before.path(), place.folder.path());
        let faults = Faults::after(operations);
        if let Ok(store) = open_with(place, faults.clone()).await {
            change(&store).await;
            store.close().await;
        }
        let store = place.open().await;
        check(&store).await;
        assert_eq!(store.lake().verify().await.unwrap(), [], "after {operations} operations");
        store.close().await;
        if !faults.happened() {
            return operations;
        }
        assert!(operations < 5_000, "it never passes");
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_is_exactly_once_whatever_operation_fails() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = ensure(&store, 5).await;
    let mut entries = Vec::new();
    for number in 1..=12_u128 {
        entries.push(varied(number, Principal::Person(owner)));
        store.record(entries[entries.len() - 1].clone()).await.unwrap();
        comment(&store, number, &entries[entries.len() - 1], Principal::Person(owner), "why").await;
    }
    super::known::know(&store, 3).await;
    store.close().await;
    let ids = |count: u128| (1..=count).rev().map(trace_id).collect::<Vec<TraceId>>();
    let once = [("decisions", 12), ("feedback", 12), ("feedback_contents", 12), ("trace_contents", 11), ("traces", 12)];
    let once: Vec<(&'static str, u64)> = once.into_iter().chain(super::known::rows_of(3)).collect();
    let once = BTreeMap::from_iter(once);
    let check = async |store: &Store| {
        let found = all(store, owner).await;
        assert_eq!(found.iter().map(|stored| stored.trace.id).collect::<Vec<_>>(), ids(12));
        assert!(found.iter().all(|stored| stored.feedback.len() == 1));
        let decisions: Vec<Decision> =
            (1..=12).rev().map(|number| decision(number, Principal::Person(owner))).collect();
        let query = DecisionQuery { limit: 1_000, ..DecisionQuery::default() };
        assert_eq!(store.decisions(query).await.unwrap().data, decisions);
        // What was only seen twice in lists would be there twice in the tables.
        store.roll().await.unwrap();
        assert_eq!(rows(store), once);
    };
    let operations = fail_each(&place, async |store| drop(store.roll().await), check).await;
    assert!(operations > 50, "{operations}");
    let store = place.open().await;
    assert_eq!(rows(&store), once);
    // Whoever began a roll and was not waited for may still be adding: the same records are not added again.
    let again = store.lake().append(lake::Table::Traces, Vec::new(), (0, 12)).await.unwrap_err();
    assert!(matches!(again, lake::LakeError::Changed { .. }), "{again}");
    assert_eq!(rows(&store)["traces"], 12);
    // Numbers go on where they were, though the state is empty.
    store.record(varied(13, Principal::Person(owner))).await.unwrap();
    store.roll().await.unwrap();
    let store = place.reopen(store).await;
    store.record(varied(14, Principal::Person(owner))).await.unwrap();
    store.roll().await.unwrap();
    assert_eq!(rows(&store)["traces"], 14);
    let found = all(&store, owner).await;
    assert_eq!(found.iter().map(|stored| stored.trace.id).collect::<Vec<_>>(), ids(14));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn compaction_and_expiry_lose_nothing_whatever_operation_fails() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = ensure(&store, 5).await;
    for number in 1..=12_u128 {
        store.record(varied(number, Principal::Person(owner))).await.unwrap();
        store.roll().await.unwrap();
    }
    let before = all(&store, owner).await;
    store.close().await;
    let upkeep = async |store: &Store| {
        if store.lake().compact(2).await.is_ok() {
            let _ = store.lake().expire(now().plus_seconds(100 * DAY)).await;
        }
    };
    let operations = fail_each(&place, upkeep, async |store| assert_eq!(all(store, owner).await, before)).await;
    assert!(operations > 40, "{operations}");
    let store = place.open().await;
    let status = store.lake().status();
    // One file for each partition that has rows, and one snapshot.
    assert!(status.iter().all(|table| table.files == table.partitions && table.snapshots <= 1), "{status:?}");
    store.close().await;
}

/// All that a folder's files say: as they are, and Parquet files unpacked.
fn said_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut said = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            said.extend(said_in(&path));
            continue;
        }
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if path.extension().is_some_and(|extension| extension == "parquet") {
            let reader = SerializedFileReader::new(bytes::Bytes::from(bytes.clone())).unwrap();
            let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
            said.push((path.clone(), rows.join("\n").into_bytes()));
        }
        said.push((path, bytes));
    }
    said
}

pub(crate) fn places_of(folder: &Path, words: &str) -> Vec<PathBuf> {
    let holds = |bytes: &[u8]| bytes.windows(words.len()).any(|part| part == words.as_bytes());
    said_in(folder).into_iter().filter(|(_, bytes)| holds(bytes)).map(|(path, _)| path).collect()
}

/// Exchanges of a person who is to go and of one who stays: some hot, some rolled, some in old snapshots only.
async fn two_people(place: &Place, exchanges: u128) -> (Store, Principal, PersonId) {
    let store = place.open().await;
    let mut gone = person(5);
    (gone.display_name, gone.email) = ("Forgetme Byron".to_owned(), Some("forgetme@example.com".to_owned()));
    store.commit::<store::StoreError>(None, |_| Ok(vec![access::Change::PutPerson(gone)])).await.unwrap();
    let (gone, stays) = (Principal::Person(person_id(5)), ensure(&store, 6).await);
    for number in 1..=exchanges {
        let mut theirs = entry_with_reply(number, gone, &format!("forgetme {number}"));
        theirs.trace.created_at = now().plus_seconds(-(number as i64 % 3) * DAY);
        theirs.trace.caller.purpose = Some("forgetme on purpose".to_owned());
        theirs.decisions[0].question.caller.purpose = Some("forgetme, it was decided".to_owned());
        theirs.decisions[0].created_at = theirs.trace.created_at;
        store.record(theirs.clone()).await.unwrap();
        comment(&store, number, &theirs, gone, "forgetme too").await;
        let mut other = entry(100 + number, Principal::Person(stays), "keepthis");
        other.trace.created_at = theirs.trace.created_at;
        store.record(other).await.unwrap();
        if number % 3 == 0 && number < exchanges {
            store.roll().await.unwrap();
        }
        if number == exchanges / 2 {
            store.lake().compact(2).await.unwrap();
        }
    }
    (store, gone, stays)
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_erasure_no_byte_remains() {
    let place = Place::on_sqlite();
    let (store, gone, stays) = two_people(&place, 12).await;
    assert!(places_of(place.folder.path(), "forgetme").len() > 5);
    assert!(places_of(place.folder.path(), "Forgetme Byron").len() == 1);
    let id = ErasureId::from_uuid(Uuid::from_u128(9));
    let mut about_them = decision(200, Principal::Person(stays));
    let Principal::Person(person) = gone else { unreachable!() };
    about_them.question.resource = Resource::Person { person: Some(person) };
    store.record_decision(&about_them).await.unwrap();
    // One of them rolled long ago.
    about_them.id = domain::DecisionId::from_uuid(Uuid::from_u128(201));
    store.record(entry(300, Principal::Person(stays), "keepthis")).await.unwrap();
    store.roll().await.unwrap();
    store.record_decision(&about_them).await.unwrap();
    let erasure = store.erase(id, Erasee::Principal(gone), None).await.unwrap();
    assert!(erasure.done, "{erasure:?}");
    assert_eq!(erasure.removed["decisions"], 14);
    assert_eq!((erasure.removed["traces"], erasure.removed["feedback"], erasure.removed["responses"]), (12, 12, 12));
    for words in ["forgetme", "Forgetme"] {
        assert_eq!(places_of(place.folder.path(), words), Vec::<PathBuf>::new(), "{words}");
    }
    let tables = place.folder.path().join("lake");
    assert_eq!(places_of(&tables, &gone.to_string()), Vec::<PathBuf>::new());
    assert_eq!(all(&store, stays).await.len(), 13);
    assert!(!store.directory().is_active(gone));
    // What was still on its way when they went leaves nothing either.
    store.record(entry_with_reply(50, gone, "forgetme after all")).await.unwrap();
    assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
    assert_eq!(store.verify_epochs().await.unwrap().epoch, store.directory().epoch());
    assert_eq!(store.erasures(None, 10).await.unwrap().data, [erasure]);
    let store = place.reopen(store).await;
    assert_eq!(all(&store, stays).await.len(), 13);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_is_finished_whatever_operation_fails() {
    let place = Place::on_sqlite();
    let (store, gone, stays) = two_people(&place, 5).await;
    store.close().await;
    let asked = std::sync::atomic::AtomicU64::new(20);
    let erase = async |store: &Store| {
        let number = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let id = ErasureId::from_uuid(Uuid::from_u128(number.into()));
        let _ = store.erase(id, Erasee::Principal(gone), None).await;
    };
    // Opened again, the store finishes what was begun before it lets anybody in.
    let check = async |store: &Store| {
        assert_eq!(all(store, stays).await.len(), 5);
        if !store.erasures(None, 1).await.unwrap().data.is_empty() {
            assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
        }
    };
    let operations = fail_each(&place, erase, check).await;
    assert!(operations > 50, "{operations}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_erased_and_its_name_is_not_kept() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    for number in 1..=6_u128 {
        let mut entry = entry(number, owner, "hello");
        entry.trace.caller.subject = Some(if number % 2 == 0 { "customer-forgetme" } else { "customer-9" }.to_owned());
        store.record(entry).await.unwrap();
        if number == 4 {
            store.roll().await.unwrap();
        }
    }
    let id = ErasureId::from_uuid(Uuid::from_u128(9));
    let erasure = store.erase(id, Erasee::Subject("customer-forgetme".to_owned()), None).await.unwrap();
    assert_eq!((erasure.removed["traces"], erasure.person), (3, None));
    assert_eq!(places_of(place.folder.path(), "customer-forgetme"), Vec::<PathBuf>::new());
    assert_eq!(all(&store, admin(&store.directory()).id).await.len(), 3);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_long_enough_goes_from_the_tables_too() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    for number in 0..40_u128 {
        let mut entry = entry(number, owner, if number > 10 { "forgetme" } else { "keepthis" });
        entry.trace.created_at = now().plus_seconds(-(number as i64) * DAY);
        store.record(entry.clone()).await.unwrap();
        comment(&store, number, &entry, owner, if number > 10 { "forgetme" } else { "keepthis" }).await;
        if number % 10 == 9 {
            store.roll().await.unwrap();
        }
    }
    let rules = RetentionRules { default_days: 10, per_task: BTreeMap::new() };
    let swept = store.sweep_retention(rules, now()).await.unwrap();
    assert_eq!((swept.traces, swept.clean), (29, true));
    assert_eq!(places_of(place.folder.path(), "forgetme"), Vec::<PathBuf>::new());
    assert_eq!(all(&store, admin(&store.directory()).id).await.len(), 11);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_as_it_was_written_is_named() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    for number in 1..=3_u128 {
        store.record(entry(number, owner, "hello")).await.unwrap();
        store.roll().await.unwrap();
    }
    assert_eq!(store.lake().verify().await.unwrap(), []);
    let folder = place.folder.path().join("lake");
    let files: Vec<PathBuf> = said_in(&folder).into_iter().map(|(path, _)| path).collect();
    let of_tables = |path: &&PathBuf| !path.file_name().unwrap().to_str().unwrap().starts_with("catalog.db");
    for path in files.iter().filter(of_tables) {
        let bytes = std::fs::read(path).unwrap();
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        for wrong in [&altered[..], &bytes[..bytes.len() - 1]] {
            std::fs::write(path, wrong).unwrap();
            let flaws = store.lake().verify().await.unwrap();
            assert!(flaws.iter().any(|flaw| flaw.file == *path), "{}: {flaws:?}", path.display());
        }
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(store.lake().verify().await.unwrap(), []);
    store.close().await;
}

/// What was made from somebody's words goes with them, whoever owns it.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_from_their_words_goes_with_a_person() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let (gone, owner) = (Principal::Person(ensure(&store, 5).await), ensure(&store, 6).await);
    for number in 1..=4_u128 {
        let mut entry = entry(number, Principal::Person(owner), "hello");
        if number % 2 == 0 {
            let mut provenance = Provenance::words_of(Principal::Person(owner));
            provenance.extend(&Provenance::words_of(gone));
            entry.trace.provenance = provenance;
        }
        store.record(entry).await.unwrap();
        if number == 2 {
            store.roll().await.unwrap();
        }
    }
    let id = ErasureId::from_uuid(Uuid::from_u128(9));
    store.erase(id, Erasee::Principal(gone), None).await.unwrap();
    let left: Vec<TraceId> = all(&store, owner).await.iter().map(|stored| stored.trace.id).collect();
    assert_eq!(left, [trace_id(3), trace_id(1)]);
    store.close().await;
}

/// Exchanges of one round that are recorded, by writer and turn.
fn of_round(round: u128, turn: u128, writer: u128) -> u128 {
    (round << 64) | (turn << 8) | writer
}

/// In the child: records for ever, and rolls, joins, expires and erases for ever beside it.
async fn work_for_ever(folder: &Path, round: u128) {
    let store = open(folder).await.unwrap();
    let owner = Principal::Person(admin(&store.directory()).id);
    let gone = Principal::Person(ensure(&store, 1_000 + round).await);
    super::known::open_source(&store, None).await;
    // A few in each turn of the work, while it goes on.
    let places = std::sync::Arc::new(tokio::sync::Semaphore::new(40));
    let writers = (0..4_u128).map(|writer| {
        let (store, places) = (store.clone(), places.clone());
        tokio::spawn(async move {
            for turn in 0.. {
                places.acquire().await.unwrap().forget();
                let number = of_round(round, turn, writer);
                let entry = if writer == 0 {
                    entry(number, gone, &format!("forgetme {round}."))
                } else {
                    entry(number, owner, "kept")
                };
                store.record(entry).await.unwrap();
                if writer > 0 {
                    say(&format!("trace {number}"));
                }
            }
        })
    });
    let _writers: Vec<_> = writers.collect();
    for turn in 0.. {
        places.add_permits(40);
        super::known::know_more(&store, turn, &format!("round {round}, turn {turn}")).await;
        store.roll().await.unwrap();
        say("rolled");
        if turn % 2 == 1 {
            store.lake().compact(2).await.unwrap();
            store.lake().expire(now().plus_seconds(DAY * 1_000)).await.unwrap();
            say("joined");
        }
        if turn == 1 {
            say("erasing");
            store.erase(ErasureId::from_uuid(Uuid::from_u128(round + 1)), Erasee::Principal(gone), None).await.unwrap();
            say("erased");
        }
    }
}

/// Killed a hundred times while rows roll, files are joined and people erased: every acknowledged record is there
/// exactly once, and of whom was erased no byte.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_lose_nothing_and_leave_nothing() {
    if let Some(folder) = child_folder() {
        let round = std::env::var("FREEHOLD_TEST_ROUND").unwrap().parse().unwrap();
        return work_for_ever(&folder, round).await;
    }
    let (mut place, mut acknowledged, mut erasures) = (Place::on_sqlite(), std::collections::BTreeSet::new(), 0);
    for round in 0..100_u128 {
        // A folder takes ten kills: what must be read after each grows.
        if round % 10 == 0 {
            (place, acknowledged) = (Place::on_sqlite(), std::collections::BTreeSet::new());
        }
        let test = "it::lake::a_hundred_kills_lose_nothing_and_leave_nothing";
        let mut command = again(test, "exec \"$@\"", place.folder.path());
        let mut child = command.env("FREEHOLD_TEST_ROUND", round.to_string()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let words = ["trace ", "rolled", "joined", "erasing", "erased"];
        let is_said = |line: &String| words.iter().any(|word| line.starts_with(word));
        // Some lines after the first, second, ... step of the work.
        let (steps, more) = ((round / 2 % 7) as usize, (round * 37 % 23) as usize + 1);
        let (mut said, mut seen) = (Vec::new(), 0);
        while seen < steps {
            let line = lines.by_ref().find(is_said).expect("the child ended by itself");
            seen += usize::from(!line.starts_with("trace "));
            said.push(line);
        }
        said.extend(lines.by_ref().filter(is_said).take(more));
        child.kill().unwrap();
        said.extend(lines.filter(is_said));
        child.wait().unwrap();
        acknowledged.extend(said.iter().filter_map(|line| line.strip_prefix("trace ")?.parse::<u128>().ok()));
        let store = place.open().await;
        store.roll().await.unwrap();
        let owner = admin(&store.directory()).id;
        let found = all_of(&store, owner).await;
        let distinct: std::collections::BTreeSet<u128> = found.iter().map(|id| id.uuid().as_u128()).collect();
        assert_eq!(found.len(), distinct.len(), "round {round}");
        assert!(acknowledged.is_subset(&distinct), "round {round}");
        let of_tables = rows(&store);
        assert_eq!(of_tables["traces"], of_tables["trace_contents"], "round {round}");
        assert_eq!(of_tables["traces"], of_tables["decisions"], "round {round}");
        super::known::assert_copied_once(&store);
        if said.iter().any(|line| line == "erasing") && store.erasures(None, 1).await.unwrap().data.len() == 1 {
            let newest = store.erasures(None, 1).await.unwrap().data.remove(0);
            if newest.id == ErasureId::from_uuid(Uuid::from_u128(round + 1)) {
                assert!(newest.done, "round {round}");
                assert_eq!(places_of(place.folder.path(), &format!("forgetme {round}.")), Vec::<PathBuf>::new());
                erasures += 1;
            }
        }
        assert_eq!(store.lake().verify().await.unwrap(), [], "round {round}");
        store.close().await;
    }
    assert!(erasures > 10, "{erasures} erasures were met");
}

/// The ids of all exchanges of an owner.
pub(crate) async fn all_of(store: &Store, owner: PersonId) -> Vec<TraceId> {
    let mut ids = Vec::new();
    loop {
        let query = TraceQuery { after: ids.last().copied(), limit: 1_000, ..TraceQuery::default() };
        let (page, has_more) = read(store, owner, query).await;
        ids.extend(page.iter().map(|stored| stored.trace.id));
        if !has_more {
            return ids;
        }
    }
}
