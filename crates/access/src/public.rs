//! Documents for `everyone`: the only ones that ranking statistics may come from (docs/access.md, rule 9).

use std::sync::Arc;

use domain::{ListToken, Token};
use roaring::RoaringBitmap;

use crate::classes::{ClassId, Classes, Projection};
use crate::persistent::Chunks;
use crate::snapshot::Snapshot;

/// The documents that everybody may read, at one epoch: their list allows `everyone` and denies nobody, and policies see
/// nothing of them by which they could tell people apart.
#[derive(Debug, Clone)]
pub struct PublicDocuments {
    classes: Arc<RoaringBitmap>,
    class_of: Chunks<u32>,
}

impl PublicDocuments {
    /// Whether the document of this ordinal is one of them.
    #[must_use]
    pub fn contains(&self, ordinal: u32) -> bool {
        self.class_of.get(ordinal as usize).is_some_and(|class| self.classes.contains(*class))
    }
}

impl Snapshot {
    /// The documents for `everyone`.
    #[must_use]
    pub fn public_documents(&self) -> PublicDocuments {
        let state = self.state();
        let classes = public_classes(&state.classes);
        PublicDocuments { classes: Arc::new(classes), class_of: state.documents.class_of().clone() }
    }
}

fn public_classes(classes: &Classes) -> RoaringBitmap {
    let everyone = classes.numbers(&[ListToken::Id(Token::Everyone)]);
    let allowed = everyone.first().and_then(|token| classes.allowing(*token));
    let Some(allowed) = allowed else { return RoaringBitmap::new() };
    let plain = Projection::default();
    let is_plain = |id: &u32| {
        let Some(class) = classes.get(ClassId(*id)) else { return false };
        let projection = classes.projections().get(class.projection as usize);
        !class.denies_somebody() && projection.is_none_or(|(projection, _)| **projection == plain)
    };
    let mut public: RoaringBitmap = (allowed - &**classes.unknown()).into_iter().filter(is_plain).collect();
    public.optimize();
    public
}
