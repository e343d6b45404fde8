//! Exchanges: recorded once, read by their owner alone, counted by key and month.

use access::{AccessError, Change, open as open_sealed};
use domain::{
    Capture, ConversationId, DocumentId, Feedback, FeedbackId, FeedbackKind, LogprobSummary, Outcome, PassageRecord,
    PersonId, Principal, Provenance, Source, Stage, TraceId,
};
use serde_json::json;
use store::{Conversation, ConversationItem, Store, StoreError, StoredTrace, TraceQuery};
use uuid::Uuid;

use super::world::{
    Place, access_of, admin, entry, entry_with_reply, key_id, now, person, person_id, response_id, trace_id,
};

async fn read(store: &Store, owner: PersonId, id: TraceId) -> StoredTrace {
    let access = access_of(&store.directory(), owner);
    open_sealed(&access, store.trace(Principal::Person(owner), id).await.unwrap().unwrap()).unwrap().into_inner()
}

async fn listed(store: &Store, owner: PersonId, query: TraceQuery) -> (Vec<u128>, bool) {
    let access = access_of(&store.directory(), owner);
    let page = store.traces(&access, query).await.unwrap();
    let ids = page.data.into_iter().map(|sealed| open_sealed(&access, sealed).unwrap().trace.id.uuid().as_u128());
    (ids.collect(), page.has_more)
}

pub(crate) async fn an_exchange_is_read_back_by_its_owner_as_it_was_written(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let mut written = entry(1, Principal::Person(owner), "What is 0.1 + 0.2? \u{0} 你好 \u{1f600}");
    written.trace.logprobs =
        Some(LogprobSummary { mean: -0.123_456_789_012_345_68, min: -17.300_000_000_000_004, tokens: 30 });
    let content = written.content.as_mut().unwrap();
    let document = DocumentId::from_uuid(Uuid::from_u128(3));
    content.passages.push(PassageRecord { document, score: 0.300_000_000_000_000_04 });
    content.input = json!({"numbers": [1e300, 0.1, 9_007_199_254_740_993_i64, u64::MAX], "text": "a\u{0}b"});
    store.record(written.clone()).await.unwrap();
    for store in [store.clone(), place.reopen(store).await] {
        if store.trace(Principal::Person(owner), trace_id(2)).await.is_err() {
            continue; // The one that was closed.
        }
        let stored = read(&store, owner, trace_id(1)).await;
        assert_eq!((&stored.trace, &stored.content), (&written.trace, &written.content));
        assert_eq!(stored.feedback, []);
        assert!(store.trace(Principal::Person(owner), trace_id(2)).await.unwrap().is_none());
    }
}

pub(crate) async fn a_list_is_cut_and_narrowed(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    for number in 1..=25 {
        let mut entry = entry(number, Principal::Person(owner), "hello");
        entry.trace.created_at = now().plus_seconds(number as i64);
        if number % 5 == 0 {
            (entry.trace.task, entry.trace.outcome) = ("support-triage".to_owned(), Outcome::Refused);
        }
        store.record(entry).await.unwrap();
    }
    let query = |limit| TraceQuery { limit, ..TraceQuery::default() };
    assert_eq!(listed(&store, owner, query(20)).await, ((6..=25).rev().collect(), true));
    let rest = TraceQuery { after: Some(trace_id(6)), ..query(20) };
    assert_eq!(listed(&store, owner, rest).await, ((1..=5).rev().collect(), false));
    let triage = TraceQuery { task: Some("support-triage".to_owned()), ..query(2) };
    assert_eq!(listed(&store, owner, triage.clone()).await, (vec![25, 20], true));
    let more = TraceQuery { after: Some(trace_id(20)), ..triage };
    assert_eq!(listed(&store, owner, TraceQuery { limit: 9, ..more }).await, (vec![15, 10, 5], false));
    let refused = TraceQuery { outcome: Some(Outcome::Refused), ..query(100) };
    assert_eq!(listed(&store, owner, refused).await.0.len(), 5);
    let (since, until) = (Some(now().plus_seconds(3)), Some(now().plus_seconds(6)));
    assert_eq!(listed(&store, owner, TraceQuery { since, until, ..query(100) }).await, (vec![5, 4, 3], false));
    // No limit at all is one entry, too large a one is 1,000.
    assert_eq!(listed(&store, owner, query(0)).await, (vec![25], true));
    assert_eq!(listed(&store, owner, query(u32::MAX)).await.0.len(), 25);
}

pub(crate) async fn others_cannot_open_it(place: Place) {
    let store = place.open().await;
    let (owner, other) = (admin(&store.directory()).id, person_id(1));
    store.commit::<StoreError>(None, |_| Ok(vec![Change::PutPerson(person(1))])).await.unwrap();
    store.record(entry(1, Principal::Person(owner), "mine")).await.unwrap();
    let mut shared = entry(2, Principal::Person(owner), "with another's words");
    shared.trace.provenance.add(Source::Words { author: Principal::Person(other) });
    store.record(shared).await.unwrap();
    let access = access_of(&store.directory(), other);
    assert!(store.trace(Principal::Person(other), trace_id(1)).await.unwrap().is_none());
    let sealed = store.trace(Principal::Person(owner), trace_id(1)).await.unwrap().unwrap();
    assert_eq!(open_sealed(&access, sealed).err(), Some(AccessError::NotFound));
    assert_eq!(listed(&store, other, TraceQuery { limit: 10, ..TraceQuery::default() }).await, (vec![], false));
    // The provenance is that of the exchange: its owner alone is not enough.
    let access = access_of(&store.directory(), owner);
    let sealed = store.trace(Principal::Person(owner), trace_id(2)).await.unwrap().unwrap();
    assert_eq!(open_sealed(&access, sealed).err(), Some(AccessError::NotFound));
}

pub(crate) async fn one_bad_row_fails_alone(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let with_key = |number| {
        let mut entry = entry(number, Principal::Person(owner), "hello");
        entry.trace.caller.key = Some(key_id(1));
        entry
    };
    store.record(with_key(50)).await.unwrap();
    // All at once, so that the second 50 shares its transaction with others.
    let recorded = (1..=200).map(|number| (number, with_key(if number == 120 { 50 } else { number + 1_000 })));
    let recorded: Vec<_> = recorded
        .map(|(number, entry)| {
            let store = store.clone();
            (number, tokio::spawn(async move { store.record(entry).await }))
        })
        .collect();
    for (number, task) in recorded {
        let result = task.await.unwrap();
        if number == 120 {
            assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
        } else {
            result.unwrap();
            read(&store, owner, trace_id(number + 1_000)).await;
        }
    }
    // The refused one was not counted either.
    assert_eq!(store.spent_micro_usd(key_id(1), now().month_index()).await.unwrap(), 200 * 45);
}

/// An exchange with a reply to keep and a turn of a conversation: what cannot be kept whole is not kept at all.
pub(crate) async fn what_an_exchange_leaves_is_kept_with_it_or_not_at_all(place: Place) {
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    let id = ConversationId::from_uuid(Uuid::from_u128(1));
    let conversation = Conversation { id, owner, metadata: json!({}), created_at: now() };
    store.add_conversation(&conversation, Vec::new()).await.unwrap();
    let exchange = |number: u128, reply: u128, turn: &[&str]| {
        let mut entry = entry_with_reply(number, owner, "hello");
        entry.trace.caller.key = Some(key_id(1));
        entry.kept.response.as_mut().unwrap().id = response_id(reply);
        let item = |id: &&str| ConversationItem {
            id: (*id).to_owned(),
            provenance: Provenance::words_of(owner),
            content: json!({"content": id}),
            created_at: now(),
        };
        entry.kept.turn = Some((id, turn.iter().map(item).collect()));
        entry
    };
    store.record(exchange(1, 1, &["a", "b"])).await.unwrap();
    // The reply is there already; then an item is, behind one that is new.
    for refused in [exchange(2, 1, &["c"]), exchange(2, 2, &["c", "b"])] {
        let others = exchange(3, 3, &[]);
        let (result, others) = tokio::join!(store.record(refused.clone()), store.record(others));
        assert!(matches!(result, Err(StoreError::Conflict { .. })), "{result:?}");
        assert!(store.trace(owner, trace_id(2)).await.unwrap().is_none());
        assert!(store.response(response_id(2)).await.unwrap().is_none());
        assert_eq!(others.is_ok(), refused.kept.response.unwrap().id == response_id(1));
    }
    // Somebody else's conversation, and one that was deleted meanwhile, take nothing and refuse nothing.
    let mut foreign = exchange(4, 4, &["d"]);
    foreign.trace.caller.principal = Principal::Person(person_id(1));
    store.record(foreign).await.unwrap();
    let mut gone = exchange(5, 5, &["e"]);
    gone.kept.turn.as_mut().unwrap().0 = ConversationId::from_uuid(Uuid::from_u128(2));
    store.record(gone).await.unwrap();
    // Words that the capture mode does not keep.
    let mut counted = exchange(6, 6, &["f"]);
    counted.trace.capture = Capture::Redacted;
    store.record(counted).await.unwrap();
    let store = place.reopen(store).await;
    for number in [1, 3, 4, 5, 6] {
        let owner = if number == 4 { Principal::Person(person_id(1)) } else { owner };
        assert!(store.trace(owner, trace_id(number)).await.unwrap().is_some());
        assert_eq!(store.response(response_id(number)).await.unwrap().is_some(), number != 6);
    }
    let access = access_of(&store.directory(), admin(&store.directory()).id);
    let items = store.items(id).await.unwrap();
    let items = items.into_iter().map(|item| open_sealed(&access, item).unwrap().content.clone());
    assert_eq!(items.collect::<Vec<_>>(), [json!({"content": "a"}), json!({"content": "b"})]);
    assert_eq!(store.spent_micro_usd(key_id(1), now().month_index()).await.unwrap(), 5 * 45);
}

pub(crate) async fn what_a_capture_mode_does_not_keep_is_not_there(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    for (number, capture) in (1..).zip([Capture::Full, Capture::Redacted, Capture::Usage, Capture::None]) {
        let mut entry = entry(number, Principal::Person(owner), "kept");
        (entry.trace.capture, entry.trace.caller.key) = (capture, Some(key_id(1)));
        store.record(entry).await.unwrap();
    }
    for number in 1..=3 {
        assert_eq!(read(&store, owner, trace_id(number)).await.content.is_some(), number < 3);
    }
    assert!(store.trace(Principal::Person(owner), trace_id(4)).await.unwrap().is_none());
    assert_eq!(store.spent_micro_usd(key_id(1), now().month_index()).await.unwrap(), 4 * 45);
}

pub(crate) async fn numbers_and_texts_at_the_edge_are_kept(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let mut edge = entry(1, Principal::Person(owner), "");
    edge.trace.logprobs = Some(LogprobSummary { mean: f64::NAN, min: f64::NEG_INFINITY, tokens: u64::MAX });
    edge.trace.stages = vec![Stage { name: "total".to_owned(), ms: f64::INFINITY }];
    edge.trace.task = "nul \0 '; DROP TABLE traces; --".to_owned();
    edge.trace.model = Some("m\0".to_owned());
    (edge.trace.cost_micro_usd, edge.trace.caller.key) = (u64::MAX, Some(key_id(1)));
    edge.content.as_mut().unwrap().metadata = None;
    store.record(edge.clone()).await.unwrap();
    let stored = read(&store, owner, trace_id(1)).await;
    let logprobs = stored.trace.logprobs.unwrap();
    assert_eq!((logprobs.mean, logprobs.min, logprobs.tokens), (0.0, f64::MIN, u64::MAX));
    assert_eq!((&stored.trace.task, stored.trace.cost_micro_usd), (&edge.trace.task, u64::MAX));
    assert_eq!(stored.trace.stages[0].ms, f64::MAX);
    assert_eq!(stored.content, edge.content);
    let query = TraceQuery { limit: 5, task: Some(edge.trace.task.clone()), ..TraceQuery::default() };
    assert_eq!(listed(&store, owner, query).await, (vec![1], false));
    // The sum stays at the top instead of wrapping around.
    (edge.trace.id, edge.decisions) = (trace_id(2), Vec::new());
    store.record(edge).await.unwrap();
    assert_eq!(store.spent_micro_usd(key_id(1), now().month_index()).await.unwrap(), i64::MAX as u64);
}

pub(crate) async fn spending_adds_up_by_key_and_month_under_concurrency(place: Place) {
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    let (month, next) = (now().month_index(), now().plus_seconds(40 * 86_400));
    let tasks: Vec<_> = (0..300_u128)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let (key, at) = (key_id(number % 3), if number % 2 == 0 { now() } else { next });
                let mut entry = entry(number, owner, "hello");
                (entry.trace.caller.key, entry.trace.created_at) = (Some(key), at);
                if number % 5 == 0 {
                    // Nobody waits for these: closing the store does.
                    entry.trace.capture = Capture::None;
                    return store.record_behind(entry).await.unwrap();
                }
                store.record(entry).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let store = place.reopen(store).await;
    for key in 0..3 {
        assert_eq!(store.spent_micro_usd(key_id(key), month).await.unwrap(), 50 * 45);
        assert_eq!(store.spent_micro_usd(key_id(key), next.month_index()).await.unwrap(), 50 * 45);
    }
    assert_eq!(store.spent_micro_usd(key_id(9), month).await.unwrap(), 0);
}

pub(crate) async fn feedback_is_read_with_its_trace(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let exchange = entry(1, Principal::Person(owner), "hello");
    let about = exchange.trace.clone();
    store.record(exchange).await.unwrap();
    let kinds = [
        (FeedbackKind::Rating, json!(-1)),
        (FeedbackKind::Correction, json!({"intent": "refund"})),
        (FeedbackKind::Outcome, json!({"name": "reopened", "value": true})),
        (FeedbackKind::Comment, json!("too long")),
    ];
    let said: Vec<Feedback> = (1..)
        .zip(kinds)
        .map(|(number, (kind, value))| Feedback {
            id: FeedbackId::from_uuid(Uuid::from_u128(number)),
            trace: trace_id(1),
            by: Principal::Person(owner),
            created_at: now().plus_seconds(number as i64),
            kind,
            value,
        })
        .collect();
    for feedback in &said {
        store.add_feedback(feedback.clone(), &about).await.unwrap();
    }
    assert_eq!(read(&store, owner, trace_id(1)).await.feedback, said);
    let twice = store.add_feedback(said[0].clone(), &about).await.unwrap_err();
    assert!(matches!(twice, StoreError::Conflict { .. }), "{twice}");
    let mut astray = said[0].clone();
    (astray.id, astray.trace) = (FeedbackId::from_uuid(Uuid::from_u128(9)), trace_id(2));
    let astray = store.add_feedback(astray, &about).await.unwrap_err();
    assert!(matches!(astray, StoreError::Missing { .. }), "{astray}");
}
