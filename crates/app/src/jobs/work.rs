//! Work on jobs in this process.
//!
//! INVARIANT: at most one job of a kind works on one model, and a job is among the running ones exactly as long as its
//! [`Work`] lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{JobId, Principal};
use store::JobState;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{JobError, JobRecord};
use crate::app::App;
use crate::error::AppError;

/// The jobs that this process works on.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    running: Mutex<BTreeMap<JobId, Running>>,
    closing: CancellationToken,
}

#[derive(Debug)]
struct Running {
    kind: &'static str,
    model: String,
    cancel: CancellationToken,
    changes: watch::Receiver<JobRecord>,
}

impl Jobs {
    /// Asks a job to stop and gives what becomes of it; `None` where nobody works on it.
    pub(super) fn cancel(&self, id: JobId) -> Option<watch::Receiver<JobRecord>> {
        self.lock().get(&id).map(|running| {
            running.cancel.cancel();
            running.changes.clone()
        })
    }

    pub(super) fn changes(&self, id: JobId) -> Option<watch::Receiver<JobRecord>> {
        self.lock().get(&id).map(|running| running.changes.clone())
    }

    /// The job of this kind that works on a model now.
    pub(crate) fn on_model(&self, kind: &str, model: &str) -> Option<JobRecord> {
        let running = self.lock();
        let mut found = running.values().filter(|running| running.kind == kind && running.model == model);
        found.next().map(|running| running.changes.borrow().clone())
    }

    /// Stops all of them, and lets no other begin.
    pub(crate) fn close(&self) {
        self.closing.cancel();
    }

    /// Is cancelled when this process takes on no more work.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.closing.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<JobId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a job is to do.
pub(crate) struct NewJob<'n> {
    pub(crate) kind: &'static str,
    pub(crate) model: &'n str,
    pub(crate) owner: Principal,
}

/// What became of a wish for a job.
pub(crate) enum Begun {
    /// It is to be worked on by whoever asked.
    New(Work),
    /// The same is being done already.
    Already(JobRecord),
}

/// Makes a job and keeps it, unless the same is being done already.
pub(crate) async fn begin(app: &Arc<App>, new: NewJob<'_>) -> Result<Begun, AppError> {
    let now = app.now();
    let job = JobRecord {
        id: JobId::from_uuid(app.ids.uuid(now)),
        kind: new.kind.to_owned(),
        state: JobState::Running,
        stage: None,
        progress: 0.0,
        model: Some(new.model.to_owned()),
        error: None,
        owner: Some(new.owner),
        created_at: now,
        updated_at: now,
    };
    let (told, changes) = watch::channel(job.clone());
    let cancel = CancellationToken::new();
    {
        let mut running = app.jobs.lock();
        if app.jobs.closing.is_cancelled() {
            return Err(AppError::ShuttingDown);
        }
        if let Some(same) = running.values().find(|other| other.kind == new.kind && other.model == new.model) {
            return Ok(Begun::Already(same.changes.borrow().clone()));
        }
        let model = new.model.to_owned();
        running.insert(job.id, Running { kind: new.kind, model, cancel: cancel.clone(), changes });
    }
    let work = Work { app: app.clone(), id: job.id, cancel, told };
    app.store.put_job(&job.kept()).await?;
    Ok(Begun::New(work))
}

/// How a job ends.
#[derive(Debug)]
pub(crate) enum End {
    Succeeded,
    Cancelled,
    Failed(JobError),
}

impl End {
    /// The server stopped, or was stopped, while it ran.
    pub(crate) fn interrupted() -> Self {
        let message = "the server stopped while this ran: start it again; a pull goes on from where it was";
        Self::Failed(JobError { code: "interrupted".to_owned(), message: message.to_owned() })
    }
}

/// The right to work on a job, and the duty to say how it goes.
pub(crate) struct Work {
    app: Arc<App>,
    id: JobId,
    cancel: CancellationToken,
    told: watch::Sender<JobRecord>,
}

impl Work {
    /// The job as it is now.
    pub(crate) fn job(&self) -> JobRecord {
        self.told.borrow().clone()
    }

    pub(crate) const fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Resolves when the work must stop, with the end that this makes.
    pub(crate) async fn stopped(&self) -> End {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => End::Cancelled,
            () = self.app.jobs.closing.cancelled() => End::interrupted(),
        }
    }

    /// Says how far it is.
    pub(crate) async fn tell(&self, stage: &str, progress: f64) {
        let mut job = self.job();
        (job.stage, job.progress, job.updated_at) = (Some(stage.to_owned()), progress, self.app.now());
        self.write(job).await;
    }

    /// Says how it ended.
    pub(crate) async fn end(self, end: End) {
        let mut job = self.job();
        job.end(end, self.app.now());
        self.write(job).await;
    }

    /// The state first: whoever hears of a change reads it there too.
    async fn write(&self, job: JobRecord) {
        if let Err(error) = self.app.store.put_job(&job.kept()).await {
            tracing::error!(job = %self.id, %error, "how far a job is could not be kept");
        }
        self.told.send_replace(job);
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.app.jobs.lock().remove(&self.id);
    }
}
