//! Background jobs: what runs, how far it is, how it ended. The state outlives the process that works on it.

use std::str::FromStr;

use domain::{JobId, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::database::{Row, Sql, json, values};
use crate::error::StoreError;
use crate::store::{Page, Store, bounded};

/// A background job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does: `pull`, `import`, ...
    pub kind: String,
    /// Who asked for it; none for the installation itself.
    pub owner: Option<Principal>,
    /// Where it stands.
    pub state: JobState,
    /// What it is doing now.
    pub stage: Option<String>,
    /// How far it is, from 0 to 1; kept in millionths.
    pub progress: f64,
    /// What it was asked and what came of it, without content.
    pub detail: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits for its turn.
    Queued,
    /// It works.
    Running,
    /// A person has to agree.
    WaitingForApproval,
    /// It came to its end.
    Succeeded,
    /// It could not.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobState {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Running, Self::WaitingForApproval, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The name in JSON and in the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::WaitingForApproval => "waiting_for_approval",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

impl FromStr for JobState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

const SELECT: &str = "SELECT id, kind, owner, state, stage, progress_ppm, detail, created_at, updated_at FROM jobs";

impl Store {
    /// Writes a job, new or not; `created_at` of a job that is there stays. A job that is over stays as it is:
    /// answers whether it was written.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn put_job(&self, job: &Job) -> Result<bool, StoreError> {
        const PUT: &str = "INSERT INTO jobs \
            (id, kind, owner, state, stage, progress_ppm, detail, created_at, updated_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
            stage = excluded.stage, progress_ppm = excluded.progress_ppm, detail = excluded.detail, \
            updated_at = excluded.updated_at WHERE jobs.state NOT IN ('succeeded', 'failed', 'cancelled')";
        let Job { id, kind, owner, state, stage, progress, detail, created_at, updated_at } = job;
        let (kind, stage, detail) = (kind.as_str(), stage.clone(), json(detail)?);
        let progress = (progress.clamp(0.0, 1.0) * 1e6).round() as i64;
        let mut writing = self.database().write().await?;
        let values = values![*id, kind, *owner, state.as_str(), stage, progress, detail, *created_at, *updated_at];
        let written = writing.execute((PUT, values)).await?;
        writing.commit().await?;
        Ok(written > 0)
    }

    /// A job.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn job(&self, id: JobId) -> Result<Option<Job>, StoreError> {
        let mut select = Sql::from(SELECT);
        select.push(" WHERE id = ").bind(id);
        self.database().fetch_optional(select).await?.as_ref().map(job).transpose()
    }

    /// Jobs, newest first, older than `after`; of all states or of one.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn jobs(
        &self,
        state: Option<JobState>,
        after: Option<JobId>,
        limit: u32,
    ) -> Result<Page<Job>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from(SELECT);
        // Everything is later than the empty text.
        select.push(" WHERE id > ''");
        if let Some(state) = state {
            select.push(" AND state = ").bind(state.as_str());
        }
        if let Some(after) = after {
            select.push(" AND id < ").bind(after);
        }
        select.push(" ORDER BY id DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(job).collect::<Result<_, _>>()?, limit))
    }
}

fn job(row: &Row) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.parsed("id")?,
        kind: row.text("kind")?.to_owned(),
        owner: row.maybe_parsed("owner")?,
        state: row.text("state")?.parse().map_err(|()| row.damaged("state", &"not a state of a job"))?,
        stage: row.maybe_text("stage")?.map(str::to_owned),
        progress: row.number("progress_ppm")? as f64 / 1e6,
        detail: row.json("detail")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
