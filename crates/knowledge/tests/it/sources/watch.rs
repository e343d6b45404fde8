//! A change is told.

use std::time::Duration;

use knowledge::source::{SourceWatcher, Told};

use super::scratch::Scratch;

#[test]
fn a_change_is_told_and_a_path_that_is_not_there_refused() {
    let scratch = Scratch::new();
    assert!(SourceWatcher::new(&scratch.path().join("nowhere")).is_err());
    let watcher = SourceWatcher::new(scratch.path()).unwrap();
    scratch.write("a.md", "x");
    assert_eq!(watcher.wait(Duration::from_secs(600)), Told::Changed);
}

#[test]
fn a_file_that_is_replaced_is_told_each_time() {
    let scratch = Scratch::new();
    scratch.write("a.mbox", "one");
    let watcher = SourceWatcher::new(&scratch.path().join("a.mbox")).unwrap();
    for _ in 0..2 {
        scratch.write("new", "another");
        std::fs::rename(scratch.path().join("new"), scratch.path().join("a.mbox")).unwrap();
        assert_eq!(watcher.wait(Duration::from_secs(600)), Told::Changed);
    }
}
