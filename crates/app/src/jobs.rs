//! Background jobs: what runs behind the door, how far it is, how it ended. A job is kept in the state and worked on by
//! this process alone; what a process that is gone left unfinished has failed, and says so.

mod work;

use access::Caller;
use domain::{JobId, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Job, JobState, NewAct, Store, StoreError};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::listing::{Listing, MAX_LIMIT, Slice};

pub(crate) use work::{Begun, End, Jobs, NewJob, Work, begin};

/// A background job.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JobRecord {
    /// Its id.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What it does: `pull`.
    pub kind: String,
    /// `queued`, `running`, `waiting_for_approval`, `succeeded`, `failed` or `cancelled`.
    #[schema(value_type = String)]
    pub state: JobState,
    /// What it is doing now.
    pub stage: Option<String>,
    /// How far it is, from 0 to 1; never goes back.
    pub progress: f64,
    /// The model it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
    /// Who asked for it; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub owner: Option<Principal>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JobError {
    /// The stable code: `offline`, `checksum_mismatch`, `interrupted`, ...
    pub code: String,
    /// What went wrong and what to do.
    pub message: String,
}

/// Which jobs are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only those in this state.
    pub state: Option<String>,
}

/// The part of a job that depends on its kind, as it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Detail {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<JobError>,
}

/// Jobs, newest first.
///
/// # Errors
/// The listing or the filter is wrong, or the state could not be read.
pub async fn list(app: &App, filter: &JobFilter, listing: &Listing) -> Result<Slice<JobRecord>, AppError> {
    let wrong = |()| {
        let states = "queued, running, waiting_for_approval, succeeded, failed or cancelled";
        AppError::invalid("state", format!("`state`: use {states}"))
    };
    let state = filter.state.as_deref().map(|state| state.parse().map_err(wrong)).transpose()?;
    let after = listing.after.as_deref().map(str::parse).transpose();
    let after =
        after.map_err(|_| AppError::invalid("after", "`after`: use the last id of the page before (job_...)"))?;
    let page = app.store.jobs(state, after, listing.limit()?).await?;
    Ok(Slice { data: page.data.into_iter().map(JobRecord::from).collect(), has_more: page.has_more })
}

/// One job.
///
/// # Errors
/// Not found, or the state could not be read.
pub async fn show(app: &App, id: &str) -> Result<JobRecord, AppError> {
    read(app, parse(id)?).await
}

/// Stops a job and gives it as it then is. What a pull has fetched so far is kept for the next one.
///
/// # Errors
/// Not found, over already, or the state could not be read or written.
pub async fn cancel(app: &App, caller: &Caller, id: &str) -> Result<JobRecord, AppError> {
    let id = parse(id)?;
    if let Some(mut changes) = app.jobs.cancel(id) {
        // Where its work broke off unsaid, the state says what is left to do.
        let _ = changes.wait_for(|job| job.state.is_over()).await;
    }
    withdraw(app, id).await?;
    let job = read(app, id).await?;
    if job.state != JobState::Cancelled {
        let message = format!("the job is over, it has {}: there is nothing left to cancel", job.state.as_str());
        return Err(AppError::Conflict { message, code: "job_over" });
    }
    let act = NewAct {
        actor: Some(caller.actor()),
        verb: "cancel_job".to_owned(),
        ids: vec![id.to_string()],
        detail: Value::Null,
    };
    app.store.add_act(act).await?;
    Ok(job)
}

/// A job and what becomes of it.
///
/// # Errors
/// Not found, or the state could not be read.
pub async fn follow(app: &App, id: &str) -> Result<JobChanges, AppError> {
    let id = parse(id)?;
    if let Some(mut changes) = app.jobs.changes(id) {
        changes.mark_changed();
        return Ok(JobChanges(changes));
    }
    let (_, mut changes) = watch::channel(read(app, id).await?);
    changes.mark_changed();
    Ok(JobChanges(changes))
}

/// A job as it is, then at each change, until it is over. Who reads slowly gets the newest and skips those between.
#[derive(Debug)]
pub struct JobChanges(watch::Receiver<JobRecord>);

impl JobChanges {
    /// The job at the next change; `None` once it is over.
    pub async fn next(&mut self) -> Option<JobRecord> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

/// Stops all work because the server stops: jobs end as failed, and say that they can be started again.
pub fn stop(app: &App) {
    app.jobs.close();
}

/// Marks what a server that is gone left unfinished. The caller holds the state, so nobody works on it any more.
pub(crate) async fn fail_interrupted(store: &Store, now: Timestamp) -> Result<(), StoreError> {
    for state in [JobState::Queued, JobState::Running] {
        loop {
            let left = store.jobs(Some(state), None, MAX_LIMIT).await?.data;
            if left.is_empty() {
                break;
            }
            for job in left {
                let mut job = JobRecord::from(job);
                job.end(End::interrupted(), now);
                store.put_job(&job.kept()).await?;
            }
        }
    }
    Ok(())
}

/// Cancels what nobody works on.
async fn withdraw(app: &App, id: JobId) -> Result<(), AppError> {
    let mut job = read(app, id).await?;
    if !job.state.is_over() {
        job.end(End::Cancelled, app.now());
        app.store.put_job(&job.kept()).await?;
    }
    Ok(())
}

async fn read(app: &App, id: JobId) -> Result<JobRecord, AppError> {
    app.store.job(id).await?.map(JobRecord::from).ok_or_else(AppError::not_found)
}

fn parse(id: &str) -> Result<JobId, AppError> {
    id.parse().map_err(|_| AppError::not_found())
}

impl JobRecord {
    fn end(&mut self, end: End, now: Timestamp) {
        (self.stage, self.updated_at) = (None, now);
        match end {
            End::Succeeded => (self.state, self.progress) = (JobState::Succeeded, 1.0),
            End::Cancelled => self.state = JobState::Cancelled,
            End::Failed(error) => (self.state, self.error) = (JobState::Failed, Some(error)),
        }
    }

    /// As the state keeps it.
    fn kept(&self) -> Job {
        let Self { id, kind, state, stage, progress, model, error, owner, created_at, updated_at } = self.clone();
        // Texts under fixed names: this cannot fail to be JSON.
        let detail = serde_json::to_value(Detail { model, error }).unwrap_or_default();
        Job { id, kind, owner, state, stage, progress, detail, created_at, updated_at }
    }
}

impl From<Job> for JobRecord {
    fn from(job: Job) -> Self {
        let Job { id, kind, owner, state, stage, progress, detail, created_at, updated_at } = job;
        let Detail { model, error } = serde_json::from_value(detail).unwrap_or_default();
        Self { id, kind, state, stage, progress, model, error, owner, created_at, updated_at }
    }
}

impl JobError {
    /// The public side of an error; what broke inside goes to the log.
    pub(crate) fn of(error: &AppError, job: JobId) -> Self {
        let code = error.code().to_owned();
        if error.kind() != domain::ErrorKind::Internal {
            return Self { code, message: error.to_string() };
        }
        tracing::error!(%job, %error, "a job failed");
        let message =
            format!("something went wrong on the server: its log says what, beside the id {job}; then try again");
        Self { code, message }
    }
}
