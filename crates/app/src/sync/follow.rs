//! The loops that keep sources at the present: one for each, told by the system where it can, and on an interval.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::SourceId;
use knowledge::source::{SourceWatcher, Told};
use store::{SourceKind, SourceRecord};
use tokio::task::{AbortHandle, JoinSet};

use super::{reader, run};
use crate::app::App;

/// A source is listed this often, even where the system told of no change.
const LOOK: Duration = Duration::from_secs(900);
/// A watcher is asked this often whether it is still wanted.
const WATCHED: Duration = Duration::from_secs(5);
/// How often it is looked for sources that another process made.
const SOURCES: Duration = Duration::from_secs(60);

/// Keeps every source that this server reads at the present, until it is dropped.
pub async fn follow(app: Arc<App>) {
    // Dropped with this, and with them every loop.
    let (mut loops, mut known) = (JoinSet::new(), BTreeMap::<SourceId, AbortHandle>::new());
    loop {
        match app.store.sources().await {
            Ok(sources) => {
                let read: Vec<_> = sources.into_iter().filter(|source| source.kind != SourceKind::Push).collect();
                known.retain(|id, following| {
                    let is_there = read.iter().any(|source| source.id == *id);
                    if !is_there {
                        following.abort();
                    }
                    is_there
                });
                for source in read {
                    known.entry(source.id).or_insert_with(|| loops.spawn(keep(app.clone(), source)));
                }
            }
            Err(error) => tracing::warn!(%error, "sources could not be read: they wait"),
        }
        let _ = tokio::time::timeout(SOURCES, app.syncs.sources.notified()).await;
    }
}

async fn keep(app: Arc<App>, source: SourceRecord) {
    let bell = app.syncs.bell(source.id);
    let _watching = watch(&app, &source);
    loop {
        run(&app, &source).await;
        let _ = tokio::time::timeout(LOOK, bell.notified()).await;
    }
}

/// Ends its thread when it is dropped.
struct Watching {
    _wanted: std::sync::mpsc::Sender<()>,
}

/// Waiting for changes blocks: a thread of its own rings the bell.
fn watch(app: &App, source: &SourceRecord) -> Option<Watching> {
    let path = reader(source.kind, source.config.as_ref()).ok()?.path().to_owned();
    let bell = app.syncs.bell(source.id);
    let (sender, ended) = std::sync::mpsc::channel::<()>();
    let is_wanted = move || ended.try_recv() != Err(std::sync::mpsc::TryRecvError::Disconnected);
    let spawned = std::thread::Builder::new().name("watch".to_owned()).spawn(move || {
        while is_wanted() {
            // A folder that is not there yet is looked for again.
            let Ok(watcher) = SourceWatcher::new(&path) else {
                std::thread::sleep(WATCHED);
                continue;
            };
            bell.notify_one();
            while is_wanted() {
                match watcher.wait(WATCHED) {
                    Told::Nothing => {}
                    Told::Changed => bell.notify_one(),
                    Told::Lost => break,
                }
            }
        }
    });
    spawned.is_ok().then_some(Watching { _wanted: sender })
}
