//! What an empty state begins with: the person `admin`, who holds all four roles and stands in no group.

use access::{Change, Person};
use domain::{PersonId, Role, Timestamp, Token};

use crate::error::StoreError;

/// The changes that make an empty state usable.
pub(crate) fn first_changes(now: Timestamp) -> Result<Vec<Change>, StoreError> {
    let id = new_person_id(now)?;
    let admin = Person {
        id,
        source: "local".to_owned(),
        external_id: "admin".to_owned(),
        user_name: "admin".to_owned(),
        display_name: "Administrator".to_owned(),
        email: None,
        external: false,
        active: true,
        attributes: std::collections::BTreeMap::new(),
        created_at: now,
    };
    let grants = Role::ALL.iter().map(|role| Change::GrantRole(Token::Person(id), *role));
    Ok(std::iter::once(Change::PutPerson(admin)).chain(grants).collect())
}

/// All other ids come from the caller; nobody is there yet to make this one.
fn new_person_id(now: Timestamp) -> Result<PersonId, StoreError> {
    let mut random = [0_u8; 10];
    getrandom::fill(&mut random).map_err(|error| StoreError::Unavailable {
        place: "the system's randomness".to_owned(),
        detail: error.to_string(),
    })?;
    let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
    Ok(PersonId::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
}
