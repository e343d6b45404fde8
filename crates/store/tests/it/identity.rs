//! Identity: what a commit does, in memory and on disk.

use access::{Actor, Change, Key, Session, authenticate, hash_secret, session_caller};
use domain::{Limits, PersonId, Principal, Role, ServiceId, Timestamp, Token};
use store::{Store, StoreError};
use uuid::Uuid;

use super::world::{Place, access_of, admin, key_id, now, person, person_id, shown};

async fn commit(store: &Store, changes: Vec<Change>) {
    store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
}

pub(crate) fn key(number: u128, holder: PersonId, secret: &str) -> Key {
    Key {
        id: key_id(number),
        holder: Principal::Person(holder),
        name: "laptop".to_owned(),
        hash: hash_secret(secret),
        scopes: std::collections::BTreeSet::new(),
        capture: None,
        limits: Limits::default(),
        expires_at: None,
        revoked_at: None,
        created_by: None,
        created_at: now(),
    }
}

fn session(person: PersonId, secret: &str, expires_at: Timestamp) -> Session {
    Session { hash: hash_secret(secret), csrf_hash: hash_secret("csrf"), person, expires_at }
}

pub(crate) async fn an_empty_state_gets_the_person_admin_with_all_roles_and_no_group(place: Place) {
    let store = place.open().await;
    let directory = store.directory();
    let admin = admin(&directory);
    assert_eq!((admin.user_name.as_str(), admin.source.as_str(), admin.active), ("admin", "local", true));
    assert_eq!(directory.roles(Principal::Person(admin.id)).into_iter().collect::<Vec<_>>(), Role::ALL);
    assert_eq!(directory.groups().count(), 0);
    assert_eq!(directory.epoch(), 5);
    let again = place.reopen(store).await;
    assert_eq!(shown(&again.directory()), shown(&directory));
}

pub(crate) async fn a_refused_plan_and_a_broken_rule_leave_nothing(place: Place) {
    let store = place.open().await;
    let before = shown(&store.directory());
    let refused = store.commit(None, |_| Err(StoreError::Missing { what: "reason" })).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })));
    let mut double = person(2);
    double.external_id = "p1".to_owned();
    let changes = vec![Change::PutPerson(person(1)), Change::PutPerson(double)];
    let broken = store.commit::<StoreError>(None, |_| Ok(changes)).await;
    assert!(matches!(broken, Err(StoreError::Conflict { .. })), "{broken:?}");
    assert_eq!(shown(&store.directory()), before);
    assert_eq!(store.epochs(0, 100).await.unwrap().len(), 5);
    let nothing = store.commit::<StoreError>(None, |_| Ok(Vec::new())).await.unwrap();
    assert_eq!(nothing.epoch(), 5);
    commit(&store, vec![Change::PutPerson(person(1)), Change::GrantRole(Token::Everyone, Role::User)]).await;
    assert_eq!(store.directory().epoch(), 7);
    assert_eq!(store.verify_epochs().await.unwrap().epoch, 7);
}

pub(crate) async fn a_caller_who_leaves_in_the_middle_does_not_part_memory_from_disk(place: Place) {
    let store = place.open().await;
    for number in 1..=20 {
        let change = Change::PutPerson(person(number));
        let commit = store.commit::<StoreError>(None, |_| Ok(vec![change]));
        // Polled a few times and then dropped, as a request is whose client hangs up.
        let mut commit = Box::pin(commit);
        for _ in 0..number % 3 + 1 {
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(commit.as_mut().poll(context))).await;
            if polled.is_ready() {
                break;
            }
        }
    }
    // The next commit waits for those that still run.
    commit(&store, vec![Change::PutPerson(person(99))]).await;
    let in_memory = shown(&store.directory());
    assert_eq!(shown(&store.directory_at(u64::MAX).await.unwrap()), in_memory);
    store.verify_epochs().await.unwrap();
    let again = place.reopen(store).await;
    assert_eq!(shown(&again.directory()), in_memory);
}

pub(crate) async fn revoked_keys_and_ended_sessions_stay_so_after_a_restart(place: Place) {
    let store = place.open().await;
    let later = now().plus_seconds(3_600);
    commit(
        &store,
        vec![
            Change::PutPerson(person(1)),
            Change::AddKey(key(1, person_id(1), "kept")),
            Change::AddKey(key(2, person_id(1), "revoked")),
            Change::RevokeKey(key_id(2), now()),
            Change::AddSession(session(person_id(1), "open", later)),
            Change::AddSession(session(person_id(1), "ended", later)),
            Change::EndSession(hash_secret("ended")),
        ],
    )
    .await;
    let store = place.reopen(store).await;
    let directory = store.directory();
    assert!(authenticate(&directory, "kept", now()).is_ok());
    assert!(authenticate(&directory, "revoked", now()).is_err());
    assert_eq!(directory.key(key_id(2)).unwrap().revoked_at, Some(now()));
    assert!(session_caller(&directory, &hash_secret("open"), now()).is_ok());
    assert!(session_caller(&directory, &hash_secret("ended"), now()).is_err());
    // Before it was revoked, at that epoch, it did open the door.
    let revoked_at = directory.epoch() - 3;
    assert!(authenticate(&store.directory_at(revoked_at - 1).await.unwrap(), "revoked", now()).is_ok());
    assert!(authenticate(&store.directory_at(revoked_at).await.unwrap(), "revoked", now()).is_err());
}

pub(crate) async fn a_key_made_for_another_person_is_shown_to_that_person(place: Place) {
    let store = place.open().await;
    let (maker, holder) = (Principal::Person(admin(&store.directory()).id), person_id(1));
    commit(&store, vec![Change::PutPerson(person(1))]).await;
    let made_for_another = vec![Change::AddKey(key(1, holder, "a"))];
    store.commit::<StoreError>(Some(maker.into()), |_| Ok(made_for_another)).await.unwrap();
    let made_by_oneself = vec![Change::AddKey(key(2, holder, "b"))];
    store.commit::<StoreError>(Some(Principal::Person(holder).into()), |_| Ok(made_by_oneself)).await.unwrap();
    // In the holder's name, but not by the holder.
    let via = vec![ServiceId::from_uuid(Uuid::from_u128(7))];
    let service = Actor { principal: Principal::Person(holder), via };
    let made_in_their_name = vec![Change::AddKey(key(3, holder, "c"))];
    store.commit::<StoreError>(Some(service.clone()), |_| Ok(made_in_their_name)).await.unwrap();
    let notices = store.notices(holder, None, 10).await.unwrap().data;
    let shown: Vec<_> = notices.iter().map(|one| (one.subject.clone(), one.actor.clone(), one.at)).collect();
    let expected = [(key_id(3), service), (key_id(1), maker.into())];
    assert_eq!(shown, expected.map(|(key, actor)| (key.to_string(), Some(actor), now())));
    assert!(notices.iter().all(|notice| notice.kind == "key_made"));
}

pub(crate) async fn many_writers_at_once_take_one_epoch_each(place: Place) {
    let store = place.open().await;
    let writers: Vec<_> = (1..=40_u128)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                // Each names itself after how many came before: only a serial order makes the names a sequence.
                let plan = |directory: &access::Directory| {
                    let mut next = person(number);
                    next.user_name = format!("n{}", directory.people().count());
                    Ok::<_, StoreError>(vec![Change::PutPerson(next)])
                };
                store.commit(None, plan).await.unwrap();
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let directory = store.directory();
    let names: std::collections::BTreeSet<_> = directory.people().map(|person| person.user_name.clone()).collect();
    assert_eq!((names.len(), directory.epoch()), (41, 45));
    assert!((1..=40).all(|count| names.contains(&format!("n{count}"))));
    let again = place.reopen(store).await;
    assert_eq!(shown(&again.directory()), shown(&directory));
}

pub(crate) async fn a_second_server_is_refused_and_the_first_goes_on(place: Place) {
    let store = place.open().await;
    let mut elsewhere = place.options();
    let other_folder = tempfile::tempdir().unwrap();
    let error = Store::open(place.options()).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { holder: Some(_), .. }), "{error}");
    if elsewhere.database_url.is_some() {
        // Another folder, the same database.
        elsewhere.data_dir = other_folder.path().to_owned();
        let error = Store::open(elsewhere).await.unwrap_err();
        assert!(matches!(error, StoreError::Locked { holder: None, .. }), "{error}");
    }
    commit(&store, vec![Change::PutPerson(person(1))]).await;
    let _ = access_of(&store.directory(), person_id(1));
    place.reopen(store).await;
}
