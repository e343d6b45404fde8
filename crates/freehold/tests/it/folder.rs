//! The data folder and the port: who has them, and what is said where they cannot be had.

use expect_test::{Expect, expect};
use rustix::process::Signal;

use super::server::{Start, complaint, freehold, in_folder, run};

fn refused(data: &std::path::Path, arguments: &[&str], code: i32, expected: Expect) {
    let output = freehold(data).arg("serve").args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", complaint(&output, data));
    expected.assert_eq(&complaint(&output, data));
}

#[test]
fn two_servers_on_one_folder_is_one_too_many() {
    let server = Start::without_model().on_new_folder();
    let output = freehold(&server.data).args(["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5));
    let text = complaint(&output, &server.data);
    assert!(text.contains("in use by another server (process ") && text.contains("--data DIR"), "{text}");
}

#[test]
fn a_port_in_use_is_named_with_a_way_out() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(5));
    let text = complaint(&output, folder.path());
    assert!(text.contains(&format!("cannot listen on {address}")) && text.contains("--listen 127.0.0.1:"), "{text}");
}

#[test]
fn a_file_in_the_place_of_the_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    refused(
        &file,
        &["--listen", "127.0.0.1:0"],
        4,
        expect![[r#"
            × the data folder DIR cannot be used (File exists (os error 17)): name a folder that this user may create and write
        "#]],
    );
    refused(
        std::path::Path::new("/proc/freehold"),
        &["--listen", "127.0.0.1:0"],
        4,
        expect![[r#"
            × the data folder DIR cannot be used (No such file or directory (os error 2)): name a folder that this user may create and write
        "#]],
    );
}

#[test]
fn weights_that_are_missing_offline_are_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let models = in_folder(folder.path(), "models");
    let mut server = Start::without_model()
        .environment("FREEHOLD__MODELS__DIR", &models)
        .environment("FREEHOLD__MODELS__LOAD", "all-minilm-l6-v2")
        .arguments(&["--offline"])
        .on(&folder.path().join("data"));
    assert_eq!(server.ended().code(), Some(4));
}

#[test]
fn the_same_folder_and_port_start_again_at_once_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Start::without_model().on(folder.path());
    let address = first.url.strip_prefix("http://").unwrap().to_owned();
    first.signal(Signal::KILL);
    first.ended();
    assert!(folder.path().join("control.sock").exists(), "a killed server leaves its socket behind");
    let second = Start::without_model().arguments(&["--listen", &address]).on(folder.path());
    assert_eq!(second.url, format!("http://{address}"));
    assert!(second.run(&["people", "list"]).status.success());
}
