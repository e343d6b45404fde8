//! Retention: what is old enough goes, and no byte of it remains.

use std::collections::BTreeMap;

use access::open as open_sealed;
use domain::{Feedback, FeedbackId, FeedbackKind, Principal, Provenance, ResponseId};
use serde_json::json;
use store::{RetentionRules, Store, StoredResponse, Swept, TraceQuery};
use uuid::Uuid;

use super::world::{Place, access_of, admin, entry, now, trace_id};

const DAY: i64 = 86_400;

fn rules() -> RetentionRules {
    RetentionRules { default_days: 30, per_task: BTreeMap::from([("support-triage".to_owned(), 2)]) }
}

async fn record(store: &Store, number: u128, task: &str, age_days: i64, words: &str) {
    let owner = Principal::Person(admin(&store.directory()).id);
    let mut entry = entry(number, owner, words);
    (entry.trace.task, entry.trace.created_at) = (task.to_owned(), now().plus_seconds(-age_days * DAY));
    store.record(entry).await.unwrap();
}

pub(crate) async fn what_is_old_enough_goes_and_the_rest_stays(place: Place) {
    let store = place.open().await;
    let owner = admin(&store.directory()).id;
    let ages = [("assistant", 31), ("assistant", 30), ("assistant", 3), ("support-triage", 3), ("support-triage", 1)];
    for (number, (task, age_days)) in (1..).zip(ages) {
        record(&store, number, task, age_days, "hello").await;
        let id = FeedbackId::from_uuid(Uuid::from_u128(number));
        let (kind, value) = (FeedbackKind::Comment, json!("why"));
        let feedback =
            Feedback { id, trace: trace_id(number), by: Principal::Person(owner), created_at: now(), kind, value };
        store.add_feedback(feedback).await.unwrap();
    }
    let response = StoredResponse {
        id: ResponseId::from_uuid(Uuid::from_u128(1)),
        owner: Principal::Person(owner),
        previous: None,
        trace: None,
        provenance: Provenance::default(),
        body: json!({}),
        created_at: now(),
        expires_at: Some(now()),
    };
    store.add_response(&response).await.unwrap();
    let swept = store.sweep_retention(rules(), now()).await.unwrap();
    assert_eq!(swept, Swept { traces: 2, contents: 2, feedback: 2, responses: 1, log_emptied: true });
    let access = access_of(&store.directory(), owner);
    let page = store.traces(&access, TraceQuery { limit: 10, ..TraceQuery::default() }).await.unwrap();
    let left = page.data.into_iter().map(|sealed| open_sealed(&access, sealed).unwrap().into_inner());
    let left: Vec<_> = left.map(|stored| (stored.trace.id, stored.feedback.len())).collect();
    assert_eq!(left, [(trace_id(5), 1), (trace_id(3), 1), (trace_id(2), 1)]);
    assert_eq!(store.sweep_retention(rules(), now()).await.unwrap(), Swept { log_emptied: true, ..Swept::default() });
}
