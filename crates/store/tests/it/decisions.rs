//! Decisions: kept with their exchange or by themselves, read from state and tables together.

use domain::{Action, Capture, Decision, DecisionId, Principal, Question, Resource, Rule, Verdict};
use proptest::prelude::*;
use store::{DecisionQuery, Store};
use uuid::Uuid;

use super::world::{Place, decision, entry, person_id, trace_id};

async fn listed(store: &Store, query: DecisionQuery) -> (Vec<Decision>, bool) {
    let page = store.decisions(query).await.unwrap();
    (page.data, page.has_more)
}

fn owner(number: u128) -> Principal {
    Principal::Person(person_id(number % 3))
}

fn queries() -> impl Strategy<Value = DecisionQuery> {
    let about = (prop::option::of(0..70_u128), prop::option::of(0..3_u128), prop::option::of(1..70_u128));
    (about, prop::option::of(any::<bool>()), 1..30_u32).prop_map(|((after, of, trace), allowed, limit)| DecisionQuery {
        id: None,
        after: after.map(|number| DecisionId::from_uuid(Uuid::from_u128(number))),
        limit,
        owner: of.map(owner),
        trace: trace.map(trace_id),
        allowed,
    })
}

fn matches(decision: &Decision, query: &DecisionQuery) -> bool {
    query.after.is_none_or(|after| decision.id < after)
        && query.owner.is_none_or(|owner| decision.question.caller.principal == owner)
        && query.trace.is_none_or(|trace| decision.trace == Some(trace))
        && query.allowed.is_none_or(|allowed| decision.verdict.allowed == allowed)
}

#[test]
fn lists_of_decisions_agree_with_a_loop() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let place = Place::on_sqlite();
    let (store, mut expected) = runtime.block_on(async {
        let (store, mut expected) = (place.open().await, Vec::new());
        for number in (1..=60_u128).map(|number| number * 37 % 61) {
            // Some with an exchange, some by themselves.
            let mut one = decision(number, owner(number));
            if number % 2 == 0 {
                store.record(entry(number, owner(number), "words")).await.unwrap();
            } else {
                one.trace = None;
                store.record_decision(&one).await.unwrap();
            }
            expected.push(one);
            if matches!(expected.len(), 7 | 8 | 30) {
                store.roll().await.unwrap();
            }
            if expected.len() == 30 {
                store.lake().compact(2).await.unwrap();
            }
        }
        // What nobody waits for is there once something that is waited for is.
        store.record(entry(999, owner(0), "words")).await.unwrap();
        expected.push(decision(999, owner(0)));
        (store, expected)
    });
    expected.sort_by_key(|decision| std::cmp::Reverse(decision.id));
    proptest!(ProptestConfig::with_cases(200), |(query in queries())| {
        let (found, has_more) = runtime.block_on(listed(&store, query.clone()));
        let all: Vec<Decision> = expected.iter().filter(|decision| matches(decision, &query)).cloned().collect();
        let limit = query.limit as usize;
        prop_assert_eq!(&found, &all[..all.len().min(limit)]);
        prop_assert_eq!(has_more, all.len() > limit);
    });
    runtime.block_on(async {
        for one in &expected {
            assert_eq!(store.decision(one.id).await.unwrap().as_ref(), Some(one));
        }
        assert_eq!(store.decision(DecisionId::from_uuid(Uuid::from_u128(5_000))).await.unwrap(), None);
        store.close().await;
    });
}

/// Every kind of question, answered by the rules, and read back as it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_reads_back_as_it_was_from_the_tables() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let resources = [
        Resource::Model { name: "a \"quoted\" \0 name".to_owned() },
        Resource::Person { person: None },
        Resource::Route {
            name: "GET /api/v1/people".to_owned(),
            roles: domain::Role::ALL.to_vec(),
            of_a_source: false,
        },
        Resource::Trace {
            trace: trace_id(3),
            owner: None,
            provenance: domain::Provenance::default(),
            facts: Vec::new(),
        },
    ];
    let mut decisions = Vec::new();
    for (number, resource) in (1..).zip(resources) {
        let mut one = decision(number, owner(number));
        one.question = Question { resource, action: Action::ActFor, ..one.question };
        (one.trace, one.policy_hash) = (None, Some("ab".repeat(32)));
        one.verdict = Verdict::all([Verdict::yes(Rule::Owner, vec!["per_\u{202e}".to_owned()]), one.verdict]);
        store.record_decision(&one).await.unwrap();
        decisions.insert(0, one);
    }
    store.record(entry(900, owner(0), "words")).await.unwrap();
    store.roll().await.unwrap();
    let query =
        DecisionQuery { after: Some(DecisionId::from_uuid(Uuid::from_u128(100))), limit: 10, ..Default::default() };
    let found = listed(&store, query).await.0;
    assert_eq!(found, decisions);
    assert_eq!(serde_json::to_string(&found).unwrap(), serde_json::to_string(&decisions).unwrap());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_capture_none_no_decision_is_kept() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    for (number, capture) in (1..).zip([Capture::None, Capture::Usage, Capture::Full]) {
        let mut entry = entry(number, owner(number), "words");
        entry.trace.capture = capture;
        store.record(entry).await.unwrap();
    }
    let query = DecisionQuery { limit: 10, ..DecisionQuery::default() };
    let kept: Vec<u128> = listed(&store, query).await.0.iter().map(|decision| decision.id.uuid().as_u128()).collect();
    assert_eq!(kept, [3, 2]);
    store.close().await;
}
