//! The full text follows the epochs: what was put is cut and found, what went is found no more.

use std::collections::BTreeSet;

use access::{Processing, Snapshot, open_to_process};
use domain::DocumentId;
use knowledge::language;
use knowledge::lexical::LexicalPassage;
use store::{IndexFailure, PassageText, StoredText};

use super::{Generation, cut};
use crate::app::App;
use crate::error::AppError;

/// Changes in one commit.
pub(super) const AT_ONCE: u32 = 200;

/// What is to be found of a document.
struct Cut {
    slot: u32,
    document: DocumentId,
    version: u32,
    title: String,
    language: Option<String>,
    passages: Vec<PassageText>,
}

/// Brings the full text forward by some changes. Answers whether there were any.
pub(super) async fn advance(app: &App, generation: &Generation) -> Result<bool, AppError> {
    let snapshot = app.snapshot();
    let Some((documents, through)) = changes(app, &snapshot, generation.index.text.stamp(), AT_ONCE).await? else {
        return Ok(false);
    };
    let processing = Processing::of(&snapshot, app.now());
    let mut cuts = Vec::new();
    for document in documents {
        let Some(slot) = snapshot.ordinal(document) else { continue };
        match cut_of(app, &processing, (document, slot)).await? {
            Some(cut) => cuts.push(cut),
            None => generation.index.text.remove(slot)?,
        }
    }
    let kept: Vec<_> = cuts.iter().map(|cut| (cut.document, cut.version, cut.passages.clone())).collect();
    app.store.keep_passages(&kept).await?;
    for cut in &cuts {
        put(generation, cut)?;
    }
    generation.base_on(app, through).await?;
    generation.index.text.commit(through)?;
    Ok(true)
}

/// The documents that changed after an epoch, and the epoch up to which these are all; none at the end. What the snapshot
/// does not know yet comes the next time.
pub(super) async fn changes(
    app: &App,
    snapshot: &Snapshot,
    after: u64,
    limit: u32,
) -> Result<Option<(BTreeSet<DocumentId>, u64)>, AppError> {
    let mut changes = app.store.changes_to_index(after, limit).await?;
    changes.retain(|change| change.epoch <= snapshot.epoch());
    let through = changes.last().map(|change| change.epoch);
    Ok(through.map(|through| (changes.into_iter().map(|change| change.document).collect(), through)))
}

/// The passages of a document as it is now; none where it is not to be found.
async fn cut_of(
    app: &App,
    processing: &Processing,
    (document, slot): (DocumentId, u32),
) -> Result<Option<Cut>, AppError> {
    let Some(sealed) = app.store.document_text(document).await? else { return Ok(None) };
    let Ok(opened) = open_to_process(processing, sealed) else {
        note_if_forbidden(app, document).await?;
        return Ok(None);
    };
    let StoredText { about, content } = opened.into_inner();
    let version = about.version;
    let kept = app.store.passages_of(document, version).await?;
    let kept = kept.and_then(|sealed| open_to_process(processing, sealed).ok());
    // A guess is better than none: words are found as they stand in any case, and by their stems where it is right.
    let language = language::detect(&format!("{}\n{}", about.about.title, content.text)).map(|language| language.code);
    // Cutting a long text takes a while, and the event loop has other work.
    let passages = match kept {
        Some(passages) => passages.into_inner(),
        None => {
            tokio::task::spawn_blocking(move || cut::passages(&content)).await.map_err(|_| AppError::ShuttingDown)?
        }
    };
    Ok(Some(Cut { slot, document, version, title: about.about.title, language, passages }))
}

/// A document that is there and may not be processed is told to whoever operates the index.
async fn note_if_forbidden(app: &App, document: DocumentId) -> Result<(), AppError> {
    let snapshot = app.snapshot();
    let is_live = snapshot.ordinal(document).and_then(|ordinal| snapshot.class_of(ordinal)).is_some();
    if let Some(version) = snapshot.version(document).filter(|_| is_live) {
        let failure = IndexFailure { document, version, code: "process_forbidden".to_owned() };
        app.store.note_index_failure(&failure).await?;
    }
    Ok(())
}

fn put(generation: &Generation, cut: &Cut) -> Result<(), AppError> {
    let passages: Vec<LexicalPassage<'_>> = (0..)
        .zip(&cut.passages)
        .map(|(number, passage)| LexicalPassage {
            number,
            title: &cut.title,
            headings: &passage.headings,
            text: &passage.text,
        })
        .collect();
    generation.index.text.put(cut.slot, cut.version, cut.language.as_deref(), &passages)?;
    Ok(())
}
