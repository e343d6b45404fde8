//! Kills and full disks. The tests start themselves again as a child that writes and says on its output what was
//! acknowledged; afterwards all of that must be there.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use access::Change;
use domain::Principal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use store::{Store, StoreError};

use super::world::{access_of, admin, entry_with_reply, open, person, person_id, response_id, trace_id};

const CHILD: &str = "FREEHOLD_TEST_CHILD_FOLDER";

/// The folder, in the child.
pub(crate) fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

/// This test again, as a child on a folder, through a shell line that ends in `exec "$@"`.
pub(crate) fn again(test: &str, shell: &str, folder: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", shell, "sh"]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, folder).stdout(Stdio::piped());
    command
}

pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").unwrap();
    output.flush().unwrap();
}

/// Everything that lines like `trace 12` and `person 3` say is there, and the log is whole.
async fn assert_kept(store: &Store, lines: &[String]) {
    let owner = Principal::Person(admin(&store.directory()).id);
    for line in lines {
        match line.split_once(' ') {
            Some(("trace", number)) => {
                let found = store.trace(owner, trace_id(number.parse().unwrap())).await.unwrap();
                assert!(found.is_some(), "{line} was acknowledged");
                let reply = store.response(response_id(number.parse().unwrap())).await.unwrap();
                assert!(reply.is_some(), "{line} was acknowledged with its reply");
            }
            Some(("person", number)) => {
                let directory = store.directory();
                let person = directory.person(person_id(number.parse().unwrap())).cloned();
                assert!(person.is_some(), "{line} was acknowledged");
                let _ = access_of(&directory, person.unwrap().id);
            }
            _ => {}
        }
    }
    let proof = store.verify_epochs().await.unwrap();
    assert_eq!(proof.epoch, store.directory().epoch());
}

/// No exchange is there without its reply, no reply without its exchange.
async fn assert_whole(store: &Store, numbers: impl Iterator<Item = u128>) {
    let owner = Principal::Person(admin(&store.directory()).id);
    for number in numbers {
        let exchange = store.trace(owner, trace_id(number)).await.unwrap().is_some();
        let reply = store.response(response_id(number)).await.unwrap().is_some();
        assert_eq!(exchange, reply, "exchange {number} and its reply");
    }
}

/// The numbers of [`write_for_ever`] that came last of each writer, and those that may have been under way.
fn last_numbers(round: u128, lines: &[String]) -> impl Iterator<Item = u128> {
    let numbers = lines.iter().filter_map(|line| line.strip_prefix("trace ")?.parse::<u128>().ok());
    let newest =
        numbers.filter(|number| number >> 64 == round).map(|number| (number & u128::from(u64::MAX)) >> 8).max();
    let turns = newest.unwrap_or(0).saturating_sub(20)..newest.unwrap_or(0) + 20;
    turns.flat_map(move |turn| (1..8).map(move |writer| (round << 64) | (turn << 8) | writer))
}

/// Writes exchanges and people from several tasks, for ever.
async fn write_for_ever(folder: &Path, round: u128) {
    let store = open(folder).await.unwrap();
    let owner = Principal::Person(admin(&store.directory()).id);
    let writers = (0..8_u128).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0_u128.. {
                let number = (round << 64) | (turn << 8) | writer;
                if writer == 0 {
                    let change = Change::PutPerson(person(number));
                    store.commit::<StoreError>(None, |_| Ok(vec![change])).await.unwrap();
                    say(&format!("person {number}"));
                } else {
                    store.record(entry_with_reply(number, owner, "hello")).await.unwrap();
                    say(&format!("trace {number}"));
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kills() {
    if let Some(folder) = child_folder() {
        let round = std::env::var("FREEHOLD_TEST_ROUND").unwrap().parse().unwrap();
        return write_for_ever(&folder, round).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Vec::new();
    // A number of lines that differs from round to round: from the first commit to several groups.
    for round in 0..15_u128 {
        let lines_before_the_kill = (round * 37 % 101) * 3 + 1;
        let mut command = again("it::faults::what_was_acknowledged_survives_kills", "exec \"$@\"", folder.path());
        let mut child = command.env("FREEHOLD_TEST_ROUND", round.to_string()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let is_acknowledgement = |line: &String| line.starts_with("trace ") || line.starts_with("person ");
        let said: Vec<String> =
            lines.by_ref().filter(is_acknowledgement).take(lines_before_the_kill as usize).collect();
        assert_eq!(said.len(), lines_before_the_kill as usize, "the child ended by itself");
        child.kill().unwrap();
        acknowledged.extend(said);
        acknowledged.extend(lines.filter(is_acknowledgement));
        child.wait().unwrap();
        let store = open(folder.path()).await.unwrap();
        assert_kept(&store, &acknowledged).await;
        assert_whole(&store, last_numbers(round, &acknowledged)).await;
        store.close().await;
    }
}

/// In the child: files may grow to `bytes`, then writing fails; afterwards there is no limit again.
fn limit_files(bytes: Option<u64>) {
    let hard = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: bytes.or(hard), maximum: hard }).unwrap();
}

/// One round with room for `bytes` in a file: opens, writes until it fails, finds room again, writes on.
async fn write_into_a_wall(folder: &Path, bytes: u64) {
    limit_files(Some(bytes));
    let mut store = open(folder).await;
    let (mut kept, mut failures) = (Vec::new(), 0);
    if let Ok(store) = &store {
        let owner = Principal::Person(admin(&store.directory()).id);
        for number in 1..=60_u128 {
            let change = Change::PutPerson(person(number));
            match store.commit::<StoreError>(None, |_| Ok(vec![change])).await {
                Ok(_) => kept.push(format!("person {number}")),
                Err(_) => failures += 1,
            }
            match store.record(entry_with_reply(number, owner, &"words ".repeat(100))).await {
                Ok(()) => kept.push(format!("trace {number}")),
                Err(_) => failures += 1,
            }
        }
    }
    limit_files(None);
    if store.is_err() {
        failures += 1;
        store = open(folder).await;
    }
    let store = store.unwrap();
    assert_whole(&store, 1..=60).await;
    // There is room again: the same store goes on, and nothing that failed is there by half.
    assert_kept(&store, &kept).await;
    let people: BTreeSet<_> = store.directory().people().map(|person| person.id).collect();
    let promised = kept.iter().filter(|line| line.starts_with("person")).count();
    assert_eq!(people.len(), promised + 1, "a commit that failed is there, or one is missing");
    store.commit::<StoreError>(None, |_| Ok(vec![Change::PutPerson(person(999))])).await.unwrap();
    let owner = Principal::Person(admin(&store.directory()).id);
    store.record(entry_with_reply(999, owner, "after")).await.unwrap();
    kept.extend(["person 999".to_owned(), "trace 999".to_owned()]);
    store.close().await;
    drop(store);
    let again = open(folder).await.unwrap();
    assert_kept(&again, &kept).await;
    again.close().await;
    say(&format!("whole {failures}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_at_any_point_loses_nothing_acknowledged() {
    if let Some(folder) = child_folder() {
        let bytes = std::env::var("FREEHOLD_TEST_BYTES").unwrap().parse().unwrap();
        return write_into_a_wall(&folder, bytes).await;
    }
    // A file that grows too large is a signal first: the child ignores it, so that the write fails instead.
    let shell = "trap '' XFSZ; exec \"$@\"";
    let mut failing = 0;
    for step in 0..26_u64 {
        // From no room at all, in odd steps so that pages are cut in the middle, until nothing fails any more.
        let bytes = step * step * 9_013;
        let folder = tempfile::tempdir().unwrap();
        let test = "it::faults::a_write_that_fails_at_any_point_loses_nothing_acknowledged";
        let mut command = again(test, shell, folder.path());
        let output = command.env("FREEHOLD_TEST_BYTES", bytes.to_string()).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let whole = text.lines().find_map(|line| line.strip_prefix("whole "));
        assert!(output.status.success() && whole.is_some(), "{bytes} bytes: {text}");
        failing += u32::from(whole != Some("0"));
    }
    assert!((10..26).contains(&failing), "{failing} of 26 rounds met the wall");
}

/// On a small file system: fills it, hears that it is full, makes room, goes on.
async fn fill_the_disk(disk: &Path) {
    let ballast = disk.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let folder = disk.join("data");
    let store = open(&folder).await.unwrap();
    let owner = Principal::Person(admin(&store.directory()).id);
    let words = "words ".repeat(2_000);
    let mut recorded = 0;
    let error = loop {
        match store.record(entry_with_reply(recorded + 1, owner, &words)).await {
            Ok(()) => recorded += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("free some disk space"), "{error}");
    assert!(recorded > 20, "{recorded}");
    let full =
        store.commit::<StoreError>(None, |_| Ok((1..=100).map(|n| Change::PutPerson(person(n))).collect())).await;
    assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
    assert_eq!(store.directory().people().count(), 1);
    // Not a page is left: what cannot roll stays where it is.
    let mut rest = std::fs::File::create(disk.join("rest")).unwrap();
    while rest.write_all(&[1; 4_096]).is_ok() {}
    let error = store.roll().await.unwrap_err();
    assert_eq!(error.kind(), domain::ErrorKind::Unavailable, "{error:?}");
    assert!(error.to_string().contains("free some disk space"), "{error}");
    let lines: Vec<String> = (1..=recorded).map(|number| format!("trace {number}")).collect();
    assert_kept(&store, &lines).await;
    std::fs::remove_file(ballast).unwrap();
    let rolled = store.roll().await.unwrap();
    assert_eq!((rolled.traces, rolled.decisions), (recorded as u64, recorded as u64));
    assert_kept(&store, &lines).await;
    store.record(entry_with_reply(recorded + 2, owner, "there is room again")).await.unwrap();
    let lines: Vec<String> = (1..=recorded).chain([recorded + 2]).map(|number| format!("trace {number}")).collect();
    assert_kept(&store, &lines).await;
    store.close().await;
    say("went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_named_and_writing_goes_on_when_there_is_room() {
    if let Some(folder) = child_folder() {
        return fill_the_disk(&folder).await;
    }
    let disk = tempfile::tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=6m tmpfs \"$FREEHOLD_TEST_CHILD_FOLDER\" || exit 77; exec \"$@\"";
    let test = "it::faults::a_full_disk_is_named_and_writing_goes_on_when_there_is_room";
    let inner = again(test, mount, disk.path());
    // A mount of the child's own, with a user namespace where this user is not root.
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user"]).arg("sh").args(inner.get_args()).env(CHILD, disk.path());
    let output = command.output().expect("`unshare` of util-linux is missing: install it");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.code() == Some(77) || !text.contains("running 1 test") {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        eprintln!("NOT TESTED HERE: this system lets no test mount a small file system ({})", why.trim());
        return;
    }
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("went on"), "{text} {why}");
}
