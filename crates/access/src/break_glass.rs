//! Break-glass over documents (docs/access.md, rule 6). It opens a document to one person although its list does not, and is
//! no part of any audience class: what a person finds, counts or is suggested stays what lists say.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Action, BreakGlass, BreakGlassId, DocumentId, Principal, Timestamp};

/// Every break-glass that was approved and not ended, by document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Glasses {
    /// INVARIANT: in the order of their ids, so that a decision names the same one whenever it is given again.
    by_document: BTreeMap<DocumentId, Vec<BreakGlass>>,
}

impl Glasses {
    pub(crate) fn give(&mut self, glass: &BreakGlass, documents: &BTreeSet<DocumentId>) {
        self.end(glass.id);
        for document in documents {
            let over = self.by_document.entry(*document).or_default();
            over.push(glass.clone());
            over.sort_by_key(|glass| glass.id);
        }
    }

    pub(crate) fn end(&mut self, id: BreakGlassId) {
        self.by_document.retain(|_, over| {
            over.retain(|glass| glass.id != id);
            !over.is_empty()
        });
    }

    /// Those over a document.
    pub(crate) fn over(&self, document: DocumentId) -> &[BreakGlass] {
        self.by_document.get(&document).map_or(&[], Vec::as_slice)
    }

    /// Whether this one is among them.
    pub(crate) fn holds(&self, id: BreakGlassId) -> bool {
        self.by_document.values().flatten().any(|glass| glass.id == id)
    }
}

/// The first that stands in for a list here.
pub(crate) fn opening(
    glasses: &[BreakGlass],
    principal: Principal,
    action: Action,
    at: Timestamp,
) -> Option<&BreakGlass> {
    glasses.iter().find(|glass| glass.opens(principal, action, at))
}

/// What a decision says of it: its id, who asked for it, and who agreed.
pub(crate) fn names(glass: &BreakGlass) -> Vec<String> {
    vec![glass.id.to_string(), glass.requested_by.to_string(), glass.approved_by.to_string()]
}
