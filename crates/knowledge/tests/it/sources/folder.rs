//! Folders: what is listed, whose it is, and what is never read.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use domain::Timestamp;
use knowledge::source::Source;
use serde_json::json;

use super::scratch::Scratch;
use super::{flaws, has_flaw, later, lists, read, text};

fn folder(scratch: &Scratch, from: &str) -> Source {
    let config = json!({"path": scratch.path().join("root"), "lists": from, "group_source": "groups"});
    Source::from_settings("folder", config).unwrap()
}

#[test]
fn files_of_formats_that_are_read_are_listed_and_others_are_told() {
    let scratch = Scratch::new();
    scratch.write("root/plan.md", "# Plan");
    scratch.write("root/sub/caf%\u{e9}.txt", "x");
    scratch.write("root/.hidden.md", "x");
    scratch.write("root/.git/a.md", "x");
    scratch.write("root/film.mp4", "x");
    scratch.write("root/list.access.json", "{}");
    symlink(scratch.path().join("root/plan.md"), scratch.path().join("root/link.md")).unwrap();
    let source = folder(&scratch, "none");
    let inventory = source.list(later()).unwrap();
    assert_eq!(lists(&inventory).keys().copied().collect::<Vec<_>>(), ["plan.md", "sub/caf%25\u{e9}.txt"]);
    assert_eq!(flaws(&inventory).len(), 2, "{:?}", inventory.flaws);
    assert!(has_flaw(&inventory, "film.mp4", "no format") && has_flaw(&inventory, "link.md", "link"));
    assert!(inventory.unlisted.is_empty());
    let items = read(&source, &inventory);
    let plan = items["plan.md"].as_ref().unwrap();
    assert_eq!((plan.title.as_str(), text(plan).as_str()), ("plan.md", "# Plan"));
    assert!(plan.updated_at.is_some() && plan.rights.access.is_none());
}

#[test]
fn nothing_outside_is_read_whatever_is_swapped() {
    let scratch = Scratch::new();
    scratch.write("outside/secret.md", "secret");
    scratch.write("root/a.md", "mine");
    scratch.write("root/sub/secret.md", "mine");
    scratch.write("root/b.md", "mine");
    symlink(scratch.path().join("outside"), scratch.path().join("root/door")).unwrap();
    let source = folder(&scratch, "none");
    let inventory = source.list(later()).unwrap();
    assert_eq!(lists(&inventory).len(), 3);
    fs::remove_file(scratch.path().join("root/a.md")).unwrap();
    symlink(scratch.path().join("outside/secret.md"), scratch.path().join("root/a.md")).unwrap();
    fs::remove_dir_all(scratch.path().join("root/sub")).unwrap();
    symlink(scratch.path().join("outside"), scratch.path().join("root/sub")).unwrap();
    let items = read(&source, &inventory);
    assert!(items["a.md"].is_err() && items["sub/secret.md"].is_err());
    assert_eq!(text(items["b.md"].as_ref().unwrap()), "mine");
}

#[test]
fn the_nearest_list_holds_alone() {
    let scratch = Scratch::new();
    scratch.write("root/.access.json", r#"{"allow": ["everyone"], "sensitivity": "low"}"#);
    scratch.write("root/a.md", "x");
    scratch.write("root/b.md", "x");
    scratch.write("root/b.md.access.json", r#"{"allow": [{"source": "idp", "external_id": "7"}]}"#);
    scratch
        .write("root/sub/.access.json", r#"{"allow": ["everyone"], "deny": [{"source": "idp", "external_id": "8"}]}"#);
    scratch.write("root/sub/deep/c.md", "x");
    scratch.write("root/broken/.access.json", r#"{"allow": ["everyone"], "denny": []}"#);
    scratch.write("root/broken/d.md", "x");
    scratch.write("root/broken/e.md", "x");
    scratch.write("root/broken/e.md.access.json", r#"{"allow": ["everyone"]}"#);
    scratch.write("root/f.md", "x");
    fs::create_dir(scratch.path().join("root/f.md.access.json")).unwrap();
    scratch.write("root/g.md", "x");
    symlink(scratch.path().join("root/.access.json"), scratch.path().join("root/g.md.access.json")).unwrap();
    let source = folder(&scratch, "sidecar");
    let inventory = source.list(later()).unwrap();
    let shown: Vec<String> = lists(&inventory).iter().map(|(id, list)| format!("{id}: {list}")).collect();
    assert_eq!(
        shown,
        [
            "a.md: everyone",
            "b.md: 7",
            "broken/d.md: Unknown ",
            "broken/e.md: everyone",
            "f.md: Unknown ",
            "g.md: Unknown ",
            "sub/deep/c.md: everyone | 8",
        ]
    );
    assert!(has_flaw(&inventory, "broken/.access.json", "line 1"), "{:?}", inventory.flaws);
    assert!(has_flaw(&inventory, "f.md", "nobody") && has_flaw(&inventory, "g.md", "nobody"));
    let items = read(&source, &inventory);
    assert_eq!(items["a.md"].as_ref().unwrap().rights.sensitivity.as_deref(), Some("low"));
}

#[test]
fn modes_of_files_and_folders_are_their_lists() {
    let scratch = Scratch::new();
    for (name, mode) in [("open/a.md", 0o644), ("open/b.md", 0o600), ("closed/c.md", 0o644), ("open/d.md", 0o044)] {
        scratch.write(&format!("root/{name}"), "x");
        scratch.mode(&format!("root/{name}"), mode);
    }
    scratch.mode("root", 0o755);
    scratch.mode("root/open", 0o755);
    scratch.mode("root/closed", 0o700);
    let source = folder(&scratch, "posix");
    let inventory = source.list(later()).unwrap();
    let lists = lists(&inventory);
    assert!(lists["open/a.md"].contains("everyone"), "{lists:?}");
    assert!(!lists["open/b.md"].contains("everyone") && !lists["closed/c.md"].contains("everyone"), "{lists:?}");
    assert_eq!(lists["open/b.md"], lists["closed/c.md"], "its owner alone");
    assert_eq!(lists["open/d.md"], "Approximated ");
    for name in ["open/a.md", "open/b.md", "closed/c.md", "open/d.md"] {
        scratch.mode(&format!("root/{name}"), 0o600);
    }
}

#[test]
fn a_version_tells_every_change_also_back_in_time() {
    let scratch = Scratch::new();
    scratch.write("root/a.md", "one");
    let source = folder(&scratch, "none");
    let version = |now: Timestamp| source.list(now).unwrap().entries[0].source_version.clone();
    let set = |seconds: u64| {
        let file = File::options().write(true).open(scratch.path().join("root/a.md")).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    };
    set(1_700_000_000);
    let first = version(later());
    assert_eq!(version(later()), first);
    set(1_600_000_000);
    assert_ne!(version(later()), first, "restored from long ago");
    let (at, after) = ("2020-09-13T12:26:41Z".parse().unwrap(), "2020-09-13T12:26:41.5Z".parse().unwrap());
    assert_ne!(version(at), version(after), "written a second ago, it may be written again");
    assert_eq!(version("2020-09-13T12:26:42Z".parse().unwrap()), version(later()));
}

#[test]
fn a_folder_that_is_gone_is_no_empty_source() {
    let scratch = Scratch::new();
    assert!(folder(&scratch, "none").list(later()).is_err());
    scratch.write("root", "a file");
    assert!(folder(&scratch, "none").list(later()).is_err());
}

#[test]
fn a_folder_too_deep_is_told_and_not_taken_for_empty() {
    let scratch = Scratch::new();
    let deep = "d/".repeat(70);
    scratch.write(&format!("root/{deep}a.md"), "x");
    let inventory = folder(&scratch, "none").list(later()).unwrap();
    assert!(inventory.entries.is_empty() && inventory.may_hold(&format!("{deep}a.md")));
    assert!(!inventory.may_hold("d/other.md"));
}
