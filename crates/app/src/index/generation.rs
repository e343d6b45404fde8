//! A generation of the index: one folder, made by one embedding model, true to one history of epochs.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::PublicDocuments;
use knowledge::KnowledgeError;
use knowledge::index::{Index, PassageKey};
use knowledge::lexical::{self, LexicalHit};
use knowledge::vectors::{Allowed, Neighbour, VectorShape};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::error::AppError;

/// Numbers in a vector of the default embedding model.
const DIMENSIONS: usize = 384;
/// What a generation was made from, in its folder.
const BASIS: &str = "basis.json";
/// Counts what is cut and how: a generation of another count is not continued.
const FORMAT: u32 = 1;

/// What a generation was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Basis {
    format: u32,
    model: String,
    /// An epoch that no part is ahead of, and the hash of the epoch log there: of another history, nothing holds.
    epoch: u64,
    hash: Option<String>,
    /// The hash of the policies that said what may be in it.
    #[serde(default)]
    policies: Option<String>,
}

/// One folder.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) index: Index,
    pub(super) model: String,
    pub(super) folder: PathBuf,
    /// The hash of the policies that said what may be in it.
    policies: Mutex<Option<String>>,
}

/// The newest generation of a folder that is true to the records, and the one to come where that is of another model.
pub(super) async fn open(app: &App, folder: &Path, model: &str) -> Result<(Generation, Option<Generation>), AppError> {
    fs::create_dir_all(folder).map_err(|error| unusable(folder, &error))?;
    let mut found = None;
    for number in numbers(folder)? {
        let place = folder.join(number.to_string());
        match (found.is_none(), reopen(app, &place).await) {
            (true, Ok(Some(generation))) => found = Some(generation),
            (_, Err(error)) => {
                tracing::warn!(%error, "a generation of the index cannot be used: it is made again");
                remove(&place);
            }
            _ => remove(&place),
        }
    }
    match found {
        Some(generation) if generation.model == model => Ok((generation, None)),
        Some(generation) => {
            tracing::info!(from = generation.model, to = model, "another embedding model: the index is made again");
            Ok((generation, Some(begin(app, folder, model)?)))
        }
        None => Ok((begin(app, folder, model)?, None)),
    }
}

/// A new generation, empty.
pub(super) fn begin(app: &App, folder: &Path, model: &str) -> Result<Generation, AppError> {
    let number = numbers(folder)?.first().map_or(1, |newest| newest + 1);
    let place = folder.join(number.to_string());
    fs::create_dir_all(&place).map_err(|error| unusable(&place, &error))?;
    let policies = policies_of(app);
    let basis = Basis { format: FORMAT, model: model.to_owned(), epoch: 0, hash: None, policies };
    write(&place, &basis)?;
    make(&place, basis).map_err(AppError::from)
}

async fn reopen(app: &App, place: &Path) -> Result<Option<Generation>, AppError> {
    let read = fs::read(place.join(BASIS)).map_err(|error| unusable(place, &error))?;
    let damaged = |_| KnowledgeError::IndexDamaged { detail: format!("{BASIS} is not as it was written") };
    let basis: Basis = serde_json::from_slice(&read).map_err(damaged)?;
    let same_history = basis.epoch == 0 || app.store.epoch_hash(basis.epoch).await? == basis.hash;
    if basis.format != FORMAT || !same_history {
        return Ok(None);
    }
    let epoch = basis.epoch;
    let place = place.to_owned();
    let opened = tokio::task::spawn_blocking(move || make(&place, basis)).await;
    let generation = opened.map_err(|_| AppError::ShuttingDown)??;
    let ahead = generation.index.text.stamp().max(generation.index.vectors.stamp()) > epoch;
    Ok((!ahead).then_some(generation))
}

fn make(place: &Path, basis: Basis) -> Result<Generation, KnowledgeError> {
    let shape = VectorShape { dimensions: DIMENSIONS, model: basis.model.clone() };
    let (index, policies) = (Index::open(place, shape)?, Mutex::new(basis.policies));
    Ok(Generation { index, model: basis.model, folder: place.to_owned(), policies })
}

impl Generation {
    /// The passages with words of a question, best first, of the documents that are allowed, each with the share of the
    /// question that it has.
    pub(crate) fn text_ranking(
        &self,
        question: &str,
        allowed: &(dyn Fn(u32) -> bool + Sync),
        public: &(u64, PublicDocuments),
        limit: usize,
    ) -> Result<Vec<(PassageKey, f32)>, KnowledgeError> {
        let (generation, documents) = public;
        let contains = |slot: u32| documents.contains(slot);
        let public = lexical::PublicDocuments { generation: *generation, contains: &contains };
        let hits = self.index.text.search(question, allowed, &public, limit)?;
        let key =
            |hit: LexicalHit| (PassageKey { slot: hit.slot, version: hit.version, number: hit.number }, hit.share);
        Ok(hits.into_iter().map(key).collect())
    }

    /// The passages nearest to the vector of a question, nearest first, of the documents that are allowed.
    pub(crate) fn vector_ranking(
        &self,
        question: &[f32],
        allowed: &(dyn Fn(u32) -> bool + Sync),
        limit: usize,
    ) -> Result<Vec<PassageKey>, KnowledgeError> {
        let near = self.index.vectors.search(question, &Allowed::of(&allowed), limit)?;
        let key = |near: Neighbour| PassageKey { slot: near.slot, version: near.version, number: near.number };
        Ok(near.into_iter().map(key).collect())
    }

    /// Which it is: the name of its folder.
    pub(super) fn number(&self) -> u64 {
        self.folder.file_name().and_then(|name| name.to_str()?.parse().ok()).unwrap_or_default()
    }

    /// Says durably that parts may be up to this epoch from now on.
    pub(super) async fn base_on(&self, app: &App, epoch: u64) -> Result<(), AppError> {
        let (hash, policies) = (app.store.epoch_hash(epoch).await?, self.policies().clone());
        write(&self.folder, &Basis { format: FORMAT, model: self.model.clone(), epoch, hash, policies })
    }

    /// Whether the policies in force are those that said what may be in it.
    pub(super) fn is_true_to_policies(&self, app: &App) -> bool {
        *self.policies() == policies_of(app)
    }

    /// The policies in force say the same of what may be in it.
    pub(super) fn keep_to_policies(&self, app: &App) {
        *self.policies() = policies_of(app);
    }

    fn policies(&self) -> MutexGuard<'_, Option<String>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn policies_of(app: &App) -> Option<String> {
    app.snapshot().policies().hash().map(str::to_owned)
}

/// The numbers of the generations in a folder, newest first.
fn numbers(folder: &Path) -> Result<Vec<u64>, AppError> {
    let entries = fs::read_dir(folder).map_err(|error| unusable(folder, &error))?;
    let number = |entry: std::io::Result<fs::DirEntry>| entry.ok()?.file_name().to_str()?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    Ok(numbers)
}

fn write(place: &Path, basis: &Basis) -> Result<(), AppError> {
    let written = || -> std::io::Result<()> {
        let (file, temporary) = (place.join(BASIS), place.join("basis.json.new"));
        let mut new = fs::File::create(&temporary)?;
        new.write_all(&serde_json::to_vec(basis)?)?;
        new.sync_all()?;
        fs::rename(&temporary, &file)?;
        fs::File::open(place)?.sync_all()
    };
    written().map_err(|error| unusable(place, &error))
}

/// Removes a generation that serves nobody any more.
pub(super) fn remove(place: &Path) {
    if let Err(error) = fs::remove_dir_all(place) {
        tracing::warn!(%error, "an old generation of the index could not be removed: its folder only takes room");
    }
}

fn unusable(_place: &Path, error: &std::io::Error) -> AppError {
    KnowledgeError::IndexUnusable { detail: error.to_string() }.into()
}
