//! Each rule of who is let in, by example.

use access::{
    Access, AccessError, Change, OnBehalfOf, Sealed, Session, Snapshot, act_for, authenticate, hash_secret, open,
    session_caller,
};
use domain::{DocumentId, Member, Principal, Provenance, Role, Scope, Source, Token};
use uuid::Uuid;

use crate::world::{directory, group, group_id, key, now, person, person_id, service_id, small};

const PERSON: fn() -> Principal = || Principal::Person(person_id(1));

#[test]
fn a_key_opens_the_door_until_it_is_revoked_expired_or_its_holder_inactive() {
    let mut changes = small(&[], &[]);
    assert_eq!(authenticate(&directory(&changes), "p", now()).unwrap().principal(), PERSON());
    assert_eq!(authenticate(&directory(&changes), "q", now()).unwrap_err(), AccessError::InvalidKey);

    let mut expiring = key("e", PERSON(), &[]);
    expiring.expires_at = Some(now());
    changes.push(Change::AddKey(expiring));
    assert!(authenticate(&directory(&changes), "e", now().plus_seconds(-1)).is_ok());
    assert_eq!(authenticate(&directory(&changes), "e", now()).unwrap_err(), AccessError::InvalidKey);

    let mut revoked = changes.clone();
    revoked.push(Change::RevokeKey(key("p", PERSON(), &[]).id, now()));
    assert_eq!(authenticate(&directory(&revoked), "p", now()).unwrap_err(), AccessError::InvalidKey);

    changes.push(Change::PutPerson(person(1, false, false)));
    assert_eq!(authenticate(&directory(&changes), "p", now()).unwrap_err(), AccessError::InvalidKey);
}

#[test]
fn scopes_narrow_roles_and_never_add_one() {
    let mut changes = small(&[], &[]);
    changes.push(Change::GrantRole(Token::Person(person_id(1)), Role::Security));
    changes.push(Change::AddKey(key("narrow", PERSON(), &[Scope::Role(Role::User), Scope::Role(Role::Operator)])));
    let directory = directory(&changes);
    let wide = authenticate(&directory, "p", now()).unwrap();
    assert!(wide.has(Role::User) && wide.has(Role::Security));
    let narrow = authenticate(&directory, "narrow", now()).unwrap();
    assert!(narrow.has(Role::User) && !narrow.has(Role::Security) && !narrow.has(Role::Operator));
    assert_eq!(narrow.require_any(&[Role::Security]), Err(AccessError::RoleMissing(Role::Security)));
    assert_eq!(narrow.require_any(&[Role::Security, Role::User]), Ok(()));
    assert_eq!(narrow.require_any(&[]), Ok(()));
}

#[test]
fn only_a_service_whose_key_says_so_acts_for_others() {
    let whom = OnBehalfOf::Person(person_id(1));
    let acting = |changes: &[Change], secret: &str| {
        let directory = directory(changes);
        act_for(&directory, authenticate(&directory, secret, now())?, &whom)
    };
    assert_eq!(acting(&small(&[], &[]), "s").unwrap_err(), AccessError::ActForDenied);
    assert_eq!(acting(&small(&[Scope::ActFor], &[]), "p").unwrap_err(), AccessError::ActForDenied);
    let caller = acting(&small(&[Scope::ActFor], &[]), "s").unwrap();
    assert_eq!(caller.principal(), PERSON());
    assert_eq!(caller.via(), [service_id(1)]);
    assert!(caller.has(Role::User));

    // A person's key never carries the scope to anybody else, even where somebody wrote it down.
    let mut changes = small(&[], &[]);
    changes.push(Change::AddKey(key("sly", PERSON(), &[Scope::ActFor])));
    assert_eq!(acting(&changes, "sly").unwrap_err(), AccessError::ActForDenied);

    let mut inactive = small(&[Scope::ActFor], &[]);
    inactive.push(Change::PutPerson(person(1, false, false)));
    assert_eq!(acting(&inactive, "s").unwrap_err(), AccessError::ActForDenied);
}

#[test]
fn a_service_limited_to_groups_reaches_their_members_through_any_nesting() {
    let mut changes = small(&[Scope::ActFor], &[7]);
    changes.extend([Change::PutGroup(group(7)), Change::PutGroup(group(8))]);
    let acting = |changes: &[Change]| {
        let directory = directory(changes);
        let caller = authenticate(&directory, "s", now())?;
        act_for(&directory, caller, &OnBehalfOf::External("local".to_owned(), "1".to_owned()))
    };
    assert_eq!(acting(&changes).unwrap_err(), AccessError::ActForDenied);
    changes.push(Change::AddMember(group_id(8), Member::Person(person_id(1))));
    changes.push(Change::AddMember(group_id(7), Member::Group(group_id(8))));
    assert!(acting(&changes).is_ok());
    changes.push(Change::RemoveGroup(group_id(8)));
    assert_eq!(acting(&changes).unwrap_err(), AccessError::ActForDenied);
}

#[test]
fn rights_on_behalf_are_the_persons_narrowed_by_the_keys_scopes() {
    let mut changes = small(&[Scope::ActFor, Scope::Role(Role::User)], &[]);
    changes.push(Change::GrantRole(Token::Person(person_id(1)), Role::Security));
    changes.push(Change::GrantRole(Token::Service(service_id(1)), Role::Operator));
    let directory = directory(&changes);
    let caller = authenticate(&directory, "s", now()).unwrap();
    let caller = act_for(&directory, caller, &OnBehalfOf::Person(person_id(1))).unwrap();
    assert_eq!(caller.roles().iter().copied().collect::<Vec<_>>(), [Role::User]);
}

#[test]
fn a_session_ends_by_itself_and_by_signing_out() {
    let (cookie, csrf_hash) = (hash_secret("cookie"), hash_secret("csrf"));
    let session = Session { hash: cookie, csrf_hash, person: person_id(1), expires_at: now().plus_seconds(10) };
    let mut changes = small(&[], &[]);
    changes.push(Change::AddSession(session));
    let signed_in =
        |changes: &[Change], seconds| session_caller(&directory(changes), &cookie, now().plus_seconds(seconds));
    assert_eq!(signed_in(&changes, 9).unwrap().principal(), PERSON());
    assert_eq!(signed_in(&changes, 10).unwrap_err(), AccessError::InvalidKey);
    changes.push(Change::EndSession(cookie));
    assert_eq!(signed_in(&changes, 0).unwrap_err(), AccessError::InvalidKey);
}

#[test]
fn sealed_content_opens_for_who_may_read_all_of_it() {
    let mut changes = small(&[], &[]);
    changes.push(Change::PutPerson(person(2, true, false)));
    changes.push(Change::AddKey(key("other", Principal::Person(person_id(2)), &[])));
    let directory = directory(&changes);
    let snapshot = Snapshot::from(directory.clone());
    let access = |secret: &str| Access::of(&snapshot, &authenticate(&directory, secret, now()).unwrap(), None, now());
    let sealed = |owner: Option<Principal>, provenance: Provenance| Sealed::new("words", owner, provenance);

    let own = || Provenance::words_of(PERSON());
    assert_eq!(*open(&access("p"), sealed(Some(PERSON()), own())).unwrap(), "words");
    assert_eq!(open(&access("other"), sealed(Some(PERSON()), own())).unwrap_err(), AccessError::NotFound);
    // Without an owner clause, the provenance alone decides.
    assert!(open(&access("p"), sealed(None, own())).is_ok());
    assert_eq!(open(&access("other"), sealed(None, own())).unwrap_err(), AccessError::NotFound);
    // One source that may not be read closes the whole, the owner included.
    let mut mixed = own();
    mixed.add(Source::Document { document: DocumentId::from_uuid(Uuid::from_u128(9)), version: 1 });
    assert_eq!(open(&access("p"), sealed(Some(PERSON()), mixed)).unwrap_err(), AccessError::NotFound);
}

#[test]
fn guests_do_not_use_base_models_and_services_do() {
    let mut changes = small(&[], &[]);
    changes.push(Change::PutPerson(person(2, true, true)));
    changes.push(Change::AddKey(key("guest", Principal::Person(person_id(2)), &[])));
    let directory = directory(&changes);
    let snapshot = Snapshot::from(directory.clone());
    let uses = |secret: &str| {
        let caller = authenticate(&directory, secret, now()).unwrap();
        Access::of(&snapshot, &caller, None, now()).use_of_base_models().allowed
    };
    assert!(uses("p") && uses("s") && !uses("guest"));
}
