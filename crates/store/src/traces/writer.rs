//! Group commit: one task gathers what waits, writes it in one transaction and answers everybody at once. While the
//! disk syncs, the next group gathers by itself.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::batch::{write_all, write_each};
use super::encode::Rows;
use crate::contents::Contents;
use crate::database::Database;
use crate::error::StoreError;
use crate::folder::Folder;

/// Callers beyond this wait for a place.
const QUEUE: usize = 1_024;
/// Exchanges in one transaction.
const MOST_ROWS: usize = 512;
/// Bytes of text in one transaction, roughly.
const MOST_BYTES: usize = 16 << 20;

enum Message {
    Write(Box<Rows>, oneshot::Sender<Result<(), StoreError>>),
    Stop,
}

/// The way to the writing task.
#[derive(Debug)]
pub(crate) struct TraceWriter {
    queue: mpsc::Sender<Message>,
    task: Mutex<Option<JoinHandle<()>>>,
    database: Database,
}

impl TraceWriter {
    /// Starts the task. It holds the folder, so that the lock outlives the last write.
    pub(crate) fn start(database: Database, contents: Contents, folder: Arc<Folder>) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(run(waiting, Target { database: database.clone(), contents, _folder: folder }));
        Self { queue, task: Mutex::new(Some(task)), database }
    }

    /// Resolves once the rows are durable.
    pub(super) async fn write(&self, rows: Rows) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        let closed = || self.database.unavailable("the store is closed");
        self.queue.send(Message::Write(Box::new(rows), answer)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }

    /// Writes what waits and ends the task.
    pub(crate) async fn stop(&self) {
        // It has ended already where this fails.
        let _ = self.queue.send(Message::Stop).await;
        if let Some(task) = self.task.lock().await.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the task that writes exchanges failed");
        }
    }
}

struct Target {
    database: Database,
    contents: Contents,
    _folder: Arc<Folder>,
}

async fn run(mut waiting: mpsc::Receiver<Message>, target: Target) {
    let mut messages = Vec::with_capacity(MOST_ROWS);
    while waiting.recv_many(&mut messages, MOST_ROWS).await > 0 {
        let (mut rows, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
        for message in messages.drain(..) {
            match message {
                Message::Write(row, answer) => {
                    bytes += row.size();
                    rows.push(*row);
                    answers.push(answer);
                }
                Message::Stop => waiting.close(),
            }
            if bytes >= MOST_BYTES {
                bytes = 0;
                write(&target, std::mem::take(&mut rows), std::mem::take(&mut answers)).await;
            }
        }
        write(&target, rows, answers).await;
    }
}

async fn write(target: &Target, rows: Vec<Rows>, answers: Vec<oneshot::Sender<Result<(), StoreError>>>) {
    if rows.is_empty() {
        return;
    }
    let Target { database, contents, .. } = target;
    let done = match write_all(database, contents, &rows).await {
        Ok(()) => Ok(rows.iter().map(|_| Ok(())).collect()),
        Err(error) if error.is_of_the_data() => write_each(database, contents, &rows).await,
        Err(error) => Err(error),
    };
    let results = done.unwrap_or_else(|error| {
        tracing::warn!(%error, exchanges = rows.len(), "exchanges were not recorded");
        rows.iter().map(|_| Err(error.clone())).collect()
    });
    for (answer, result) in answers.into_iter().zip(results) {
        // A caller who left does not wait for the answer; the row is there all the same.
        let _ = answer.send(result);
    }
}
