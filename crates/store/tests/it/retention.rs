//! Retention: what is old enough goes, and no byte of what was said remains.

use std::collections::BTreeMap;

use access::open as open_sealed;
use domain::{ConversationId, Feedback, FeedbackId, FeedbackKind, Principal, Provenance, Timestamp};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::json;
use store::{Conversation, ConversationItem, RetentionRules, Store, StoredResponse, Swept, TraceQuery};
use uuid::Uuid;

use super::world::{Place, access_of, admin, entry, keep, now, response_id, trace_id};

const DAY: i64 = 86_400;

fn rules(default_days: u32) -> RetentionRules {
    RetentionRules { default_days, per_task: BTreeMap::from([("support-triage".to_owned(), 2)]) }
}

fn days_ago(days: i64) -> Timestamp {
    now().plus_seconds(-days * DAY)
}

async fn record(store: &Store, number: u128, task: &str, created_at: Timestamp, words: &str) {
    let owner = Principal::Person(admin(&store.directory()).id);
    let mut entry = entry(number, owner, words);
    (entry.trace.task, entry.trace.created_at) = (task.to_owned(), created_at);
    (entry.decisions[0].task, entry.decisions[0].created_at) = (task.to_owned(), created_at);
    store.record(entry).await.unwrap();
}

async fn comment(store: &Store, number: u128, words: &str) {
    let by = Principal::Person(admin(&store.directory()).id);
    let (id, kind) = (FeedbackId::from_uuid(Uuid::from_u128(number)), FeedbackKind::Comment);
    let feedback = Feedback { id, trace: trace_id(number), by, created_at: now(), kind, value: json!(words) };
    let sealed = store.trace(by, trace_id(number)).await.unwrap().unwrap();
    let access = access_of(&store.directory(), admin(&store.directory()).id);
    let about = open_sealed(&access, sealed).unwrap().into_inner().trace;
    store.add_feedback(feedback, &about).await.unwrap();
}

fn response(number: u128, owner: Principal, words: &str, expires_at: Timestamp) -> StoredResponse {
    StoredResponse {
        id: response_id(number),
        owner,
        previous: None,
        trace: None,
        provenance: Provenance::words_of(owner),
        body: json!({"output": words}),
        created_at: now(),
        expires_at: Some(expires_at),
    }
}

pub(crate) async fn what_is_old_enough_goes_and_the_rest_stays(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let ages = [("assistant", 31), ("assistant", 30), ("assistant", 3), ("support-triage", 3), ("support-triage", 1)];
    for (number, (task, age_days)) in (1..).zip(ages) {
        record(&store, number, task, days_ago(age_days), "hello").await;
        comment(&store, number, "why").await;
    }
    for (number, expires_at) in (1..).zip([days_ago(1), days_ago(-1)]) {
        keep(&store, &response(number, Principal::Person(owner), "hello", expires_at)).await.unwrap();
    }
    let swept = store.sweep_retention(rules(30), now()).await.unwrap();
    assert_eq!(
        swept,
        Swept { traces: 2, contents: 2, feedback: 2, decisions: 2, responses: 1, conversations: 0, clean: true }
    );
    let access = access_of(&store.directory(), owner);
    let left = async |store: &Store| {
        let page = store.traces(&access, TraceQuery { limit: 10, ..TraceQuery::default() }).await.unwrap();
        let stored = page.data.into_iter().map(|sealed| open_sealed(&access, sealed).unwrap().into_inner());
        stored.map(|one| (one.trace.id, one.content.is_some(), one.feedback.len())).collect::<Vec<_>>()
    };
    // What stays has its content, wherever that lies now.
    assert_eq!(left(&store).await, [5, 3, 2].map(|number| (trace_id(number), true, 1)));
    let nothing = Swept { clean: true, ..Swept::default() };
    assert_eq!(store.sweep_retention(rules(30), now()).await.unwrap(), nothing);
    record(&store, 6, "assistant", now(), "after the move").await;
    let store = place.reopen(store).await;
    record(&store, 7, "assistant", now(), "after a restart").await;
    assert_eq!(left(&store).await.len(), 5);
    // A day later: 2 has lived its 30 days and 5 its 2, whatever the hour.
    let swept = store.sweep_retention(rules(30), now().plus_seconds(DAY)).await.unwrap();
    assert_eq!((swept.traces, swept.clean), (1, true));
    let swept = store.sweep_retention(rules(30), now().plus_seconds(2 * DAY)).await.unwrap();
    assert_eq!((swept.traces, swept.responses, swept.clean), (1, 1, true));
    let expected = [(7, 0), (6, 0), (3, 1)].map(|(number, feedback)| (trace_id(number), true, feedback));
    assert_eq!(left(&store).await, expected);
}

fn count(place: &Place, needle: &[u8]) -> usize {
    let entries = std::fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file()).map(std::fs::read);
    files.map(|bytes| bytes.unwrap().windows(needle.len()).filter(|part| *part == needle).count()).sum()
}

/// Words of random lengths between words that stay, in an order that differs from run to run, swept in parts: pages
/// split, merge and are laid out anew, and still nothing is left in any file.
#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_what_went_remains_in_the_files() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let mut runner = TestRunner::default();
    let lengths = proptest::collection::vec((1..250_usize, 0..5_i64), 2_400).new_tree(&mut runner).unwrap().current();
    let mut recorded = Vec::new();
    for (number, (length, kind)) in (1_u128..).zip(lengths) {
        let (words, age_days) = if kind == 0 { ("keepthis", 1) } else { ("forgetme", 30 + kind) };
        let (store, words) = (store.clone(), words.repeat(length));
        recorded.push(tokio::spawn(async move {
            record(&store, number, "assistant", days_ago(age_days), &words).await;
            if kind == 1 {
                comment(&store, number, "forgetme too").await;
            }
        }));
        if recorded.len() == 40 {
            for task in recorded.drain(..) {
                task.await.unwrap();
            }
        }
    }
    let kept = count(&place, b"keepthis");
    for default_days in [33, 32, 31, 30] {
        assert!(count(&place, b"forgetme") > 1_000);
        assert!(store.sweep_retention(rules(default_days), now()).await.unwrap().clean);
    }
    assert_eq!(count(&place, b"forgetme"), 0);
    assert!(count(&place, b"keepthis") > 1_000 && kept > 1_000);
}

/// A conversation begun at a time, with items added at times, all about the same words.
async fn converse(store: &Store, number: u128, times: &[Timestamp], words: &str) -> ConversationId {
    let owner = Principal::Person(admin(&store.directory()).id);
    let (id, metadata) = (ConversationId::from_uuid(Uuid::from_u128(number)), json!({"topic": words}));
    let item = |(number, created_at): (usize, &Timestamp)| ConversationItem {
        id: format!("msg_{number}"),
        provenance: Provenance::words_of(owner),
        content: json!({"content": words}),
        created_at: *created_at,
    };
    let items = times.iter().enumerate().skip(1).map(item).collect();
    store.add_conversation(&Conversation { id, owner, metadata, created_at: times[0] }, items).await.unwrap();
    id
}

pub(crate) async fn a_conversation_goes_when_nothing_was_said_for_long_enough(place: Place) {
    let store = place.open().await;
    let silent = converse(&store, 1, &[days_ago(90), days_ago(90), days_ago(31)], "forgetme").await;
    let never_used = converse(&store, 2, &[days_ago(31)], "forgetme").await;
    let alive = converse(&store, 3, &[days_ago(90), days_ago(90), days_ago(30)], "keepthis").await;
    let begun = converse(&store, 4, &[days_ago(30)], "keepthis").await;
    // More than go at once.
    for number in 10..60 {
        converse(&store, number, &[days_ago(40), days_ago(40)], "forgetme").await;
    }
    let swept = store.sweep_retention(rules(30), now()).await.unwrap();
    assert_eq!(swept, Swept { conversations: 52, clean: true, ..Swept::default() });
    let items = async |id| store.items(id).await.unwrap().len();
    for (id, left) in [(silent, None), (never_used, None), (alive, Some(2)), (begun, Some(0))] {
        assert_eq!(store.conversation(id).await.unwrap().map(|_| ()), left.map(|_| ()));
        assert_eq!(items(id).await, left.unwrap_or(0));
    }
    if place.is_on_sqlite() {
        assert_eq!(count(&place, b"forgetme"), 0);
        assert!(count(&place, b"keepthis") >= 4);
    }
    let swept = store.sweep_retention(rules(30), now().plus_seconds(DAY)).await.unwrap();
    assert_eq!(swept, Swept { conversations: 2, clean: true, ..Swept::default() });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_delete_is_gone_from_the_files_the_next_day() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let access = access_of(&store.directory(), owner);
    let id = |number| ConversationId::from_uuid(Uuid::from_u128(number));
    for number in 1..=40 {
        let metadata = json!({"topic": "forgetme".repeat(number as usize * 7)});
        let conversation =
            Conversation { id: id(number), owner: Principal::Person(owner), metadata, created_at: now() };
        store.add_conversation(&conversation, Vec::new()).await.unwrap();
        let words = "forgetme".repeat(number as usize * 3);
        let response = response(number, Principal::Person(owner), &words, days_ago(-90));
        keep(&store, &response).await.unwrap();
    }
    for number in 1..=40 {
        if number % 2 == 0 {
            assert!(store.delete_conversation(&access, id(number)).await.unwrap());
        } else {
            assert!(store.set_conversation_metadata(&access, id(number), &json!({"topic": "new"})).await.unwrap());
        }
        assert!(store.delete_response(&access, response_id(number)).await.unwrap());
    }
    // The first sweep ever; then one whose day is not over, and one of the next day.
    assert!(store.sweep_retention(rules(30), now()).await.unwrap().clean);
    assert_eq!(count(&place, b"forgetme"), 0);
    assert!(store.set_conversation_metadata(&access, id(1), &json!({"topic": "forgetme"})).await.unwrap());
    assert!(store.delete_conversation(&access, id(1)).await.unwrap());
    assert!(!store.sweep_retention(rules(30), now()).await.unwrap().clean);
    assert!(store.sweep_retention(rules(30), now().plus_seconds(DAY)).await.unwrap().clean);
    assert_eq!(count(&place, b"forgetme"), 0);
    let sealed = store.conversation(id(3)).await.unwrap().unwrap();
    assert_eq!(open_sealed(&access, sealed).unwrap().metadata, json!({"topic": "new"}));
}
