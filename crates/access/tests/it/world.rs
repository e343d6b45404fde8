//! Small worlds for tests: people, groups and services by number.

use std::collections::{BTreeMap, BTreeSet};

use access::{Change, Directory, Group, Key, Person, Service, hash_secret};
use domain::{GroupId, KeyId, Limits, PersonId, Principal, Role, Scope, ServiceId, Timestamp, Token};
use uuid::Uuid;

pub(crate) const NOW: i64 = 1_790_000_000_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(NOW)
}

pub(crate) fn person_id(number: u8) -> PersonId {
    PersonId::from_uuid(Uuid::from_u128(u128::from(number) + 1_000))
}

pub(crate) fn group_id(number: u8) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(u128::from(number) + 2_000))
}

pub(crate) fn service_id(number: u8) -> ServiceId {
    ServiceId::from_uuid(Uuid::from_u128(u128::from(number) + 3_000))
}

pub(crate) fn person(number: u8, active: bool, external: bool) -> Person {
    Person {
        id: person_id(number),
        source: "local".to_owned(),
        external_id: number.to_string(),
        user_name: number.to_string(),
        display_name: number.to_string(),
        email: None,
        external,
        active,
        attributes: BTreeMap::new(),
        created_at: now(),
    }
}

pub(crate) fn group(number: u8) -> Group {
    let name = number.to_string();
    Group { id: group_id(number), source: "local".to_owned(), external_id: name.clone(), name, created_at: now() }
}

pub(crate) fn service(number: u8, act_for: &[u8]) -> Service {
    Service {
        id: service_id(number),
        name: number.to_string(),
        act_for: act_for.iter().map(|group| group_id(*group)).collect(),
        active: true,
        created_at: now(),
    }
}

pub(crate) fn key(secret: &str, holder: Principal, scopes: &[Scope]) -> Key {
    Key {
        id: KeyId::from_uuid(Uuid::from_u128(u128::from_le_bytes(
            hash_secret(secret).as_bytes()[..16].try_into().unwrap(),
        ))),
        holder,
        name: secret.to_owned(),
        hash: hash_secret(secret),
        scopes: scopes.iter().copied().collect::<BTreeSet<_>>(),
        capture: None,
        limits: Limits::default(),
        expires_at: None,
        revoked_at: None,
        created_by: None,
        created_at: now(),
    }
}

pub(crate) fn directory(changes: &[Change]) -> Directory {
    let mut directory = Directory::default();
    for (epoch, change) in (1..).zip(changes) {
        directory.apply(epoch, change);
    }
    directory
}

/// One active person with the role `user`, one service, and keys `p` and `s` for them.
pub(crate) fn small(service_scopes: &[Scope], act_for: &[u8]) -> Vec<Change> {
    let (person_principal, service_principal) = (Principal::Person(person_id(1)), Principal::Service(service_id(1)));
    vec![
        Change::PutPerson(person(1, true, false)),
        Change::GrantRole(Token::Person(person_id(1)), Role::User),
        Change::PutService(service(1, act_for)),
        Change::GrantRole(Token::Service(service_id(1)), Role::User),
        Change::AddKey(key("p", person_principal, &[])),
        Change::AddKey(key("s", service_principal, service_scopes)),
    ]
}
