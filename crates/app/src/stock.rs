//! The models of this machine: those that are installed and those that can be pulled; pulling one as a background job;
//! removing one that nothing uses.

mod pull;

use std::collections::BTreeSet;

use access::{Access, Caller};
use domain::{JobId, Role, Timestamp};
use models::{ModelsError, UpstreamState};
use serde::Serialize;
use serde_json::Value;
use store::NewAct;
use utoipa::ToSchema;
use weights::registry::check_name;
use weights::{Kind, Model, ModelFolder, Network, WeightsError};

use crate::app::App;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::listing::{Listing, Slice};

pub use pull::pull;

/// The folder of models, and what may be used of the network to fill it.
#[derive(Debug, Clone)]
pub struct Stock {
    folder: ModelFolder,
    network: Network,
    defaults: Vec<String>,
}

impl Stock {
    /// `defaults` are the names that this installation uses where none is given.
    #[must_use]
    pub const fn new(folder: ModelFolder, network: Network, defaults: Vec<String>) -> Self {
        Self { folder, network, defaults }
    }

    /// The records of the installed models by name, as JSON: where each came from.
    pub(crate) fn records(&self) -> Vec<(String, Vec<u8>)> {
        let models = self.folder.list().unwrap_or_default().into_iter();
        let record = |model: weights::Model| Some((model.name, serde_json::to_vec_pretty(&model.installed?).ok()?));
        models.filter_map(record).collect()
    }
}

/// Where a model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// It can be pulled.
    Available,
    /// A job pulls it now.
    Pulling,
    /// It is here.
    Installed,
    /// What is here cannot be used: pull or import it again.
    Damaged,
}

/// A model of this machine. Size and sha256 are those of the installed file, else of the file that is offered.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ModelRecord {
    /// Its name.
    pub name: String,
    /// What it is for: `chat` or `embedding`.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// Where it stands.
    pub state: ModelState,
    /// Whether it is used where no model is named.
    pub default: bool,
    /// Whether an engine answers with it now.
    pub loaded: bool,
    /// What it is good for, in a sentence.
    pub about: Option<String>,
    /// Who made it.
    pub publisher: Option<String>,
    /// Its licence; `unknown` where nobody said.
    pub licence: Option<String>,
    /// The file's size, bytes.
    pub size_bytes: Option<u64>,
    /// The file's sha256, hexadecimal.
    pub sha256: Option<String>,
    /// Tokens it can read.
    pub context_length: Option<u64>,
    /// Whether it can be pulled.
    pub can_be_pulled: bool,
    /// Whether the file comes, or came, from somebody else than the publisher.
    pub unofficial: Option<bool>,
    /// Where the installed file came from; for operators.
    pub source: Option<String>,
    /// When it was installed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub installed_at: Option<Timestamp>,
    /// What is wrong with what is here; for operators.
    pub fault: Option<String>,
    /// The job that pulls it now.
    #[schema(value_type = Option<String>)]
    pub job: Option<JobId>,
}

/// The models that are here or can be pulled, by name.
///
/// # Errors
/// The listing is wrong, or the models folder cannot be read.
pub async fn list(app: &App, asker: &Asker, listing: &Listing) -> Result<Slice<ModelRecord>, AppError> {
    let limit = listing.limit()? as usize;
    let after = listing.after.clone().unwrap_or_default();
    let Some(stock) = visible(app, &asker.caller) else { return Ok(Slice { data: Vec::new(), has_more: false }) };
    let folder = stock.folder.clone();
    let mut found = on_disk(move || folder.list()).await?;
    found.retain(|model| model.name > after);
    found.sort_by(|a, b| a.name.cmp(&b.name));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let loaded = loaded(app);
    let record = |model| record(app, stock, &asker.caller, &loaded, model);
    Ok(Slice { data: found.into_iter().map(record).collect(), has_more })
}

/// One of them.
///
/// # Errors
/// Not found, or the models folder cannot be read.
pub async fn show(app: &App, asker: &Asker, name: &str) -> Result<ModelRecord, AppError> {
    let stock = visible(app, &asker.caller).ok_or_else(|| unknown(name))?;
    let model = find(stock, name).await?;
    Ok(record(app, stock, &asker.caller, &loaded(app), model))
}

/// Removes the file of an installed model.
///
/// # Errors
/// Not found, not installed, in use by an engine, being pulled, or the folder cannot be written.
pub async fn remove(app: &App, caller: &Caller, name: &str) -> Result<(), AppError> {
    let stock = app.stock.as_ref().ok_or_else(|| unknown(name))?;
    let model = find(stock, name).await?;
    if app.jobs.on_model(pull::KIND, name).is_some() {
        return Err(WeightsError::Busy { name: name.to_owned() }.into());
    }
    if model.installed.is_none() && model.fault.is_none() {
        let message = format!("model '{name}' is not installed: there is nothing to remove");
        return Err(AppError::Conflict { message, code: "not_installed" });
    }
    let (folder, removed) = (stock.folder.clone(), name.to_owned());
    on_disk(move || folder.remove(&removed)).await?;
    keep_act(app, caller, "remove_model", vec![name.to_owned()]).await
}

async fn keep_act(app: &App, caller: &Caller, verb: &str, ids: Vec<String>) -> Result<(), AppError> {
    let act = NewAct { actor: Some(caller.actor()), verb: verb.to_owned(), ids, detail: Value::Null };
    Ok(app.store.add_act(act).await?)
}

/// The stock, for whoever keeps it or may use base models; for others there is none.
fn visible<'a>(app: &'a App, caller: &Caller) -> Option<&'a Stock> {
    let may =
        caller.has(Role::Operator) || Access::of(&app.snapshot(), caller, None, app.now()).use_of_base_models().allowed;
    app.stock.as_ref().filter(|_| may)
}

async fn find(stock: &Stock, name: &str) -> Result<Model, AppError> {
    // What cannot name a model names none.
    check_name(name).map_err(|_| unknown(name))?;
    let (folder, wanted) = (stock.folder.clone(), name.to_owned());
    match on_disk(move || folder.show(&wanted)).await {
        Err(AppError::Weights(WeightsError::Unknown { .. })) => Err(unknown(name)),
        found => found,
    }
}

fn unknown(name: &str) -> AppError {
    ModelsError::UnknownModel { name: name.to_owned() }.into()
}

/// Names of the models with which engines of this machine answer now.
fn loaded(app: &App) -> BTreeSet<String> {
    let ready = app.models.snapshots().into_iter().filter(|snapshot| snapshot.state == UpstreamState::Ready);
    let embedded = ready.filter(|snapshot| app.models.config(&snapshot.name).is_ok_and(|config| config.is_embedded()));
    embedded.flat_map(|snapshot| snapshot.models).collect()
}

fn record(app: &App, stock: &Stock, caller: &Caller, loaded: &BTreeSet<String>, model: Model) -> ModelRecord {
    let Model { name, kind, entry, installed, fault } = model;
    let (entry, installed) = (entry.as_ref(), installed.as_ref());
    let job = app.jobs.on_model(pull::KIND, &name).map(|job| job.id);
    let state = match (&job, &fault, installed) {
        (Some(_), ..) => ModelState::Pulling,
        (None, Some(_), _) => ModelState::Damaged,
        (None, None, Some(_)) => ModelState::Installed,
        (None, None, None) => ModelState::Available,
    };
    // Paths of this machine are for those who keep it.
    let keeps = caller.has(Role::Operator);
    ModelRecord {
        default: stock.defaults.contains(&name),
        loaded: loaded.contains(&name),
        about: entry.map(|entry| entry.about.clone()).filter(|about| !about.is_empty()),
        publisher: entry.and_then(|entry| entry.publisher.clone()),
        licence: installed.map(|found| &found.licence).or(entry.map(|entry| &entry.licence)).cloned(),
        size_bytes: installed.map(|found| found.bytes).or(entry.map(|entry| entry.bytes)),
        sha256: installed.map(|found| &found.sha256).or(entry.map(|entry| &entry.sha256)).cloned(),
        context_length: installed.map(|found| found.context_length).or(entry.map(|entry| entry.context_length)),
        can_be_pulled: entry.is_some(),
        unofficial: installed.map(|found| found.unofficial).or(entry.map(weights::Entry::is_unofficial)),
        source: installed.map(|found| found.source.clone()).filter(|_| keeps),
        installed_at: installed.map(|found| found.installed_at),
        fault: fault.filter(|_| keeps),
        name,
        kind,
        state,
        job,
    }
}

/// Runs work that waits for a disk away from the tasks that answer people.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, WeightsError> + Send + 'static,
) -> Result<T, AppError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        // Only the end of the runtime cuts it off.
        Err(_) => Err(AppError::ShuttingDown),
    }
}
