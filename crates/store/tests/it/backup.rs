//! Backups, the way back, and folders that were moved.

use std::fs;
use std::path::{Path, PathBuf};

use access::{Change, Group, Key, Session, hash_secret};
use domain::{ErasureId, GroupId, Limits, Member, Principal, Role, Token};
use store::{Erasee, Store, StoreError, restore};
use uuid::Uuid;

use super::lake::{all_of, places_of};
use super::world::{Place, entry, key_id, now, open, person, person_id, trace_id};

const DAY: i64 = 86_400;

fn group_id(number: u128) -> GroupId {
    GroupId::from_uuid(Uuid::from_u128(number))
}

async fn change(store: &Store, changes: Vec<Change>) {
    store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
}

fn key(number: u128, holder: u128) -> Key {
    Key {
        id: key_id(number),
        holder: Principal::Person(person_id(holder)),
        name: "laptop".to_owned(),
        hash: hash_secret(&number.to_string()),
        scopes: std::collections::BTreeSet::new(),
        capture: None,
        limits: Limits::default(),
        expires_at: None,
        revoked_at: None,
        created_by: None,
        created_at: now(),
    }
}

/// People 1 to 6, all in one group with a role, each with a key; a session; exchanges of 5 and 6, rolled and hot.
async fn peopled(place: &Place) -> Store {
    let store = place.open().await;
    let group = Group {
        id: group_id(1),
        source: "local".to_owned(),
        external_id: "staff".to_owned(),
        name: "staff".to_owned(),
        created_at: now(),
    };
    let mut changes = vec![Change::PutGroup(group), Change::GrantRole(Token::Group(group_id(1)), Role::Builder)];
    for number in 1..=6 {
        changes.push(Change::PutPerson(person(number)));
        changes.push(Change::AddMember(group_id(1), Member::Person(person_id(number))));
        changes.push(Change::AddKey(key(number, number)));
        changes.push(Change::GrantRole(Token::Person(person_id(number)), Role::User));
    }
    changes.push(Change::AddSession(Session {
        hash: hash_secret("cookie"),
        csrf_hash: hash_secret("csrf"),
        person: person_id(6),
        expires_at: now().plus_seconds(DAY),
    }));
    change(&store, changes).await;
    // Every installation has one from its first start.
    store.hash_key("a secret of this installation".to_owned()).await.unwrap();
    for number in 1..=20_u128 {
        let (owner, words) = if number % 2 == 0 { (5, "forgetme") } else { (6, "keepthis") };
        let mut entry = entry(number, Principal::Person(person_id(owner)), words);
        entry.trace.caller.subject = (number % 5 == 1).then(|| "customer-forgetme".to_owned());
        store.record(entry).await.unwrap();
        if number % 7 == 0 {
            store.roll().await.unwrap();
        }
    }
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_brings_back_what_was_and_nothing_that_was_taken_away_since() {
    let (place, elsewhere) = (Place::on_sqlite(), tempfile::tempdir().unwrap());
    let store = peopled(&place).await;
    let backup = elsewhere.path().join("backup");
    let made = store.back_up(&backup, vec![(PathBuf::from("registry/m.json"), b"{}".to_vec())]).await.unwrap();
    assert!(made.files.len() > 10 && made.files.iter().any(|file| file.path == Path::new("registry/m.json")));
    let again = store.back_up(&backup, Vec::new()).await.unwrap_err();
    assert!(matches!(again, StoreError::Backup { .. }), "{again}");

    // What happens afterwards: taken away, given, erased.
    store.record(entry(99, Principal::Person(person_id(6)), "after the backup")).await.unwrap();
    let mut gone = person(1);
    gone.active = false;
    change(
        &store,
        vec![
            Change::PutPerson(gone),
            Change::RemoveMember(group_id(1), Member::Person(person_id(2))),
            Change::RemoveMember(group_id(1), Member::Person(person_id(3))),
            Change::AddMember(group_id(1), Member::Person(person_id(3))),
            Change::RevokeKey(key_id(4), now()),
            Change::RevokeRole(Token::Person(person_id(6)), Role::User),
            Change::GrantRole(Token::Person(person_id(6)), Role::Security),
        ],
    )
    .await;
    let of = |number: u128| ErasureId::from_uuid(Uuid::from_u128(number));
    store.erase(of(1), Erasee::Principal(Principal::Person(person_id(5))), None).await.unwrap();
    store.erase(of(2), Erasee::Subject("customer-forgetme".to_owned()), None).await.unwrap();
    let newest = store.directory().epoch();
    store.close().await;
    drop(store);

    let folder = elsewhere.path().join("restored");
    let log = place.folder.path().join("narrowings.log");
    restore(&backup, &folder, Some(&log)).unwrap();
    assert!(!places_of(&folder, "forgetme").is_empty());
    let store = open(&folder).await.unwrap();
    let directory = store.directory();
    assert!(directory.epoch() > newest, "{} after {newest}", directory.epoch());
    let in_group = |number: u128| directory.parents(Member::Person(person_id(number))).count() == 1;
    assert_eq!((in_group(2), in_group(3), in_group(4)), (false, true, true));
    let active = |number: u128| directory.is_active(Principal::Person(person_id(number)));
    assert_eq!((active(1), active(2), active(5)), (false, true, false));
    let revoked = |number: u128| directory.key(key_id(number)).unwrap().revoked_at.is_some();
    assert_eq!((revoked(3), revoked(4)), (false, true));
    assert_eq!(directory.granted(Token::Person(person_id(6))).count(), 0);
    assert_eq!(directory.sessions().count(), 0);
    for words in ["forgetme", "customer-forgetme"] {
        assert_eq!(places_of(&folder, words), Vec::<PathBuf>::new(), "{words}");
    }
    let left: Vec<_> = (1..=20).rev().filter(|number| number % 2 == 1 && number % 5 != 1).map(trace_id).collect();
    assert_eq!(all_of(&store, person_id(6)).await, left);
    assert_eq!(store.verify_epochs().await.unwrap().epoch, directory.epoch());
    assert_eq!(store.lake().verify().await.unwrap(), []);
    // It goes on, and a second start finds nothing more to do.
    store.record(entry(100, Principal::Person(person_id(6)), "goes on")).await.unwrap();
    store.roll().await.unwrap();
    store.close().await;
    drop(store);
    let store = open(&folder).await.unwrap();
    assert_eq!(store.directory().epoch(), directory.epoch());
    assert_eq!(all_of(&store, person_id(6)).await.len(), left.len() + 1);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_not_whole_is_refused_and_nothing_is_changed() {
    let (place, elsewhere) = (Place::on_sqlite(), tempfile::tempdir().unwrap());
    let store = peopled(&place).await;
    let backup = elsewhere.path().join("backup");
    let made = store.back_up(&backup, Vec::new()).await.unwrap();
    store.close().await;
    let into = elsewhere.path().join("restored");
    for file in &made.files {
        let path = backup.join(&file.path);
        let whole = fs::read(&path).unwrap();
        let mut altered = whole.clone();
        altered[file.bytes as usize / 2] ^= 1;
        fs::write(&path, altered).unwrap();
        let error = restore(&backup, &into, None).unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        fs::write(&path, whole).unwrap();
    }
    let list = fs::read(backup.join("backup.json")).unwrap();
    for cut in [0, 1, list.len() / 2, list.len() - 1] {
        fs::write(backup.join("backup.json"), &list[..cut]).unwrap();
        assert!(matches!(restore(&backup, &into, None), Err(StoreError::Backup { .. })), "{cut}");
    }
    assert!(!into.exists());
    let outside = String::from_utf8(list.clone()).unwrap().replace("\"state.db\"", "\"../state.db\"");
    fs::write(backup.join("backup.json"), outside).unwrap();
    assert!(matches!(restore(&backup, &into, None), Err(StoreError::Backup { .. })));
    fs::write(backup.join("backup.json"), list).unwrap();
    // Nor is a folder that has a state overwritten.
    let before = fs::read(place.folder.path().join("state.db")).unwrap();
    let error = restore(&backup, place.folder.path(), None).unwrap_err();
    assert!(matches!(error, StoreError::Backup { .. }) && error.to_string().contains("new folder"), "{error}");
    assert_eq!(fs::read(place.folder.path().join("state.db")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_was_moved_is_read_as_before() {
    let place = Place::on_sqlite();
    let store = peopled(&place).await;
    store.roll().await.unwrap();
    let (before, rows) = (all_of(&store, person_id(6)).await, counts(&store));
    store.close().await;
    drop(store);
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("a new place");
    fs::rename(place.folder.path(), &moved).unwrap();
    for _ in 0..2 {
        let store = open(&moved).await.unwrap();
        assert_eq!((all_of(&store, person_id(6)).await, counts(&store)), (before.clone(), rows.clone()));
        assert_eq!(store.lake().verify().await.unwrap(), []);
        store.close().await;
    }
}

fn counts(store: &Store) -> Vec<u64> {
    store.lake().status().into_iter().map(|table| table.rows).collect()
}
