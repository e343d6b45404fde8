//! A small collection for examples: documents by number in one source, and what its people may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{
    Access, AttributeKind, Caller, Change, Collection, Directory, Edit, Listing, OnBehalfOf, Policies, Snapshot,
    SourceStanding, VisibleSet, act_for, authenticate,
};
use domain::{AccessList, Action, Attributes, DocumentId, ListToken, Member, Principal, Rule, Scope, SourceId, Token};
use uuid::Uuid;

use crate::world::{directory, group, group_id, key, now, person, person_id, service, service_id};

pub(crate) fn document_id(number: u32) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_u128(u128::from(number) + 50_000))
}

pub(crate) fn source_id(number: u8) -> SourceId {
    SourceId::from_uuid(Uuid::from_u128(u128::from(number) + 60_000))
}

pub(crate) fn person_token(number: u8) -> ListToken {
    Token::Person(person_id(number)).into()
}

pub(crate) fn group_token(number: u8) -> ListToken {
    Token::Group(group_id(number)).into()
}

pub(crate) fn outside(external_id: &str) -> ListToken {
    ListToken::External { source: "local".to_owned(), external_id: external_id.to_owned() }
}

pub(crate) fn allow(tokens: &[ListToken]) -> AccessList {
    AccessList::allowing(tokens.iter().cloned())
}

pub(crate) fn everyone() -> AccessList {
    AccessList::allowing([Token::Everyone])
}

/// A collection that counts its epochs, and takes the present moment as given.
pub(crate) struct Shelf {
    pub(crate) collection: Collection,
    epoch: u64,
    pub(crate) purpose: Option<&'static str>,
    pub(crate) seconds: i64,
}

impl Shelf {
    /// Person 0 owns source 0, which does not age; people 1 and 2, service 1.
    pub(crate) fn new() -> Self {
        Self::with(Collection::new(Directory::default()))
    }

    pub(crate) fn with(collection: Collection) -> Self {
        let mut shelf = Self { collection, epoch: 0, purpose: None, seconds: 0 };
        for number in 0..3 {
            shelf.change(Change::PutPerson(person(number, true, false)));
        }
        shelf.change(Change::PutService(service(1, &[])));
        let owner = Principal::Person(person_id(0));
        let standing = SourceStanding { owner, default_list: None, live: false, reconciled_at: None };
        shelf.edit(Edit::PutSource(source_id(0), standing));
        shelf
    }

    pub(crate) fn edit(&mut self, edit: Edit) {
        self.epoch += 1;
        self.collection.apply(self.epoch, edit);
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.edit(Edit::Directory(change));
    }

    pub(crate) fn group(&mut self, number: u8, members: &[Member]) {
        self.change(Change::PutGroup(group(number)));
        for member in members {
            self.change(Change::AddMember(group_id(number), *member));
        }
    }

    pub(crate) fn put(&mut self, number: u32, version: u32, listing: Listing) {
        self.put_with(number, version, listing, None, Attributes::new());
    }

    pub(crate) fn put_with(
        &mut self,
        number: u32,
        version: u32,
        listing: Listing,
        sensitivity: Option<&str>,
        attributes: Attributes,
    ) {
        let (document, source) = (document_id(number), source_id(0));
        let sensitivity = sensitivity.map(str::to_owned);
        self.edit(Edit::PutDocument { document, source, version, listing, sensitivity, attributes });
    }

    pub(crate) fn list(&mut self, number: u32, list: AccessList) {
        self.edit(Edit::SetList(document_id(number), Listing::Given(list)));
    }

    pub(crate) fn policies(&mut self, cedar: &str, declared: &[(&str, AttributeKind)]) {
        let declared: BTreeMap<_, _> = declared.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
        self.edit(Edit::SetPolicies(Arc::new(Policies::parse(cedar, declared).unwrap())));
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.collection.snapshot()
    }

    pub(crate) fn access(&self, caller: &Caller) -> Access {
        Access::of(&self.snapshot(), caller, self.purpose, now().plus_seconds(self.seconds))
    }

    pub(crate) fn visible(&self, person: u8) -> VisibleSet {
        self.access(&caller(person)).visible(Action::Read)
    }

    /// Whether a person reads the first version of a document, and by which rule.
    pub(crate) fn reads(&self, person: u8, document: u32) -> Result<(), Rule> {
        self.reads_version(person, document, 1)
    }

    pub(crate) fn reads_version(&self, person: u8, document: u32, version: u32) -> Result<(), Rule> {
        reads(&self.access(&caller(person)), document, version)
    }
}

/// Whether an access reads a version of a document, and by which rule.
pub(crate) fn reads(access: &Access, document: u32, version: u32) -> Result<(), Rule> {
    let verdict = access.may(Action::Read, document_id(document), version);
    if verdict.allowed { Ok(()) } else { Err(verdict.reasons.first().unwrap().rule) }
}

/// A person, as the door let them in.
pub(crate) fn caller(number: u8) -> Caller {
    let holder = Principal::Person(person_id(number));
    let changes = [Change::PutPerson(person(number, true, false)), Change::AddKey(key("p", holder, &[]))];
    authenticate(&directory(&changes), "p", now()).unwrap()
}

/// Service 1 for itself, and on behalf of a person.
pub(crate) fn service_caller(on_behalf_of: Option<u8>) -> Caller {
    let holder = Principal::Service(service_id(1));
    let mut changes = vec![Change::PutService(service(1, &[])), Change::AddKey(key("s", holder, &[Scope::ActFor]))];
    changes.extend(on_behalf_of.map(|number| Change::PutPerson(person(number, true, false))));
    let directory = directory(&changes);
    let service = authenticate(&directory, "s", now()).unwrap();
    match on_behalf_of {
        Some(number) => act_for(&directory, service, &OnBehalfOf::Person(person_id(number))).unwrap(),
        None => service,
    }
}
