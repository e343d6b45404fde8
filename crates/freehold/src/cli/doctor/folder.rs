//! The data folder: there, ours, private, with room; the server on it, or its port.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::Check;
use crate::config::Config;
use crate::serve::{noted_address, socket_path};

/// Below this much room records may soon not be kept, bytes.
const LITTLE_ROOM: u64 = 1_000_000_000;

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let dir = &config.data.dir;
    let mut checks = vec![folder(dir), room(dir)];
    checks.extend(server(config));
    checks
}

fn folder(dir: &Path) -> Check {
    const NAME: &str = "data folder";
    let shown = dir.display();
    let Ok(found) = std::fs::metadata(dir) else { return missing(dir) };
    if !found.is_dir() {
        return Check::fail(NAME, format!("{shown} is a file"), "move it away, or name another folder with --data DIR");
    }
    let uid = rustix::process::geteuid().as_raw();
    if found.uid() != uid && uid != 0 {
        let mend =
            format!("give it to this user (chown -R), or name another folder: the owner is user {}", found.uid());
        return Check::fail(NAME, format!("{shown} belongs to somebody else"), mend);
    }
    if rustix::fs::access(dir, rustix::fs::Access::WRITE_OK).is_err() {
        return Check::fail(
            NAME,
            format!("{shown} cannot be written"),
            "mount it writable and give this user write permission",
        );
    }
    let mode = found.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let mend = format!("chmod 700 {shown} (`serve` does it, too)");
        return Check::warn(NAME, format!("{shown} can be read by others (mode {mode:03o})"), mend);
    }
    Check::ok(NAME, format!("{shown}, private"))
}

fn missing(dir: &Path) -> Check {
    let parent = existing_ancestor(dir);
    if rustix::fs::access(&parent, rustix::fs::Access::WRITE_OK).is_ok() && parent.is_dir() {
        return Check::ok("data folder", format!("{} is not there yet; it will be made", dir.display()));
    }
    let detail = format!("{} is not there and cannot be made in {}", dir.display(), parent.display());
    Check::fail("data folder", detail, "make it as root and give it to this user, or name another with --data DIR")
}

/// The deepest folder of a path that exists.
pub(super) fn existing_ancestor(dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/")).to_owned()
}

/// Bytes that this user may still write where a path lies, or will lie.
pub(super) fn room_bytes(dir: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(existing_ancestor(dir)).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

fn room(dir: &Path) -> Check {
    const NAME: &str = "disk";
    match room_bytes(dir) {
        None => Check::warn(NAME, "the room left is not known", "look with `df`"),
        Some(bytes) if bytes < LITTLE_ROOM => {
            let detail = format!("only {} MB left for records", bytes / 1_000_000);
            Check::warn(NAME, detail, "free some room, or move the data folder to a larger disk")
        }
        Some(bytes) => Check::ok(NAME, format!("{} GB left", bytes / 1_000_000_000)),
    }
}

fn server(config: &Config) -> Vec<Check> {
    let dir = &config.data.dir;
    if UnixStream::connect(socket_path(dir)).is_ok() {
        let address = noted_address(dir).unwrap_or_else(|| config.server.listen.to_string());
        return vec![Check::ok("server", format!("one runs on this folder, at {address}"))];
    }
    if is_locked(dir) {
        let mend = "it is starting or stopping: wait a moment; else find it with `fuser -v` on the file 'lock'";
        return vec![Check::warn("server", "another process holds the folder and does not answer", mend)];
    }
    vec![Check::ok("server", "none runs on this folder"), port(config)]
}

fn is_locked(dir: &Path) -> bool {
    let Ok(lock) = std::fs::File::open(dir.join("lock")) else { return false };
    matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock))
}

fn port(config: &Config) -> Check {
    let address = config.server.listen;
    match TcpListener::bind(address) {
        Ok(_) => Check::ok("port", format!("{address} is free")),
        Err(source) => {
            Check::error("port", &crate::error::FreeholdError::Listen { address: address.to_string(), source })
        }
    }
}
