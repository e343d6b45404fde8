//! Names and external ids become ids, among what the caller may discover and nothing else: what is hidden from them is
//! as absent as what never was, and a clash with something hidden shows nothing.

use std::sync::Arc;

use access::{Caller, Directory, Group, Key, Person, Service};
use domain::{ErrorKind, Member, Principal, Role};

use crate::error::AppError;

/// Whoever administers identity discovers all of it.
fn discovers_all(caller: &Caller) -> bool {
    caller.has(Role::Security)
}

/// A person by id, user name or external id. Without the role `security` one discovers oneself alone.
///
/// # Errors
/// Nobody the caller may discover has this id or name, or several have this name.
pub fn person(directory: &Directory, caller: &Caller, text: &str) -> Result<Arc<Person>, AppError> {
    let visible = |person: &&Arc<Person>| discovers_all(caller) || caller.person() == Some(person.id);
    if let Ok(id) = text.parse() {
        return directory.person(id).filter(visible).cloned().ok_or_else(AppError::not_found);
    }
    only(text, directory.people().filter(visible).filter(|person| is_called(person, text)))
}

/// A group by id, name or external id. Discovering groups needs the role `security`.
///
/// # Errors
/// As [`person`].
pub fn group(directory: &Directory, caller: &Caller, text: &str) -> Result<Arc<Group>, AppError> {
    let visible = |_: &&Arc<Group>| discovers_all(caller);
    if let Ok(id) = text.parse() {
        return directory.group(id).filter(visible).cloned().ok_or_else(AppError::not_found);
    }
    let named = |group: &&Arc<Group>| group.name == text || group.external_id == text;
    only(text, directory.groups().filter(visible).filter(named))
}

/// A service by id or name. Without the role `security` a service discovers itself alone.
///
/// # Errors
/// As [`person`].
pub fn service(directory: &Directory, caller: &Caller, text: &str) -> Result<Arc<Service>, AppError> {
    let visible =
        |service: &&Arc<Service>| discovers_all(caller) || caller.principal() == Principal::Service(service.id);
    if let Ok(id) = text.parse() {
        return directory.service(id).filter(visible).cloned().ok_or_else(AppError::not_found);
    }
    only(text, directory.services().filter(visible).filter(|service| service.name == text))
}

/// A key by id. Names of keys are for people; they need not be unique.
///
/// # Errors
/// As [`person`].
pub fn key(directory: &Directory, caller: &Caller, text: &str) -> Result<Arc<Key>, AppError> {
    let id = text.parse().map_err(|_| AppError::not_found())?;
    let visible = |key: &&Arc<Key>| discovers_all(caller) || caller.principal() == key.holder;
    directory.key(id).filter(visible).cloned().ok_or_else(AppError::not_found)
}

/// A person or a group, as a member of a group.
///
/// # Errors
/// As [`person`].
pub fn member(directory: &Directory, caller: &Caller, text: &str) -> Result<Member, AppError> {
    let person = person(directory, caller, text).map(|person| Member::Person(person.id));
    let group = group(directory, caller, text).map(|group| Member::Group(group.id));
    match (person, group) {
        (Ok(_), Ok(_)) => Err(ambiguous(text)),
        (Ok(member), Err(none)) | (Err(none), Ok(member)) if none.kind() == ErrorKind::NotFound => Ok(member),
        (Err(none), Err(other)) if none.kind() == ErrorKind::NotFound => Err(other),
        (Err(several), _) | (_, Err(several)) => Err(several),
    }
}

fn is_called(person: &Person, text: &str) -> bool {
    person.user_name == text || person.external_id == text
}

fn only<'d, T: 'd>(text: &str, mut found: impl Iterator<Item = &'d Arc<T>>) -> Result<Arc<T>, AppError> {
    let first = found.next().ok_or_else(AppError::not_found)?;
    match found.next() {
        None => Ok(first.clone()),
        Some(_) => Err(ambiguous(text)),
    }
}

fn ambiguous(text: &str) -> AppError {
    let message = format!("'{text}' names more than one: use the id");
    AppError::Invalid { param: None, message, code: "ambiguous_name" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{administrator, directory, group, person};
    use access::Change;

    /// Two people and two groups, one name shared by a person and a group, one by two groups.
    fn world() -> Directory {
        let mut twin = group(4);
        twin.name = "Group 3".to_owned();
        let mut namesake = person(2);
        namesake.user_name = "g4".to_owned();
        directory([
            Change::PutPerson(person(1)),
            Change::PutPerson(namesake),
            Change::PutGroup(group(3)),
            Change::PutGroup(twin),
        ])
    }

    fn code<T>(found: Result<T, AppError>) -> &'static str {
        found.map_or_else(|error| error.code(), |_| "found")
    }

    #[test]
    fn ids_names_and_external_ids_find_the_same() {
        let (directory, caller) = administrator(world());
        for name in ["p1", "per_00000000000000000000000000000001"] {
            assert_eq!(person_named(&directory, &caller, name), "p1");
        }
        assert_eq!(code(super::group(&directory, &caller, "g3")), "found");
        assert_eq!(code(super::group(&directory, &caller, "Group 3")), "ambiguous_name");
        assert_eq!(code(member(&directory, &caller, "g3")), "found");
        assert_eq!(code(member(&directory, &caller, "g4")), "ambiguous_name");
        assert_eq!(code(member(&directory, &caller, "Group 3")), "ambiguous_name");
        assert_eq!(code(member(&directory, &caller, "nobody")), "not_found");
    }

    fn person_named(directory: &Directory, caller: &Caller, name: &str) -> String {
        super::person(directory, caller, name).unwrap().user_name.clone()
    }

    #[test]
    fn without_security_one_discovers_oneself_alone() {
        let directory = world();
        let caller = Caller::on_control_socket(&directory, person(1).id).unwrap();
        assert_eq!(person_named(&directory, &caller, "p1"), "p1");
        for hidden in ["g4", "per_00000000000000000000000000000002", "per_00000000000000000000000000000009"] {
            assert_eq!(code(super::person(&directory, &caller, hidden)), "not_found");
        }
        assert_eq!(code(super::group(&directory, &caller, "Group 3")), "not_found");
    }
}
