//! Identity: what a commit does, in memory and on disk.

use access::Change;
use domain::{Principal, Role, Token};
use store::StoreError;

use super::world::{admin, open, person, shown};

#[tokio::test]
async fn an_empty_folder_gets_the_person_admin_with_all_roles_and_no_group() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let directory = store.directory();
    let admin = admin(&directory);
    assert_eq!((admin.user_name.as_str(), admin.source.as_str(), admin.active), ("admin", "local", true));
    assert_eq!(directory.roles(Principal::Person(admin.id)).into_iter().collect::<Vec<_>>(), Role::ALL);
    assert_eq!(directory.groups().count(), 0);
    assert_eq!(directory.epoch(), 5);
    store.close().await;
    drop(store);
    let again = open(folder.path()).await;
    assert_eq!(shown(&again.directory()), shown(&directory));
}

#[tokio::test]
async fn a_refused_plan_and_a_broken_rule_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let before = shown(&store.directory());
    let refused = store.commit(None, |_| Err(StoreError::Missing { what: "reason" })).await;
    assert!(matches!(refused, Err(StoreError::Missing { .. })));
    let mut double = person(2);
    double.external_id = "p1".to_owned();
    let changes = vec![Change::PutPerson(person(1)), Change::PutPerson(double)];
    let broken = store.commit::<StoreError>(None, |_| Ok(changes)).await;
    assert!(matches!(broken, Err(StoreError::Conflict { .. })), "{broken:?}");
    assert_eq!(shown(&store.directory()), before);
    let epochs = store.epochs(0, 100).await.unwrap();
    assert_eq!(epochs.len(), 5);
    let nothing = store.commit::<StoreError>(None, |_| Ok(Vec::new())).await.unwrap();
    assert_eq!(nothing.epoch(), 5);
    let changes = vec![Change::PutPerson(person(1)), Change::GrantRole(Token::Everyone, Role::User)];
    let after = store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
    assert_eq!(after.epoch(), 7);
    store.verify_epochs().await.unwrap();
}
