//! Audience classes: every decision is made per class, never per document.
//!
//! - A class holds a list as it was given. Who its tokens mean is asked of the directory; all that is kept of the answer
//!   is which classes are `unknown` now.
//! - **Invariant:** within one generation a class keeps its id, and every class that is new, or whose `unknown` changed,
//!   stands in the journal from then on: whoever knows the classes up to a place in it needs to look only at the rest.

mod intern;

use std::sync::Arc;

use domain::{AccessList, Attributes, ListToken, Quality, SourceId};
use roaring::RoaringBitmap;

use crate::directory::Directory;
use crate::list::Standing;
use crate::persistent::{Chunks, Shards};

pub(crate) use intern::{Filing, Interner};

/// An audience class within one generation of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassId(pub(crate) u32);

/// A list as numbers: what is allowed, then what is denied, each in order.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Class {
    pub(crate) place: u32,
    pub(crate) projection: u32,
    pub(crate) quality: Quality,
    allowed: u32,
    tokens: Box<[u32]>,
}

/// Where documents come from and how sensitive they are: what freshness depends on.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) source: SourceId,
    pub(crate) sensitivity: Option<String>,
    pub(crate) classes: Arc<RoaringBitmap>,
}

/// What policies see of a document, and nothing else of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Projection {
    pub(crate) attributes: Attributes,
    pub(crate) source: Option<SourceId>,
    pub(crate) sensitivity: Option<String>,
}

/// All classes of one generation, with the bitmaps that find them. A copy shares what it can.
#[derive(Debug, Clone)]
pub(crate) struct Classes {
    tokens: Chunks<ListToken>,
    token_of: Shards<ListToken, u32>,
    classes: Chunks<Arc<Class>>,
    allow: Chunks<Arc<RoaringBitmap>>,
    deny: Chunks<Arc<RoaringBitmap>>,
    unknown: Arc<RoaringBitmap>,
    places: Chunks<Place>,
    projections: Chunks<(Arc<Projection>, Arc<RoaringBitmap>)>,
    journal: Chunks<u32>,
}

impl Default for Classes {
    fn default() -> Self {
        Self {
            tokens: Chunks::default(),
            token_of: Shards::new(1024),
            classes: Chunks::default(),
            allow: Chunks::default(),
            deny: Chunks::default(),
            unknown: Arc::default(),
            places: Chunks::default(),
            projections: Chunks::default(),
            journal: Chunks::default(),
        }
    }
}

impl Class {
    fn allow(&self) -> &[u32] {
        self.tokens.get(..self.allowed as usize).unwrap_or_default()
    }

    fn deny(&self) -> &[u32] {
        self.tokens.get(self.allowed as usize..).unwrap_or_default()
    }

    pub(crate) fn denies_somebody(&self) -> bool {
        !self.deny().is_empty()
    }

    /// Whether it allows one of these tokens and denies none; both in order.
    pub(crate) fn lists(&self, reach: &[u32]) -> bool {
        let meets = |tokens: &[u32]| reach.iter().any(|token| tokens.binary_search(token).is_ok());
        meets(self.allow()) && !meets(self.deny())
    }
}

impl Classes {
    /// How many classes there are; garbage of lists that were replaced included.
    pub(crate) const fn len(&self) -> usize {
        self.classes.len()
    }

    /// How far the journal goes.
    pub(crate) const fn journal_end(&self) -> usize {
        self.journal.len()
    }

    /// The classes that are to be looked at again since a place in the journal.
    pub(crate) fn changed_since(&self, place: usize) -> impl Iterator<Item = ClassId> {
        self.journal.since(place).map(|class| ClassId(*class))
    }

    pub(crate) fn get(&self, class: ClassId) -> Option<&Class> {
        self.classes.get(class.0 as usize).map(|class| &**class)
    }

    pub(crate) fn place(&self, class: &Class) -> Option<&Place> {
        self.places.get(class.place as usize)
    }

    pub(crate) fn places(&self) -> &Chunks<Place> {
        &self.places
    }

    pub(crate) fn projections(&self) -> &Chunks<(Arc<Projection>, Arc<RoaringBitmap>)> {
        &self.projections
    }

    pub(crate) const fn unknown(&self) -> &Arc<RoaringBitmap> {
        &self.unknown
    }

    /// The numbers of these tokens, in order. Tokens that no list names have none.
    pub(crate) fn numbers<'t>(&self, names: impl IntoIterator<Item = &'t ListToken>) -> Vec<u32> {
        let mut numbers: Vec<_> = names.into_iter().filter_map(|name| self.token_of.get(name)).copied().collect();
        numbers.sort_unstable();
        numbers
    }

    pub(crate) fn allowing(&self, token: u32) -> Option<&RoaringBitmap> {
        self.allow.get(token as usize).map(|classes| &**classes)
    }

    pub(crate) fn denying(&self, token: u32) -> Option<&RoaringBitmap> {
        self.deny.get(token as usize).map(|classes| &**classes)
    }

    /// What the list of a class says of those who answer to these numbers.
    pub(crate) fn standing(&self, id: ClassId, class: &Class, reach: &[u32]) -> Standing {
        let on = |tokens: &[u32]| {
            let met = reach.iter().filter(|token| tokens.binary_search(token).is_ok());
            met.filter_map(|token| self.tokens.get(*token as usize)).cloned().collect()
        };
        Standing {
            unknown: self.unknown.contains(id.0),
            empty: class.allow().is_empty(),
            allowed: on(class.allow()),
            denied: on(class.deny()),
        }
    }

    /// The list of a class, as it was given.
    pub(crate) fn list(&self, class: &Class) -> AccessList {
        let named =
            |tokens: &[u32]| tokens.iter().filter_map(|token| self.tokens.get(*token as usize)).cloned().collect();
        AccessList { allow: named(class.allow()), deny: named(class.deny()), quality: class.quality }
    }

    /// Asks again whether the classes that deny one of these are unknown: somebody answers to it now, or nobody any more.
    pub(crate) fn ask_again(&mut self, directory: &Directory, names: &[ListToken]) {
        let mut touched = RoaringBitmap::new();
        for number in self.numbers(names) {
            if let Some(denying) = self.denying(number) {
                touched |= denying;
            }
        }
        let flipped: Vec<u32> = touched.into_iter().filter(|class| self.flips(directory, *class)).collect();
        for class in flipped {
            let unknown = Arc::make_mut(&mut self.unknown);
            if !unknown.remove(class) {
                unknown.insert(class);
            }
            self.journal.push(class);
        }
    }

    fn flips(&self, directory: &Directory, id: u32) -> bool {
        let Some(class) = self.get(ClassId(id)) else { return false };
        self.is_unknown(directory, class) != self.unknown.contains(id)
    }

    fn is_unknown(&self, directory: &Directory, class: &Class) -> bool {
        let strange =
            |token: &u32| self.tokens.get(*token as usize).is_none_or(|name| directory.resolve(name).is_none());
        class.quality == Quality::Unknown || class.deny().iter().any(strange)
    }
}
