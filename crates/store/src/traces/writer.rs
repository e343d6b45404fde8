//! Group commit: one task gathers what waits, writes it in one transaction and answers everybody at once. While the
//! disk syncs, the next group gathers by itself. What nobody waits for goes along with the next group, or soon.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, timeout_at};

use super::batch::{write_all, write_each};
use super::encode::Rows;
use crate::contents::Contents;
use crate::database::{Database, Value};
use crate::error::StoreError;
use crate::folder::Folder;

/// Callers beyond this wait for a place.
const QUEUE: usize = 1_024;
/// Exchanges in one transaction.
const MOST_ROWS: usize = 512;
/// Bytes of text in one transaction, roughly.
const MOST_BYTES: usize = 16 << 20;

/// The longest time that rows which nobody waits for are held.
const SOON: Duration = Duration::from_millis(100);

type Answer = oneshot::Sender<Result<(), StoreError>>;

enum Message {
    /// Rows, and who waits for them.
    Write(Box<Rows>, Option<Answer>),
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
    /// Starts the task; `next` is the number of the next exchange or decision. It holds the folder, so that the lock outlives the
    /// last write.
    pub(crate) fn start(database: Database, contents: Contents, folder: Arc<Folder>, next: i64) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(run(waiting, Target { database: database.clone(), contents, _folder: folder, next }));
        Self { queue, task: Mutex::new(Some(task)), database }
    }

    /// Resolves once the rows are durable.
    pub(super) async fn write(&self, rows: Rows) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.send(rows, Some(answer)).await?;
        answered.await.map_err(|_| self.closed())?
    }

    /// Hands rows over; they are durable soon.
    pub(super) async fn write_behind(&self, rows: Rows) -> Result<(), StoreError> {
        self.send(rows, None).await
    }

    /// Hands a decision over that is about no exchange; it is durable soon.
    pub(crate) async fn write_decision_behind(&self, row: Vec<Value>) -> Result<(), StoreError> {
        self.write_behind(Rows { decisions: vec![row], ..Rows::default() }).await
    }

    /// Resolves once everything that was handed over before is durable.
    pub(crate) async fn flush(&self) -> Result<(), StoreError> {
        self.write(Rows::default()).await
    }

    async fn send(&self, rows: Rows, answer: Option<Answer>) -> Result<(), StoreError> {
        self.queue.send(Message::Write(Box::new(rows), answer)).await.map_err(|_| self.closed())
    }

    fn closed(&self) -> StoreError {
        self.database.unavailable("the store is closed")
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
    /// There is one writer, so numbers follow the order in which exchanges become durable.
    next: i64,
}

/// What the next transaction will hold.
#[derive(Default)]
struct Batch {
    rows: Vec<Rows>,
    answers: Vec<Option<Answer>>,
    bytes: usize,
    awaited: bool,
    since: Option<Instant>,
}

impl Batch {
    fn add(&mut self, rows: Rows, answer: Option<Answer>) {
        self.bytes += rows.size();
        self.awaited |= answer.is_some();
        self.since.get_or_insert_with(Instant::now);
        self.rows.push(rows);
        self.answers.push(answer);
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= MOST_ROWS || self.bytes >= MOST_BYTES
    }
}

async fn run(mut waiting: mpsc::Receiver<Message>, mut target: Target) {
    let (mut messages, mut batch) = (Vec::with_capacity(MOST_ROWS), Batch::default());
    while gather(&mut waiting, &mut messages, batch.since).await {
        for message in messages.drain(..) {
            match message {
                Message::Write(rows, answer) => batch.add(*rows, answer),
                Message::Stop => waiting.close(),
            }
            if batch.is_full() {
                write(&mut target, std::mem::take(&mut batch)).await;
            }
        }
        if batch.awaited || batch.since.is_some_and(|since| since.elapsed() >= SOON) {
            write(&mut target, std::mem::take(&mut batch)).await;
        }
    }
    write(&mut target, batch).await;
}

/// Takes what waits, at the latest when what is held since then must go; false once nothing more can come.
async fn gather(
    waiting: &mut mpsc::Receiver<Message>,
    messages: &mut Vec<Message>,
    held_since: Option<Instant>,
) -> bool {
    let arriving = waiting.recv_many(messages, MOST_ROWS);
    let received = match held_since {
        None => arriving.await,
        Some(since) => match timeout_at(since + SOON, arriving).await {
            Ok(received) => received,
            Err(_) => return true,
        },
    };
    // Whoever is about to hand something over gets a turn before: the busier the door, the larger its transactions.
    yield_now().await;
    while messages.len() < MOST_ROWS
        && let Ok(message) = waiting.try_recv()
    {
        messages.push(message);
    }
    received > 0
}

async fn write(target: &mut Target, batch: Batch) {
    let Batch { mut rows, answers, .. } = batch;
    if rows.is_empty() {
        return;
    }
    let Target { database, contents, next, .. } = target;
    rows.iter_mut().for_each(|row| row.number(next));
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
        if let Some(answer) = answer {
            // A caller who left does not wait for the answer; the row is there all the same.
            let _ = answer.send(result);
        }
    }
}
