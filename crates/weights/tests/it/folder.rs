//! The verbs that need no network: installed, verify, hold, remove, import, list.

use std::path::{Path, PathBuf};

use domain::ErrorKind;
use expect_test::expect;
use weights::{Import, Kind, ModelFolder, Network, WeightsError};

use crate::sample;

/// A folder in which `sample` is installed from a file beside it.
async fn with_sample() -> (tempfile::TempDir, ModelFolder) {
    let disk = tempfile::tempdir().unwrap();
    let origin = disk.path().join("origin.gguf");
    std::fs::write(&origin, sample::gguf()).unwrap();
    let folder = sample::folder(disk.path(), &sample::gguf(), &[format!("file:{}", origin.display())]);
    sample::pull(&folder, &Network::Offline).await.unwrap();
    (disk, folder)
}

fn import(folder: &ModelFolder, path: PathBuf, name: Option<&str>) -> Result<weights::Installed, WeightsError> {
    let import = Import { path, name: name.map(str::to_owned), ..Import::default() };
    folder.import(&import, sample::now(), &|_| {})
}

#[tokio::test]
async fn a_held_model_is_not_removed() {
    let (_disk, folder) = with_sample().await;
    let held = folder.hold("sample").unwrap();
    assert!(held.path().exists());
    assert_eq!(folder.remove("sample").unwrap_err().kind(), ErrorKind::Conflict);
    assert!(folder.installed("sample").is_ok());
    drop(held);
    folder.remove("sample").unwrap();
    assert!(matches!(folder.installed("sample"), Err(WeightsError::NotInstalled { .. })));
    assert!(matches!(folder.remove("sample"), Err(WeightsError::NotInstalled { .. })));
    assert!(matches!(folder.remove("nobody"), Err(WeightsError::Unknown { .. })));
    assert!(folder.remove("../sample").is_err());
}

#[tokio::test]
async fn an_altered_file_is_never_handed_out() {
    let (_disk, folder) = with_sample().await;
    let path = folder.installed("sample").unwrap().path;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[200_000] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    for error in [folder.installed("sample").unwrap_err(), folder.hold("sample").unwrap_err()] {
        assert!(matches!(error, WeightsError::Checksum { .. }), "{error}");
    }
    assert!(folder.verify("sample", &|_| {}).unwrap_err().to_string().contains("freehold models pull sample"));
    // Pulling mends it.
    sample::pull(&folder, &Network::Offline).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), sample::gguf());
}

#[tokio::test]
async fn a_record_cannot_vouch_for_another_file() {
    let (_disk, folder) = with_sample().await;
    let installed = folder.installed("sample").unwrap();
    let mut bytes = std::fs::read(&installed.path).unwrap();
    bytes[200_000] ^= 1;
    std::fs::write(&installed.path, &bytes).unwrap();
    let record = installed.path.with_file_name("model.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace(&installed.record.sha256, &sample::sha256(&bytes))).unwrap();
    assert!(matches!(folder.installed("sample"), Err(WeightsError::Checksum { .. })));
    assert!(matches!(folder.verify("sample", &|_| {}), Err(WeightsError::Checksum { .. })));
}

#[tokio::test]
async fn a_file_that_was_only_touched_is_hashed_once_more() {
    let (_disk, folder) = with_sample().await;
    let before = folder.installed("sample").unwrap();
    let later = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    std::fs::File::options().append(true).open(&before.path).unwrap().set_modified(later).unwrap();
    let after = folder.installed("sample").unwrap();
    assert_eq!(after.record.modified_ns, 1_000_000_000_000_000_000);
    assert_eq!(ModelFolder::open(folder.path()).unwrap().installed("sample").unwrap(), after);
}

#[tokio::test]
async fn a_record_tells_where_a_model_came_from() {
    let (disk, folder) = with_sample().await;
    let record = folder.show("sample").unwrap().installed.unwrap();
    assert_eq!(record.source, format!("file:{}", disk.path().join("origin.gguf").display()));
    assert_eq!(
        (record.licence.as_str(), record.context_length, record.bytes),
        ("MIT", 64, sample::gguf().len() as u64)
    );
    assert_eq!(record.installed_at, sample::now());
    std::fs::write(disk.path().join("sample/model.json"), "{").unwrap();
    let fault = folder.show("sample").unwrap().fault.unwrap();
    assert!(fault.contains("remove the model and pull or import it again"), "{fault}");
    folder.remove("sample").unwrap();
}

#[tokio::test]
async fn any_gguf_file_is_imported() {
    let (disk, folder) = with_sample().await;
    let path = disk.path().join("My Model (v1).gguf");
    std::fs::write(&path, sample::gguf()).unwrap();
    let installed = import(&folder, path.clone(), None).unwrap();
    assert_eq!((installed.record.name.as_str(), installed.record.licence.as_str()), ("my-model--v1-", "mit"));
    assert_eq!((installed.record.kind, installed.record.context_length), (Kind::Chat, 64));
    assert_eq!(std::fs::read(&installed.path).unwrap(), sample::gguf());
    assert!(matches!(import(&folder, path.clone(), None), Err(WeightsError::Exists { .. })));
    assert!(matches!(import(&folder, path.clone(), Some("sample")), Err(WeightsError::Exists { .. })));
    let names: Vec<_> =
        folder.list().unwrap().into_iter().map(|model| (model.name, model.installed.is_some())).collect();
    expect![[r#"
        [
            (
                "qwen2.5-coder-1.5b-instruct-q4_k_m",
                false,
            ),
            (
                "smollm2-135m-instruct-q4_1",
                false,
            ),
            (
                "multilingual-e5-small-q4",
                false,
            ),
            (
                "all-minilm-l6-v2",
                false,
            ),
            (
                "sample",
                true,
            ),
            (
                "my-model--v1-",
                true,
            ),
        ]
    "#]]
    .assert_debug_eq(&names);
    assert!(path.exists());
}

#[tokio::test]
async fn a_hard_link_shares_the_bytes() {
    use std::os::unix::fs::MetadataExt;
    let (disk, folder) = with_sample().await;
    let path = disk.path().join("linked.gguf");
    std::fs::write(&path, sample::gguf()).unwrap();
    let import = Import { path: path.clone(), hard_link: true, ..Import::default() };
    let installed = folder.import(&import, sample::now(), &|_| {}).unwrap();
    assert_eq!(std::fs::metadata(installed.path).unwrap().ino(), std::fs::metadata(path).unwrap().ino());
}

#[tokio::test]
async fn what_is_no_model_is_not_imported() {
    let (disk, folder) = with_sample().await;
    let refused = |name: &str, bytes: &[u8], expected: &str| {
        let path = disk.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = import(&folder, path, None).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused("cut.gguf", &sample::gguf()[..200_000], "truncated");
    refused("text.gguf", b"hello", "no GGUF file");
    let other = sample::gguf();
    std::fs::write(disk.path().join("known.gguf"), &other).unwrap();
    let taken = import(&folder, disk.path().join("known.gguf"), Some("smollm2-135m-instruct-q4_1"));
    assert!(matches!(taken, Err(WeightsError::Exists { .. })));
    assert!(import(&folder, Path::new("/nowhere/x.gguf").into(), None).is_err());
    assert_eq!(folder.list().unwrap().iter().filter(|model| model.installed.is_some()).count(), 1);
    assert_eq!(
        std::fs::read_dir(disk.path().join(".work"))
            .unwrap()
            .filter(|item| item.as_ref().unwrap().path().is_dir())
            .count(),
        0
    );
}

#[tokio::test]
async fn a_registered_model_may_be_imported_when_it_is_the_same_file() {
    let (disk, folder) = with_sample().await;
    folder.remove("sample").unwrap();
    let installed = import(&folder, disk.path().join("origin.gguf"), Some("sample")).unwrap();
    assert_eq!((installed.record.licence.as_str(), installed.record.file.as_str()), ("MIT", "sample.gguf"));
}
