//! Folders and files that cannot be used: each is named, with what to do, and nothing is overwritten.

use std::fs;
use std::path::Path;

use access::Change;
use domain::ErrorKind;
use store::StoreError;

use super::world::{Place, open, person};

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let place = Place::on_sqlite();
    place.open().await.close().await;
    place.alter("INSERT INTO schema_version (version, applied_at) VALUES (1000, 0)").await;
    let before = fs::read(place.folder.path().join("state.db")).unwrap();
    let error = open(place.folder.path()).await.unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 1000, .. }), "{error}");
    assert!(error.to_string().contains("start the newer version"), "{error}");
    assert_eq!(fs::read(place.folder.path().join("state.db")).unwrap(), before);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.db");
    for content in [b"Dear diary, ".repeat(1_000), b"SQLite format 3\0".repeat(500)] {
        fs::write(&file, &content).unwrap();
        let error = open(folder.path()).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("state.db") && error.to_string().contains("backup"), "{error}");
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[tokio::test]
async fn damaged_pages_are_an_error_and_not_a_panic() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    let changes = (1..=300).map(|number| Change::PutPerson(person(number))).collect();
    store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
    store.close().await;
    drop(store);
    let file = place.folder.path().join("state.db");
    let whole = fs::read(&file).unwrap();
    let mut found = 0;
    for page in 1..whole.len() / 4_096 {
        let mut damaged = whole.clone();
        damaged[page * 4_096..][..4_096].fill(0xa5);
        fs::write(&file, damaged).unwrap();
        match open(place.folder.path()).await {
            Err(StoreError::Corrupt { .. }) => found += 1,
            Err(other) => panic!("page {page}: {other:?}"),
            // A page that the start does not need.
            Ok(store) => store.close().await,
        }
    }
    assert!(found > 10, "{found}");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(open(place.folder.path()).await, Err(StoreError::Corrupt { .. })));
    fs::write(&file, &whole).unwrap();
    assert_eq!(place.open().await.directory().people().count(), 301);
}

#[tokio::test]
async fn folders_that_cannot_be_written_are_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    for path in [file.path(), Path::new("/proc/freehold"), Path::new("/proc")] {
        let error = open(path).await.unwrap_err();
        assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn addresses_that_cannot_be_used_are_refused_without_their_password() {
    let place = Place::on_sqlite();
    for (address, expected) in [
        ("mysql://me:s3cret@db/state", "postgres://user:password@host"),
        ("postgres://me:s3cret@db:notaport/state", "postgres://user:password@host"),
        ("postgres://me:s3cret@localhost:1/state", "postgres://localhost:1/state does not answer"),
    ] {
        let mut options = place.options();
        options.database_url = Some(address.to_owned());
        let error = store::Store::open(options).await.unwrap_err();
        assert!(error.to_string().contains(expected) && !format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_closed_store_refuses() {
    let place = Place::on_sqlite();
    let store = place.open().await;
    store.close().await;
    let error = store.epochs(0, 1).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let changes = vec![Change::PutPerson(person(1))];
    assert!(store.commit::<StoreError>(None, |_| Ok(changes)).await.is_err());
    store.close().await;
    assert_eq!(place.reopen(store).await.directory().people().count(), 1);
}
