//! What narrows a search besides rights: sources and attributes.

use std::collections::BTreeSet;

use access::{Snapshot, VisibleSet};
use domain::{AttributeValue, Attributes, SourceId};

use super::question::Question;
use crate::app::App;
use crate::error::AppError;

/// Which documents are looked at, of those that are visible.
pub(super) struct Narrowing {
    snapshot: Snapshot,
    sources: Option<BTreeSet<SourceId>>,
    attributes: Attributes,
}

impl Narrowing {
    /// Reads what narrows a question. A source counts as known where the asker sees a document of it: what is hidden is
    /// as unknown as what never was.
    pub(super) async fn of(app: &App, visible: &VisibleSet, question: &Question) -> Result<Self, AppError> {
        let snapshot = app.snapshot();
        let attributes = question.attributes.clone();
        let Some(wanted) = &question.sources else { return Ok(Self { snapshot, sources: None, attributes }) };
        let seen: BTreeSet<SourceId> = visible.ordinals().filter_map(|slot| snapshot.source_of(slot)).collect();
        let known = app.store.sources().await?;
        let mut sources = BTreeSet::new();
        for (place, name) in wanted.iter().enumerate() {
            let named = known.iter().find(|source| source.name == *name || source.id.to_string() == *name);
            let Some(source) = named.map(|source| source.id).filter(|source| seen.contains(source)) else {
                let message = "there is no source of this name with a document that you may read: leave it out";
                return Err(AppError::invalid(format!("sources[{place}]"), message));
            };
            sources.insert(source);
        }
        Ok(Self { snapshot, sources: Some(sources), attributes })
    }

    /// Whether a document is looked at.
    pub(super) fn takes(&self, slot: u32) -> bool {
        let is_from = |sources: &BTreeSet<SourceId>| {
            self.snapshot.source_of(slot).is_some_and(|source| sources.contains(&source))
        };
        self.sources.as_ref().is_none_or(is_from) && self.is_said_of(slot)
    }

    fn is_said_of(&self, slot: u32) -> bool {
        self.attributes.is_empty()
            || self.snapshot.attributes_of(slot).is_some_and(|said| {
                self.attributes.iter().all(|(name, wanted)| said.get(name).is_some_and(|said| meets(said, wanted)))
            })
    }
}

fn meets(said: &AttributeValue, wanted: &AttributeValue) -> bool {
    match (said, wanted) {
        (AttributeValue::SetOfString(said), AttributeValue::SetOfString(wanted)) => wanted.is_subset(said),
        (AttributeValue::SetOfString(said), AttributeValue::String(wanted)) => said.contains(wanted),
        _ => said == wanted,
    }
}
