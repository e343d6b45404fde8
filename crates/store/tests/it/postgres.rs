//! A PostgreSQL server of the test's own: a fresh cluster in a temporary folder, on a Unix socket only.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use access::Change;
use domain::Principal;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use store::{Store, StoreError};
use tempfile::TempDir;

use super::world::{Place, admin, entry, person, shown, trace_id};

pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    account: Option<(u32, u32)>,
    process: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        let programs = programs().expect(
            "PostgreSQL's server is not installed: run `apt-get install postgresql` (the test set-up does) or put \
             `initdb` and `postgres` on the PATH",
        );
        // The server refuses to run as root.
        let account = geteuid().is_root().then(unprivileged_account);
        let folder = tempfile::tempdir().unwrap();
        if let Some((user, group)) = account {
            chown(folder.path(), Some(user), Some(group)).unwrap();
        }
        let cluster = folder.path().join("cluster");
        let made = command(&programs.join("initdb"), account, folder.path())
            .args(["--auth=trust", "--username=freehold", "--encoding=UTF8", "--no-locale", "--no-sync", "-D"])
            .arg(&cluster)
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut process = command(&programs.join("postgres"), account, folder.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-k"])
            .arg(folder.path())
            .arg("-D")
            .arg(&cluster)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let ready = lines.by_ref().any(|line| line.contains("database system is ready to accept connections"));
        assert!(ready, "the server ended before it was ready");
        // A full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self { folder, programs, account, process }
    }

    /// The address of a new, empty database.
    pub(crate) fn new_database(&self, scenario: &str) -> String {
        let socket = self.folder.path().display();
        // A name has at most 63 bytes.
        let name: String = scenario.chars().take(60).collect();
        let made = command(&self.programs.join("createdb"), self.account, self.folder.path())
            .args(["--username=freehold", "-h", &socket.to_string(), &name])
            .output()
            .unwrap();
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        format!("postgres://freehold@localhost/{name}?host={socket}")
    }
}

/// The server restarted, or a network dropped the connections: the store goes on, with the lock taken again.
pub(crate) async fn lost_connections_come_back(place: Place) {
    const TERMINATE: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let store = place.open().await;
    let owner = Principal::Person(admin(&store.directory()).id);
    for number in 1..=3 {
        store.record(entry(number, owner, "before")).await.unwrap();
        place.alter(TERMINATE).await;
        let changes = vec![Change::PutPerson(person(number))];
        store.commit::<StoreError>(None, |_| Ok(changes)).await.unwrap();
        place.alter(TERMINATE).await;
        store.record(entry(number + 10, owner, "after")).await.unwrap();
        assert!(store.trace(owner, trace_id(number)).await.unwrap().is_some());
    }
    let error = Store::open(place.options()).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    store.verify_epochs().await.unwrap();
    let in_memory = shown(&store.directory());
    assert_eq!(shown(&place.reopen(store).await.directory()), in_memory);
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_child(&self.process);
        // SIGINT is its fast shutdown; killing it outright would leave its children to find out.
        let _ = kill_process(pid, Signal::INT);
        let _ = self.process.wait();
    }
}

fn command(program: &Path, account: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C");
    if let Some((user, group)) = account {
        command.gid(group).uid(user);
    }
    command
}

/// Debian keeps the server's programs off the PATH.
fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().find(|folder| ["initdb", "postgres", "createdb"].iter().all(|name| folder.join(name).exists()))
}

/// An account that is not root: the database's own, or `nobody`.
fn unprivileged_account() -> (u32, u32) {
    let accounts = fs::read_to_string("/etc/passwd").unwrap();
    let of = |name: &str| {
        let fields: Vec<&str> = accounts
            .lines()
            .map(|line| line.split(':').collect())
            .find(|fields: &Vec<&str>| fields.first() == Some(&name))?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    of("postgres").or_else(|| of("nobody")).expect("neither 'postgres' nor 'nobody' in /etc/passwd")
}
