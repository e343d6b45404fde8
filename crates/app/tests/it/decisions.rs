//! Every decision about a model is recorded with its rules, and given again later, whatever has changed since.

use access::Change;
use app::decisions::{self, DecisionFilter};
use app::listing::Listing;
use domain::{Capture, Decision, ErrorKind, PersonId, Role, Token};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::office::{Office, question, streaming};

fn filter(limit: u32) -> DecisionFilter {
    DecisionFilter { listing: Listing { limit: Some(limit), after: None }, ..DecisionFilter::default() }
}

/// The newest, oldest first, as the API shows them.
async fn newest(office: &Office, count: u32) -> Vec<Value> {
    let slice = decisions::decisions(&office.app, filter(count)).await.unwrap();
    slice.data.iter().rev().map(|decision| serde_json::to_value(decision).unwrap()).collect()
}

#[tokio::test]
async fn whoever_uses_a_model_or_may_not_leaves_a_decision_with_its_rule() {
    let office = Office::open().await;
    for asker in ["ada", "desk"] {
        office.ask(&office.asker(asker), question("hello")).await.unwrap();
    }
    let refused = office.ask(&office.asker("guest"), question("hello")).await.unwrap_err();
    assert_eq!(refused.error.kind(), ErrorKind::NotFound);
    let found = newest(&office, 10).await;
    let rules: Vec<Value> = found.iter().map(|decision| decision["reasons"][0]["rule"].clone()).collect();
    assert_eq!(rules, ["everyone", "service_itself", "guest"]);
    assert_eq!(found[2]["allowed"], false);
    assert_eq!(found[2]["trace"], json!(refused.trace));
    assert_eq!(found[0]["resource"], json!({"kind": "model", "name": "parrot"}));
    // A name that leads nowhere is the client's words: nothing is decided about it, for nobody.
    for asker in ["ada", "guest"] {
        let nowhere = json!({ "model": "secret words", "messages": [{ "role": "user", "content": "x" }] });
        office.ask(&office.asker(asker), nowhere).await.unwrap_err();
    }
    office.ask(&office.capturing("ada", Capture::None), question("hello")).await.unwrap();
    assert_eq!(newest(&office, 10).await.len(), 3);
}

#[tokio::test]
async fn a_stream_that_is_cut_leaves_the_decision_that_cut_it() {
    let office = Office::open().await;
    let mut stream = office.stream(&office.asker("ada"), streaming("one two three four")).await;
    stream.next().await.unwrap().unwrap();
    let ada = PersonId::from_uuid(Uuid::from_u128(1));
    let gone = |directory: &access::Directory| {
        let mut person = access::Person::clone(directory.person(ada).unwrap());
        person.external = true;
        Ok::<_, app::AppError>(vec![Change::PutPerson(person)])
    };
    let narrowed = office.app.store.commit(None, gone).await.unwrap().epoch();
    let cut = stream.next().await.unwrap().unwrap_err();
    assert_eq!(cut.code(), "access_changed");
    assert!(stream.next().await.is_none());
    drop(stream);
    let found = newest(&office, 10).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((&found[1]["allowed"], &found[1]["epoch"]), (&json!(false), &json!(narrowed)));
    assert_eq!(found[1]["reasons"][0]["rule"], "guest");
}

#[tokio::test]
async fn past_decisions_are_given_again_bit_for_bit_whatever_has_changed() {
    let office = Office::open().await;
    for asker in ["ada", "guest", "desk", "bob"] {
        let _ = office.ask(&office.asker(asker), question("hello")).await;
    }
    let bob = office.asker("bob");
    let trace = office.newest_trace(&office.asker("ada")).await["id"].as_str().unwrap().to_owned();
    app::trace(&office.app, &bob, &trace).await.unwrap_err();
    app::trace(&office.app, &bob, "trc_00000000000000000000000000000000").await.unwrap_err();
    decisions::turned_from_route(&office.app, &bob, "GET /api/v1/people".to_owned(), (&[Role::Security], false)).await;
    decisions::turned_from_person(&office.app, &bob, Some(PersonId::from_uuid(Uuid::from_u128(1)))).await;
    // What nobody waits for goes along with what somebody waits for.
    office.ask(&office.asker("desk"), question("hello")).await.unwrap();
    let turned_around = |directory: &access::Directory| {
        let people = directory.people().map(|person| {
            let person = access::Person::clone(person);
            Change::PutPerson(access::Person { external: !person.external, active: person.external, ..person })
        });
        let grants = directory.people().map(|person| Change::GrantRole(Token::Person(person.id), Role::Security));
        Ok::<_, app::AppError>(people.chain(grants).collect::<Vec<_>>())
    };
    office.app.store.commit(None, turned_around).await.unwrap();
    let replays = decisions::replay_newest(&office.app, filter(100)).await.unwrap().data;
    assert_eq!(replays.len(), 9);
    for replay in &replays {
        assert!(replay.identical, "{replay:?}");
        let (then, now) = (serde_json::to_string(&replay.decision.verdict), serde_json::to_string(&replay.replayed));
        assert_eq!(then.unwrap(), now.unwrap());
    }
    // Somebody else's exchange and one that never was leave the same, but for the id.
    let unseen = |replay: &decisions::Replay| replay.decision.verdict.reasons[0].rule == domain::Rule::NotFound;
    assert_eq!(replays.iter().filter(|replay| unseen(replay)).count(), 2);
    // One that was altered is found.
    let altered = Decision { id: domain::DecisionId::from_uuid(Uuid::from_u128(7)), ..replays[8].decision.clone() };
    let verdict = domain::Verdict { allowed: !altered.verdict.allowed, ..altered.verdict.clone() };
    office.app.store.record_decision(&Decision { verdict, ..altered.clone() }).await.unwrap();
    office.ask(&office.asker("desk"), question("hello")).await.unwrap();
    let replay = decisions::replay(&office.app, &altered.id.to_string()).await.unwrap();
    assert!(!replay.identical);
    assert_eq!(decisions::replay(&office.app, "dec_broken").await.unwrap_err().kind(), ErrorKind::NotFound);
}
