//! Giving lists their classes. The tables that find a class by what it holds are the writer's alone; readers need none.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{AccessList, Attributes, ListToken, Quality, SourceId};
use roaring::RoaringBitmap;

use super::{Class, ClassId, Classes, Place, Projection};
use crate::directory::Directory;
use crate::documents::Documents;
use crate::persistent::Chunks;
use crate::policy::Policies;

/// What a class is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filing<'a> {
    pub(crate) source: SourceId,
    pub(crate) sensitivity: Option<&'a str>,
    pub(crate) list: &'a AccessList,
    pub(crate) attributes: &'a Attributes,
}

/// Finds what is there already.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    places: HashMap<(SourceId, Option<String>), u32>,
    projections: HashMap<Arc<Projection>, u32>,
    classes: HashMap<Arc<Class>, u32>,
    attributes: HashMap<Arc<Attributes>, u32>,
}

/// An index as a number. More than four thousand million of anything do not fit into memory here.
fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn add(bitmaps: &mut Chunks<Arc<RoaringBitmap>>, tokens: &[u32], class: u32) {
    for token in tokens {
        if let Some(bitmap) = bitmaps.get_mut(*token as usize) {
            Arc::make_mut(bitmap).insert(class);
        }
    }
}

impl Interner {
    /// The class of a list; a new one where there is none yet.
    pub(crate) fn class_of(
        &mut self,
        classes: &mut Classes,
        (directory, policies): (&Directory, &Policies),
        filing: Filing<'_>,
    ) -> ClassId {
        let place = self.place(classes, filing.source, filing.sensitivity);
        let mut tokens = classes.intern(&filing.list.allow);
        let allowed = number(tokens.len());
        tokens.extend(classes.intern(&filing.list.deny));
        let (tokens, quality) = (tokens.into_boxed_slice(), filing.list.quality);
        let projection = self.projection(classes, policies, place, filing.attributes);
        self.class(classes, directory, Class { place, projection, quality, allowed, tokens })
    }

    /// The class of the list of an older class, under other policies: `old` holds the classes of before.
    pub(crate) fn class_again(
        &mut self,
        (old, classes): (&Classes, &mut Classes),
        (directory, policies): (&Directory, &Policies),
        class: ClassId,
        attributes: &Attributes,
    ) -> ClassId {
        // INVARIANT: a document's class is always one of those of its generation.
        let Some(class) = old.get(class) else { return ClassId(u32::MAX) };
        let &Class { place, quality, allowed, ref tokens, .. } = class;
        let projection = self.projection(classes, policies, place, attributes);
        self.class(classes, directory, Class { place, projection, quality, allowed, tokens: tokens.clone() })
    }

    /// Forgets the classes and projections, and keeps tokens and places: the next generation begins.
    pub(crate) fn begin_again(&mut self, classes: &mut Classes) {
        self.projections.clear();
        self.classes.clear();
        let empty = |count: usize| (0..count).map(|_| Arc::default()).collect();
        let places = classes.places.iter().map(|place| Place { classes: Arc::default(), ..place.clone() }).collect();
        *classes = Classes {
            tokens: classes.tokens.clone(),
            token_of: classes.token_of.clone(),
            allow: empty(classes.tokens.len()),
            deny: empty(classes.tokens.len()),
            places,
            ..Classes::default()
        };
    }

    /// The number of a set of attributes.
    pub(crate) fn attributes(&mut self, documents: &mut Documents, attributes: Attributes) -> u32 {
        if let Some(known) = self.attributes.get(&attributes) {
            return *known;
        }
        let attributes = Arc::new(attributes);
        let new = documents.add_attributes(attributes.clone());
        self.attributes.insert(attributes, new);
        new
    }

    fn place(&mut self, classes: &mut Classes, source: SourceId, sensitivity: Option<&str>) -> u32 {
        let key = (source, sensitivity.map(str::to_owned));
        *self.places.entry(key).or_insert_with_key(|(source, sensitivity)| {
            let place = Place { source: *source, sensitivity: sensitivity.clone(), classes: Arc::default() };
            number(classes.places.push(place))
        })
    }

    fn projection(&mut self, classes: &mut Classes, policies: &Policies, place: u32, attributes: &Attributes) -> u32 {
        let place = classes.places.get(place as usize);
        let projection = Projection::of(
            policies,
            place.map(|place| place.source),
            place.and_then(|place| place.sensitivity.as_deref()),
            attributes,
        );
        if let Some(known) = self.projections.get(&projection) {
            return *known;
        }
        let projection = Arc::new(projection);
        let new = number(classes.projections.push((projection.clone(), Arc::default())));
        self.projections.insert(projection, new);
        new
    }

    fn class(&mut self, classes: &mut Classes, directory: &Directory, class: Class) -> ClassId {
        if let Some(known) = self.classes.get(&class) {
            return ClassId(*known);
        }
        let class = Arc::new(class);
        let new = classes.add(directory, class.clone());
        self.classes.insert(class, new);
        ClassId(new)
    }
}

impl Projection {
    /// What policies see of a document.
    pub(crate) fn of(
        policies: &Policies,
        source: Option<SourceId>,
        sensitivity: Option<&str>,
        attributes: &Attributes,
    ) -> Self {
        let names = policies.names();
        Self {
            attributes: policies.seen(attributes),
            source: source.filter(|_| names.source),
            sensitivity: sensitivity.filter(|_| names.sensitivity).map(str::to_owned),
        }
    }
}

impl Classes {
    /// The numbers of tokens, in order.
    fn intern<'t>(&mut self, tokens: impl IntoIterator<Item = &'t ListToken>) -> Vec<u32> {
        let mut numbers: Vec<u32> = tokens.into_iter().map(|token| self.token(token)).collect();
        numbers.sort_unstable();
        numbers
    }

    fn token(&mut self, token: &ListToken) -> u32 {
        if let Some(known) = self.token_of.get(token) {
            return *known;
        }
        let new = number(self.tokens.push(token.clone()));
        self.token_of.insert(token.clone(), new);
        self.allow.push(Arc::default());
        self.deny.push(Arc::default());
        new
    }

    fn add(&mut self, directory: &Directory, class: Arc<Class>) -> u32 {
        let new = number(self.classes.push(class.clone()));
        add(&mut self.allow, class.allow(), new);
        add(&mut self.deny, class.deny(), new);
        if let Some(place) = self.places.get_mut(class.place as usize) {
            Arc::make_mut(&mut place.classes).insert(new);
        }
        if let Some((_, bitmap)) = self.projections.get_mut(class.projection as usize) {
            Arc::make_mut(bitmap).insert(new);
        }
        if class.quality == Quality::Unknown || self.is_unknown(directory, &class) {
            Arc::make_mut(&mut self.unknown).insert(new);
        }
        self.journal.push(new);
        new
    }
}
