//! Pulling a model as a background job.

use std::pin::pin;
use std::sync::Arc;

use access::Caller;
use tokio::sync::watch;
use weights::pull::OnProgress;
use weights::{Progress, Stage};

use super::{Stock, find, keep_act, unknown};
use crate::app::App;
use crate::error::AppError;
use crate::jobs::{self, Begun, End, JobError, JobRecord, NewJob, Work};

/// The kind of these jobs.
pub(super) const KIND: &str = "pull";
/// The part of a pull that is fetching and extracting; hashing and converting are the rest.
const FETCHED: f64 = 0.9;
const CONVERTING: f64 = 0.95;
/// Smaller steps are not told.
const STEP: f64 = 0.01;

/// Begins to pull a model, unless that is being done already; gives the job.
///
/// # Errors
/// Not found, an imported model that has no source, or the state cannot be written.
pub async fn pull(app: &Arc<App>, caller: &Caller, name: &str) -> Result<JobRecord, AppError> {
    let stock = app.stock.as_ref().ok_or_else(|| unknown(name))?;
    if find(stock, name).await?.entry.is_none() {
        let message =
            format!("model '{name}' was imported from a file and has no source: add it to registry.toml first");
        return Err(AppError::Conflict { message, code: "no_source" });
    }
    let new = NewJob { kind: KIND, model: name, owner: caller.principal() };
    let work = match jobs::begin(app, new).await? {
        Begun::Already(job) => return Ok(job),
        Begun::New(work) => work,
    };
    let job = work.job();
    if let Err(error) = keep_act(app, caller, "pull_model", vec![name.to_owned(), job.id.to_string()]).await {
        work.end(End::Failed(JobError::of(&error, job.id))).await;
        return Err(error);
    }
    let (stock, name) = (stock.clone(), name.to_owned());
    app.tasks.spawn(async move {
        let end = fetch(&stock, &name, &work).await;
        work.end(end).await;
    });
    Ok(job)
}

async fn fetch(stock: &Stock, name: &str, work: &Work) -> End {
    let (told, mut heard) = watch::channel((Stage::Locating, 0.0));
    let hear: OnProgress = Arc::new(move |progress| {
        told.send_if_modified(|mark| advance(mark, &progress));
    });
    let mut pulling = pin!(stock.folder.pull(name, &stock.network, work.app().now(), hear));
    loop {
        tokio::select! {
            biased;
            end = work.stopped() => return end,
            pulled = &mut pulling => return match pulled {
                Ok(_) => End::Succeeded,
                Err(error) => End::Failed(JobError::of(&error.into(), work.job().id)),
            },
            Ok(()) = heard.changed() => {
                let (stage, progress) = *heard.borrow_and_update();
                work.tell(stage_name(stage), progress).await;
            }
        }
    }
}

/// Moves the mark where that is worth telling. Another source begins anew; the mark does not go back for it.
fn advance(mark: &mut (Stage, f64), progress: &Progress) -> bool {
    let done = match progress.stage {
        Stage::Locating | Stage::Fetching | Stage::Extracting => FETCHED * progress.fraction(),
        Stage::Verifying => FETCHED,
        Stage::Converting => CONVERTING,
    };
    let next = (progress.stage, done.max(mark.1));
    let worth = next.0 != mark.0 || next.1 - mark.1 >= STEP;
    if worth {
        *mark = next;
    }
    worth
}

const fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Locating => "locating",
        Stage::Fetching => "fetching",
        Stage::Extracting => "extracting",
        Stage::Verifying => "verifying",
        Stage::Converting => "converting",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_never_goes_back_and_small_steps_are_not_told() {
        let mut mark = (Stage::Locating, 0.0);
        let mut tell = |stage, done| (advance(&mut mark, &Progress::new(stage, done, Some(1_000))), mark.1);
        assert_eq!(tell(Stage::Fetching, 500), (true, 0.45));
        assert_eq!(tell(Stage::Fetching, 505), (false, 0.45));
        assert_eq!(tell(Stage::Fetching, 0), (false, 0.45), "another source begins anew");
        assert_eq!(tell(Stage::Fetching, 1_000), (true, 0.9));
        assert_eq!(tell(Stage::Verifying, 0), (true, 0.9));
        assert_eq!(tell(Stage::Converting, 0), (true, 0.95));
        assert_eq!(tell(Stage::Verifying, 1_000), (true, 0.95));
    }
}
