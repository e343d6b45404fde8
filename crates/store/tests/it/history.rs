//! History: random changes, replayed; rows that somebody altered, found.

use std::collections::BTreeSet;

use access::{Actor, Change, Group, SecretHash, Service, Session, hash_secret};
use domain::{GroupId, Member, Principal, Role, ServiceId, Token};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use store::StoreError;
use uuid::Uuid;

use super::identity::key;
use super::world::{Place, key_id, now, person, person_id, shown};

fn group_id(number: u8) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(number.into()))
}

fn group(number: u8, name: &str) -> Group {
    let external_id = format!("g{number}");
    Group { id: group_id(number), source: "hr".to_owned(), external_id, name: name.to_owned(), created_at: now() }
}

fn service(number: u8, active: bool) -> Service {
    let id = ServiceId::from_uuid(Uuid::from_u128(number.into()));
    Service { id, name: format!("s{number}"), act_for: vec![group_id(number)], active, created_at: now() }
}

fn member() -> impl Strategy<Value = Member> {
    let people = (1..6_u8).prop_map(|number| Member::Person(person_id(number.into())));
    prop_oneof![people, (1..5_u8).prop_map(|number| Member::Group(group_id(number)))]
}

fn token() -> impl Strategy<Value = Token> {
    let service = |number| Token::Service(service(number, true).id);
    prop_oneof![
        Just(Token::Everyone),
        (1..6_u8).prop_map(|number| Token::Person(person_id(number.into()))),
        (1..5_u8).prop_map(|number| Token::Group(group_id(number))),
        (1..3_u8).prop_map(service),
    ]
}

fn role() -> impl Strategy<Value = Role> {
    proptest::sample::select(Role::ALL)
}

/// Few ids, so that changes meet: the same person twice, a member of a group that has gone, a key revoked twice.
fn change() -> impl Strategy<Value = Change> {
    let put_person = (1..6_u8, any::<bool>(), any::<bool>(), ".{0,12}").prop_map(|(number, active, external, name)| {
        let mut person = person(number.into());
        (person.active, person.external, person.display_name) = (active, external, name);
        // Moving between sources frees the old place and takes another.
        person.source = if external { "partner".to_owned() } else { "local".to_owned() };
        person.attributes.insert("cost_center".to_owned(), serde_json::json!([number, active]));
        Change::PutPerson(person)
    });
    let secret = |number: u8| format!("secret {number}");
    let add_key = (1..9_u8, 1..6_u8).prop_map(move |(number, holder)| {
        Change::AddKey(key(number.into(), person_id(holder.into()), &secret(number)))
    });
    let session = |number: u8| Session {
        hash: hash_secret(&format!("session {number}")),
        csrf_hash: SecretHash::from_bytes([number; 32]),
        person: person_id(number.into()),
        expires_at: now().plus_seconds(number.into()),
    };
    prop_oneof![
        3 => put_person,
        1 => (1..5_u8, ".{0,8}").prop_map(|(number, name)| Change::PutGroup(group(number, &name))),
        1 => (1..5_u8).prop_map(|number| Change::RemoveGroup(group_id(number))),
        1 => (1..3_u8, any::<bool>()).prop_map(|(number, active)| Change::PutService(service(number, active))),
        4 => (1..5_u8, member()).prop_map(|(group, member)| Change::AddMember(group_id(group), member)),
        2 => (1..5_u8, member()).prop_map(|(group, member)| Change::RemoveMember(group_id(group), member)),
        3 => (token(), role()).prop_map(|(token, role)| Change::GrantRole(token, role)),
        2 => (token(), role()).prop_map(|(token, role)| Change::RevokeRole(token, role)),
        2 => add_key,
        1 => (1..9_u8).prop_map(|number| Change::RevokeKey(key_id(number.into()), now().plus_seconds(number.into()))),
        1 => (1..4_u8).prop_map(move |number| Change::AddSession(session(number))),
        1 => (1..4_u8).prop_map(|number| Change::EndSession(hash_secret(&format!("session {number}")))),
    ]
}

fn plans(turns: usize) -> impl Strategy<Value = Vec<Vec<Change>>> {
    proptest::collection::vec(proptest::collection::vec(change(), 1..6), turns)
}

/// Commits plan after plan: what is in memory, what a restart loads and what the history replays are the same.
async fn assert_agreement(place: Place, plans: Vec<Vec<Change>>) {
    let mut store = place.open().await;
    let mut remembered = vec![shown(&store.directory())];
    let (turns, mut added) = (plans.len(), BTreeSet::new());
    for (turn, plan) in plans.into_iter().enumerate() {
        // An id is never reused: a key is added once.
        let is_new = |change: &Change| !matches!(change, Change::AddKey(key) if !added.insert(key.id));
        let plan: Vec<Change> = plan.into_iter().filter(is_new).collect();
        let via = (0..turn % 3).map(|number| service(number as u8 + 1, true).id).collect();
        let actor = (turn % 4 > 0).then(|| Actor { principal: Principal::Person(person_id(1)), via });
        let after = store.commit::<StoreError>(actor, |_| Ok(plan)).await.unwrap();
        remembered.push(shown(&after));
        if turn + 1 == turns || turn % 20 == 10 {
            store = place.reopen(store).await;
            assert_eq!(shown(&store.directory()), shown(&after));
        }
    }
    let proof = store.verify_epochs().await.unwrap();
    assert_eq!(proof.epoch, store.directory().epoch());
    for snapshot in remembered {
        let epoch = snapshot.lines().next().unwrap().strip_prefix("epoch ").unwrap().parse().unwrap();
        assert_eq!(shown(&store.directory_at(epoch).await.unwrap()), snapshot);
    }
    assert_eq!(store.directory_at(0).await.unwrap().people().count(), 0);
    let entries = store.epochs(3, 2).await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.epoch).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(entries[1].previous_hash, entries[0].hash);
    store.close().await;
}

/// The same 60 plans on both databases.
pub(crate) async fn memory_disk_and_replay_agree(place: Place) {
    let tree = plans(60).new_tree(&mut TestRunner::deterministic()).unwrap();
    assert_agreement(place, tree.current()).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn memory_disk_and_replay_agree_on_any_changes(plans in plans(12)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(assert_agreement(Place::on_sqlite(), plans));
    }
}

/// What an intruder with the database in hand might change, and the epoch that gives it away.
const ALTERATIONS: [(&str, u64); 13] = [
    ("UPDATE epochs SET ids = '[\"per_0\"]' WHERE epoch = 4", 4),
    ("UPDATE epochs SET actor = NULL, via = NULL WHERE epoch = 8", 8),
    ("UPDATE epochs SET via = '[]' WHERE epoch = 7", 7),
    ("UPDATE epochs SET via = '[\"svc_00000000000000000000000000000002\"]' WHERE epoch = 7", 7),
    ("UPDATE epochs SET at = at + 1 WHERE epoch = 2", 2),
    ("UPDATE epochs SET kind = 'revoke_role' WHERE epoch = 3", 3),
    ("DELETE FROM epochs WHERE epoch = 6", 7),
    ("DELETE FROM epochs WHERE epoch = 8", 8),
    ("DELETE FROM people WHERE from_epoch = 6", 6),
    ("UPDATE grants SET role = 'security' WHERE from_epoch = 7", 7),
    ("UPDATE grants SET to_epoch = NULL WHERE to_epoch = 8", 8),
    ("INSERT INTO grants (token, role, from_epoch) VALUES ('everyone', 'builder', 6)", 6),
    ("INSERT INTO sessions (hash, from_epoch, body) VALUES ('00', 90, '{}')", 90),
];

pub(crate) async fn altered_rows_are_found(place: Place) {
    let store = place.open().await;
    let actor = Some(Actor { principal: Principal::Person(person_id(1)), via: vec![service(1, true).id] });
    let changes = vec![
        Change::PutPerson(person(1)),
        Change::GrantRole(Token::Person(person_id(1)), Role::User),
        Change::RevokeRole(Token::Person(person_id(1)), Role::User),
    ];
    store.commit::<StoreError>(actor, |_| Ok(changes)).await.unwrap();
    let proof = store.verify_epochs().await.unwrap();
    assert_eq!((proof.epoch, proof.hash), (8, store.epochs(7, 1).await.unwrap()[0].hash.clone()));
    let tables = ["epochs", "people", "grants", "sessions"];
    for table in tables {
        place.alter(&format!("CREATE TABLE saved_{table} AS SELECT * FROM {table}")).await;
    }
    for (alteration, epoch) in ALTERATIONS {
        place.alter(alteration).await;
        let error = store.verify_epochs().await.unwrap_err();
        assert!(matches!(error, StoreError::Tampered { epoch: found, .. } if found == epoch), "{alteration}: {error}");
        for table in tables {
            place.alter(&format!("DELETE FROM {table}")).await;
            place.alter(&format!("INSERT INTO {table} SELECT * FROM saved_{table}")).await;
        }
        store.verify_epochs().await.unwrap();
    }
}
