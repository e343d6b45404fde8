//! Documents of a source are read on a thread of its own, parsed in the child, and put some at a time.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use access::Listing;
use domain::DocumentId;
use knowledge::KnowledgeError;
use knowledge::parse::{Declared, clean_title};
use knowledge::source::{Entry, Item, ItemContent, Source, SyncPlan};
use store::{DocumentContent, KnownDocument, NewDocument, SourceRecord};
use tokio::sync::mpsc;

use crate::app::App;
use crate::error::AppError;

/// Documents in one transaction.
const AT_ONCE: usize = 50;
/// Documents that wait to be parsed: a file may be large.
const WAITING: usize = 2;

type Read = (String, Result<Item, KnowledgeError>);

/// Reads and puts what a plan says.
pub(super) async fn read(
    app: &Arc<App>,
    source: &SourceRecord,
    (reader, known): (&Source, &BTreeMap<String, KnownDocument>),
    plan: &SyncPlan<'_>,
) -> Result<(), AppError> {
    let wanted: Vec<Entry> = plan.to_relist.iter().chain(&plan.to_put).map(|entry| Entry::clone(entry)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let (sender, mut items) = mpsc::channel::<Read>(WAITING);
    let (reader, now) = (reader.clone(), app.now());
    let reading = tokio::task::spawn_blocking(move || {
        let wanted: Vec<&Entry> = wanted.iter().collect();
        reader.read(&wanted, now, &mut |entry, item| match sender.blocking_send((entry.external_id.clone(), item)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
    });
    let mut batch = Vec::new();
    while let Some((external_id, item)) = items.recv().await {
        let read = match item {
            Ok(item) => document(app, item, known.get(&external_id)).await,
            Err(error) => Err(error.into()),
        };
        match read {
            Ok(document) => batch.push(document),
            Err(error) => app.syncs.change(source.id, |state| state.failed(&external_id, &error)),
        }
        if batch.len() >= AT_ONCE {
            put(app, source, &mut batch).await?;
        }
    }
    put(app, source, &mut batch).await?;
    reading.await.map_err(|_| AppError::ShuttingDown)
}

async fn put(app: &Arc<App>, source: &SourceRecord, batch: &mut Vec<NewDocument>) -> Result<(), AppError> {
    let documents = std::mem::take(batch);
    let count = documents.len();
    if count > 0 {
        app.store.put_documents(None, source.id, documents).await?;
        app.syncs.change(source.id, |state| state.read += count as u64);
        app.documents_changed();
    }
    Ok(())
}

/// What is put of an item. A file whose time is older than that of what is known is the current one all the same: it is
/// put without a time, for one that is older changes nothing.
async fn document(app: &App, item: Item, known: Option<&KnownDocument>) -> Result<NewDocument, AppError> {
    let Item { external_id, title, content, url, updated_at, source_version, rights } = item;
    let (own_title, content) = match content {
        ItemContent::Text(text) => (None, DocumentContent { text, structure: None }),
        ItemContent::File { bytes, media_type, name } => {
            let parsed = app.parsers()?.parse(&bytes, &Declared { media_type, name: Some(name) }).await?;
            (parsed.title, DocumentContent { structure: serde_json::to_value(&parsed.blocks).ok(), text: parsed.text })
        }
    };
    let known_at = known.and_then(|known| known.updated_at);
    let updated_at = updated_at.filter(|at| known_at.is_none_or(|known| known <= *at));
    // What a document calls itself says more than the name of its file.
    let title = own_title.or_else(|| clean_title(&title)).unwrap_or_else(|| external_id.clone());
    Ok(NewDocument {
        id: DocumentId::from_uuid(app.ids.uuid(app.now())),
        external_id,
        title,
        content,
        url,
        updated_at,
        source_version: Some(source_version),
        listing: rights.access.map_or(Listing::SourceDefault, Listing::Given),
        sensitivity: rights.sensitivity,
        attributes: rights.attributes,
    })
}
