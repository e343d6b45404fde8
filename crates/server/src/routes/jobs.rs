//! `/api/v1/jobs`: what works in the background.

use std::sync::Arc;

use app::App;
use app::jobs::{self, JobChanges, JobFilter, JobRecord};
use app::listing::{Listing, Slice};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use serde::Deserialize;
use wire::sse;

use crate::caller::By;
use crate::error::Answer;
use crate::query::{Named, Parameters, from_text};
use crate::stream::{Frames, event_stream};

/// Which jobs are asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobParameters {
    /// Only those in this state: `queued`, `running`, `waiting_for_approval`, `succeeded`, `failed` or `cancelled`.
    state: Option<String>,
    /// How many at most: 1 to 1,000.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u32>,
    /// The last id of the page before.
    after: Option<String>,
}

/// List the jobs, newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "Jobs", params(JobParameters), responses((status = 200, body = Slice<JobRecord>))
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Parameters(JobParameters { state, limit, after }): Parameters<JobParameters>,
) -> Answer<Json<Slice<JobRecord>>> {
    Ok(Json(jobs::list(&app, &JobFilter { state }, &Listing { limit, after }).await?))
}

/// One job.
#[utoipa::path(
    get, path = "/api/v1/jobs/{job}", tag = "Jobs", params(("job" = String, Path)),
    responses((status = 200, body = JobRecord), (status = 404, description = "No such job"))
)]
pub(crate) async fn show(State(app): State<Arc<App>>, Named(job): Named) -> Answer<Json<JobRecord>> {
    Ok(Json(jobs::show(&app, &job).await?))
}

/// A job as it is, then at each change until it is over, as server-sent events.
#[utoipa::path(
    get, path = "/api/v1/jobs/{job}/events", tag = "Jobs", params(("job" = String, Path)),
    responses(
        (status = 200, body = JobRecord, content_type = "text/event-stream"), (status = 404, description = "No such job")
    )
)]
pub(crate) async fn events(State(app): State<Arc<App>>, Named(job): Named) -> Answer<Response> {
    Ok(event_stream(JobFrames(jobs::follow(&app, &job).await?)))
}

/// Cancel a job. What a pull has fetched so far is kept for the next one.
#[utoipa::path(
    post, path = "/api/v1/jobs/{job}/cancel", tag = "Jobs", params(("job" = String, Path)),
    responses(
        (status = 200, body = JobRecord), (status = 404, description = "No such job"),
        (status = 409, description = "It is over already")
    )
)]
pub(crate) async fn cancel(State(app): State<Arc<App>>, By(asker): By, Named(job): Named) -> Answer<Json<JobRecord>> {
    Ok(Json(jobs::cancel(&app, &asker.caller, &job).await?))
}

struct JobFrames(JobChanges);

impl Frames for JobFrames {
    async fn next(&mut self) -> Option<Bytes> {
        let job = self.0.next().await?;
        let mut frame = BytesMut::new();
        if let Err(error) = sse::data(&mut frame, &job) {
            tracing::error!(%error, "a job could not be written as JSON");
            return None;
        }
        Some(frame.freeze())
    }
}
