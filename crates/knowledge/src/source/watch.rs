//! Told by the system that something below a source has changed. It only ever says "list again": whoever is not told, or
//! not in time, lists on an interval all the same.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::EventKind;
use notify::{Config, Event, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::unreadable;
use crate::KnowledgeError;

/// How long nothing may change before a change is told: a file that is being written changes many times.
const QUIET: Duration = Duration::from_millis(300);
/// How long a change waits at most while others follow it.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What a watcher says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// Nothing has changed within the time.
    Nothing,
    /// Something has changed: list again.
    Changed,
    /// Changes were lost, or no more will be told: list everything again and make a new watcher.
    Lost,
}

/// Watches a source's folder and everything below it, or the folder of its file. Links are not followed.
#[derive(Debug)]
pub struct SourceWatcher {
    changes: Receiver<()>,
    lost: Arc<AtomicBool>,
    _watcher: RecommendedWatcher,
}

impl SourceWatcher {
    /// Begins to watch. Changes count from its return.
    ///
    /// # Errors
    /// [`KnowledgeError::SourceUnreadable`] where the path is not there, or the system watches no more folders.
    pub fn new(path: &Path) -> Result<Self, KnowledgeError> {
        // One change that waits is enough: whoever takes it lists everything.
        let (sender, changes) = sync_channel(1);
        let lost = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&lost);
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(move |event| note(event, &sender, &seen), config);
        let mut watcher = watcher.map_err(|error| unreadable(format_args!("it cannot be watched: {error}")))?;
        let path = path.canonicalize().map_err(unreadable)?;
        // A file that is replaced is another one to the system, so its folder is watched.
        let begun = match path.parent().filter(|_| path.is_file()) {
            Some(folder) => watcher.watch(folder, RecursiveMode::NonRecursive),
            None => watcher.watch(&path, RecursiveMode::Recursive),
        };
        begun.map_err(|error| unreadable(format_args!("it cannot be watched: {error}")))?;
        Ok(Self { changes, lost, _watcher: watcher })
    }

    /// Waits for a change, `limit` at most, and then until nothing has changed for a third of a second, three seconds at
    /// most.
    #[must_use]
    pub fn wait(&self, limit: Duration) -> Told {
        let first = self.changes.recv_timeout(limit);
        let begun = Instant::now();
        let mut next = first;
        while next.is_ok() && begun.elapsed() < LONGEST_WAIT {
            next = self.changes.recv_timeout(QUIET);
        }
        if self.lost.load(Ordering::Acquire) || next == Err(RecvTimeoutError::Disconnected) {
            return Told::Lost;
        }
        if first.is_ok() { Told::Changed } else { Told::Nothing }
    }
}

fn note(event: notify::Result<Event>, changes: &SyncSender<()>, lost: &AtomicBool) {
    match event {
        // Reading is no change, and ours would be told as well.
        Ok(event) if matches!(event.kind, EventKind::Access(_)) && !event.need_rescan() => return,
        Ok(event) if !event.need_rescan() => {}
        Ok(_) | Err(_) => lost.store(true, Ordering::Release),
    }
    // Full: one that waits already says it.
    let _ = changes.try_send(());
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, Flag};

    use super::*;

    #[test]
    fn changes_wait_as_one_and_what_is_lost_is_kept() {
        let (sender, changes) = sync_channel(1);
        let lost = AtomicBool::new(false);
        note(Ok(Event::new(EventKind::Access(AccessKind::Any))), &sender, &lost);
        assert!(changes.try_recv().is_err(), "reading is no change");
        for _ in 0..3 {
            note(Ok(Event::new(EventKind::Create(CreateKind::File))), &sender, &lost);
        }
        assert!(changes.try_recv().is_ok() && changes.try_recv().is_err());
        assert!(!lost.load(Ordering::Acquire));
        note(Ok(Event::new(EventKind::Other).set_flag(Flag::Rescan)), &sender, &lost);
        assert!(changes.try_recv().is_ok() && lost.load(Ordering::Acquire));
    }
}
