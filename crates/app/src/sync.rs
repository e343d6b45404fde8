//! Sources that this server reads by itself are brought to the present: what is there now is compared with what is known,
//! what lost readers is narrowed first, what is gone is retired, then the rest is read.
//!
//! INVARIANT: a sync that breaks off anywhere lets nobody see what they could not see before and may not see now.

mod follow;
mod read;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use access::Caller;
use domain::Timestamp;
use knowledge::KnowledgeError;
use knowledge::source::{Inventory, Known, Rights, Source, SyncPlan};
use store::{DocumentRights, KnownDocument, SourceKind, SourceRecord};

use crate::app::App;
use crate::error::AppError;
use crate::sources;

pub use follow::follow;
pub use state::{SyncFlaw, SyncStage, SyncState, Syncs};

/// Amendments in one transaction.
const AT_ONCE: usize = 500;

/// Begins to bring a source to the present, unless that is going on already.
///
/// # Errors
/// There is no such source, or an application sends its documents.
pub async fn begin(app: &App, caller: &Caller, source: &str) -> Result<SyncState, AppError> {
    let source = sources::find(app, caller, source).await?;
    if source.kind == SourceKind::Push {
        let message = "an application sends the documents of this source: there is nothing to read".to_owned();
        return Err(AppError::Conflict { message, code: "source_is_pushed" });
    }
    app.syncs.wake(source.id);
    Ok(app.syncs.of(source.id))
}

/// The reader of a source.
pub(crate) fn reader(kind: SourceKind, config: Option<&serde_json::Value>) -> Result<Source, KnowledgeError> {
    Source::from_settings(kind.as_str(), config.cloned().unwrap_or_else(|| serde_json::json!({})))
}

/// Brings a source to the present; what became of it stands in its state.
pub(crate) async fn run(app: &Arc<App>, source: &SourceRecord) {
    let turn = app.syncs.turn(source.id);
    let _turn = turn.lock().await;
    let is_there = app.store.sources().await.is_ok_and(|sources| sources.iter().any(|there| there.id == source.id));
    if !is_there {
        return;
    }
    app.syncs.change(source.id, |state| state.begin(app.now()));
    let ended = steps(app, source).await;
    if let Err(error) = &ended {
        tracing::warn!(source = source.name, code = error.code(), %error, "a source could not be brought to the present");
    }
    app.syncs.change(source.id, |state| state.end(app.now(), ended.err()));
}

async fn steps(app: &Arc<App>, source: &SourceRecord) -> Result<(), AppError> {
    let reader = reader(source.kind, source.config.as_ref())?;
    let inventory = list(&reader, app.now()).await?;
    let known = app.store.known_documents(source.id).await?;
    let before: BTreeMap<String, Known> = known.iter().map(|(id, known)| (id.clone(), as_put(known))).collect();
    let plan = SyncPlan::new(&before, &inventory);
    app.syncs.change(source.id, |state| state.planned(&plan, &inventory));
    narrow(app, source, &known, &plan).await?;
    app.documents_changed();
    read::read(app, source, (&reader, &known), &plan).await?;
    app.documents_changed();
    Ok(())
}

/// Listing blocks.
async fn list(reader: &Source, now: Timestamp) -> Result<Inventory, AppError> {
    let reader = reader.clone();
    let listed = tokio::task::spawn_blocking(move || reader.list(now)).await;
    Ok(listed.map_err(|_| AppError::ShuttingDown)??)
}

fn as_put(known: &KnownDocument) -> Known {
    let KnownDocument { source_version, access, sensitivity, attributes, .. } = known.clone();
    Known { source_version: source_version.unwrap_or_default(), rights: Rights { access, sensitivity, attributes } }
}

/// What loses readers does so before anything else, then what is gone goes.
async fn narrow(
    app: &App,
    source: &SourceRecord,
    known: &BTreeMap<String, KnownDocument>,
    plan: &SyncPlan<'_>,
) -> Result<(), AppError> {
    let id = |external_id: &str| known.get(external_id).map(|known| known.document);
    let narrowed = plan.to_narrow_first.iter().filter_map(|narrowing| {
        let listing = access::Listing::Given(narrowing.list.clone());
        Some((id(narrowing.external_id)?, DocumentRights::List { listing }))
    });
    let retired = plan
        .to_retire
        .iter()
        .filter_map(|external_id| Some((id(external_id)?, DocumentRights::Retire { tombstone: source.on_delete })));
    let rights: Vec<_> = narrowed.chain(retired).collect();
    for part in rights.chunks(AT_ONCE) {
        app.store.set_rights_of(None, source.id, part.to_vec()).await?;
    }
    Ok(())
}
