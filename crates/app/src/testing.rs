//! What the tests of this crate share: people and groups with fixed ids, and directories made of changes.

use std::collections::BTreeMap;

use access::{Caller, Change, Directory, Group, Person};
use domain::{GroupId, PersonId, Role, Timestamp, Token};
use uuid::Uuid;

pub(crate) fn person(number: u128) -> Person {
    Person {
        id: PersonId::from_uuid(Uuid::from_u128(number)),
        source: "local".to_owned(),
        external_id: format!("p{number}"),
        user_name: format!("p{number}"),
        display_name: format!("Person {number}"),
        email: None,
        external: false,
        active: true,
        attributes: BTreeMap::new(),
        created_at: Timestamp::from_micros(0),
    }
}

pub(crate) fn group(number: u128) -> Group {
    Group {
        id: GroupId::from_uuid(Uuid::from_u128(number)),
        source: "local".to_owned(),
        external_id: format!("g{number}"),
        name: format!("Group {number}"),
        created_at: Timestamp::from_micros(0),
    }
}

pub(crate) fn directory<const N: usize>(changes: [Change; N]) -> Directory {
    let mut directory = Directory::default();
    for (epoch, change) in (1..).zip(&changes) {
        directory.apply(epoch, change);
    }
    directory
}

/// The same directory with a person who has all roles, and that person as the caller.
pub(crate) fn administrator(mut directory: Directory) -> (Directory, Caller) {
    let admin = person(99);
    let id = admin.id;
    directory.apply(100, &Change::PutPerson(admin));
    for role in Role::ALL {
        directory.apply(101, &Change::GrantRole(Token::Person(id), *role));
    }
    let caller = Caller::on_control_socket(&directory, id).unwrap();
    (directory, caller)
}
