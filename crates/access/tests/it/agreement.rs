//! The decision, the visible set (computed, remembered, patched forward) and the access against the oracle, over random
//! worlds and edits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use access::{
    Access, AgeLimits, AttributeKind, Caller, Change, Collection, Edit, Grounds, Listing, OnBehalfOf, Person, Policies,
    Snapshot, SourceStanding, Tombstone, act_for, authenticate, decide,
};
use domain::{
    AccessList, Action, AttributeValue, Attributes, BreakGlass, BreakGlassId, DocumentId, ListToken, Member, Principal,
    Provenance, Quality, Question, Resource, Scope, Source, SourceId, Timestamp, Token,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::naive::{Asked, Naive, Who, who};
use crate::plan::{Condition, DOCUMENTS, Entry, List, Listed, PEOPLE, Policy, SERVICES, SOURCES, Said, Step, plan};
use crate::world::{directory, group, group_id, key, now, person, person_id, service, service_id};

pub(crate) fn document_id(number: u8) -> DocumentId {
    DocumentId::from_uuid(Uuid::from_u128(u128::from(number) + 5_000))
}

fn source_id(number: u8) -> SourceId {
    SourceId::from_uuid(Uuid::from_u128(u128::from(number) + 6_000))
}

fn glass_id(number: u8) -> BreakGlassId {
    BreakGlassId::from_uuid(Uuid::from_u128(u128::from(number) + 7_000))
}

pub(crate) fn moment(second: i64) -> Timestamp {
    now().plus_seconds(second)
}

fn outside(external_id: String) -> ListToken {
    ListToken::External { source: "idp".to_owned(), external_id }
}

fn group_outside(number: u8) -> String {
    if number == 3 { "p0".to_owned() } else { format!("g{number}") }
}

fn token(entry: Entry) -> ListToken {
    match entry {
        Entry::Everyone => Token::Everyone.into(),
        Entry::Person(number) => Token::Person(person_id(number)).into(),
        Entry::PersonOutside(number) => outside(format!("p{number}")),
        Entry::Group(number) => Token::Group(group_id(number)).into(),
        Entry::GroupOutside(number) => outside(group_outside(number)),
        Entry::Service(number) => Token::Service(service_id(number)).into(),
        Entry::Nobody(number) => outside(format!("x{number}")),
    }
}

fn access_list(list: &List) -> AccessList {
    let tokens = |entries: &[Entry]| entries.iter().map(|entry| token(*entry)).collect::<BTreeSet<_>>();
    let quality = [Quality::Exact, Quality::Approximated, Quality::Unknown][usize::from(list.quality)];
    AccessList { allow: tokens(&list.allow), deny: tokens(&list.deny), quality }
}

fn listing(listed: &Listed) -> Listing {
    match listed {
        Listed::This(list) => Listing::Given(access_list(list)),
        Listed::Default => Listing::SourceDefault,
        Listed::Same => Listing::Unchanged,
    }
}

fn sensitivity(said: &Said) -> Option<String> {
    said.sensitivity.map(|number| format!("s{number}"))
}

fn attributes(said: &Said) -> Attributes {
    let region = said.region.map(|region| ("region", AttributeValue::String(format!("r{region}"))));
    let level = said.level.map(|level| ("level", AttributeValue::Long(level)));
    let texts = |tags: &Vec<u8>| tags.iter().map(|tag| format!("t{tag}")).collect();
    let tags = said.tags.as_ref().map(|tags| ("tags", AttributeValue::SetOfString(texts(tags))));
    let secret = said.secret.map(|secret| ("secret", AttributeValue::Bool(secret)));
    let all = [region, level, tags, secret].into_iter().flatten();
    all.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn cedar_condition(condition: &Condition) -> String {
    match condition {
        Condition::Region(region) => format!("resource.region == \"r{region}\""),
        Condition::HasRegion => "resource has region".to_owned(),
        Condition::Above => "resource.level > principal.level".to_owned(),
        Condition::Tag(tag) => format!("resource.tags.contains(\"t{tag}\")"),
        Condition::Secret => "resource.secret".to_owned(),
        Condition::InGroup(number) => format!("principal in Freehold::Group::\"{}\"", group_id(*number)),
        Condition::IsService => "principal is Freehold::Service".to_owned(),
        Condition::Sensitivity(number) => format!("resource.sensitivity == \"s{number}\""),
        Condition::Source(number) => format!("resource.source == \"{}\"", source_id(*number)),
        Condition::Purpose(number) => format!("context.purpose == \"p{number}\""),
        Condition::After(second) => {
            let text = moment(i64::from(*second)).to_string();
            format!("context.time > datetime(\"{}Z\")", text.split('.').next().unwrap())
        }
        Condition::Both(a, b) => format!("({} && {})", cedar_condition(a), cedar_condition(b)),
        Condition::Either(a, b) => format!("({} || {})", cedar_condition(a), cedar_condition(b)),
    }
}

fn cedar(policies: &[Policy]) -> Policies {
    let mut text = String::new();
    for policy in policies {
        let action = match policy.only {
            None => "action",
            Some(false) => "action == Freehold::Action::\"read\"",
            Some(true) => "action == Freehold::Action::\"train\"",
        };
        let when = if policy.unless { "unless" } else { "when" };
        let condition = cedar_condition(&policy.condition);
        writeln!(text, "forbid(principal, {action}, resource) {when} {{ {condition} }};").unwrap();
    }
    let declared = [
        ("region", AttributeKind::String),
        ("level", AttributeKind::Long),
        ("tags", AttributeKind::SetOfString),
        ("secret", AttributeKind::Bool),
    ];
    Policies::parse(&text, declared.map(|(name, kind)| (name.to_owned(), kind)).into()).unwrap()
}

fn member(number: u8, is_group: bool) -> Member {
    if is_group { Member::Group(group_id(number)) } else { Member::Person(person_id(number)) }
}

fn person_of(number: u8, active: bool, external: bool, level: Option<i64>) -> Person {
    let attributes = level.map(|level| ("level".to_owned(), level.into())).into_iter().collect();
    let (source, external_id) = ("idp".to_owned(), format!("p{number}"));
    Person { source, external_id, attributes, ..person(number, active, external) }
}

fn change(step: &Step) -> Option<Change> {
    Some(match *step {
        Step::Person { number, active, external, level } => {
            Change::PutPerson(person_of(number, active, external, level))
        }
        Step::Group(number) => {
            let mut group = group(number);
            (group.source, group.external_id) = ("idp".to_owned(), group_outside(number));
            Change::PutGroup(group)
        }
        Step::RemoveGroup(number) => Change::RemoveGroup(group_id(number)),
        Step::Service { number, active } => {
            let mut service = service(number, &[]);
            service.active = active;
            Change::PutService(service)
        }
        Step::Join { group, member: number, is_group } => Change::AddMember(group_id(group), member(number, is_group)),
        Step::Leave { group, member: number, is_group } => {
            Change::RemoveMember(group_id(group), member(number, is_group))
        }
        _ => return None,
    })
}

pub(crate) fn edit(step: &Step, naive: &Naive) -> Option<Edit> {
    if let Some(change) = change(step) {
        return Some(Edit::Directory(change));
    }
    Some(match step {
        Step::Source { number, live, default } => {
            let owner = Principal::Person(person_id(*number));
            let default_list = default.as_ref().map(access_list);
            Edit::PutSource(
                source_id(*number),
                SourceStanding { owner, default_list, live: *live, reconciled_at: None },
            )
        }
        Step::Reconciled { number, second } => Edit::Reconciled(source_id(*number), moment(i64::from(*second))),
        Step::Limits { default, secret } => Edit::SetAgeLimits(AgeLimits {
            default_seconds: i64::from(*default),
            by_sensitivity: BTreeMap::from([("s0".to_owned(), i64::from(*secret))]),
        }),
        Step::Put { number, source, version, listed, said } => Edit::PutDocument {
            document: document_id(*number),
            source: source_id(*source),
            version: naive.current(*number).saturating_add_signed(i32::from(*version)).max(1),
            listing: listing(listed),
            sensitivity: sensitivity(said),
            attributes: attributes(said),
        },
        Step::List { number, listed } => Edit::SetList(document_id(*number), listing(listed)),
        Step::Retire { number, close } => {
            let tombstone = if *close { Tombstone::Close } else { Tombstone::KeepLastList };
            Edit::Retire(document_id(*number), tombstone)
        }
        Step::Erase(number) => Edit::Erase(document_id(*number)),
        Step::Glass { number, person, documents, until } => {
            let glass = BreakGlass {
                id: glass_id(*number),
                person: person_id(*person),
                requested_by: person_id(100),
                approved_by: person_id(101),
                expires_at: moment(i64::from(*until)),
            };
            Edit::BreakGlass(glass, BTreeSet::from([document_id(documents.0), document_id(documents.1)]))
        }
        Step::EndGlass(number) => Edit::EndBreakGlass(glass_id(*number)),
        Step::Policies(policies) => Edit::SetPolicies(Arc::new(cedar(policies))),
        Step::NoPolicies => Edit::SetPolicies(Arc::default()),
        _ => return None,
    })
}

/// A caller as the door let them in while they were active; whether they still are is for the snapshot to say.
pub(crate) fn callers() -> Vec<Caller> {
    let mut changes = Vec::new();
    for number in 0..PEOPLE {
        changes.push(Change::PutPerson(person(number, true, false)));
        changes.push(Change::AddKey(key(&format!("p{number}"), Principal::Person(person_id(number)), &[])));
        changes.push(narrow_key(number));
    }
    for number in 0..SERVICES {
        changes.push(Change::PutService(service(number, &[])));
        let holder = Principal::Service(service_id(number));
        changes.push(Change::AddKey(key(&format!("s{number}"), holder, &[Scope::ActFor])));
    }
    let directory = directory(&changes);
    let people = (0..PEOPLE).map(|number| format!("p{number}"));
    let services = (0..SERVICES).map(|number| format!("s{number}"));
    let mut callers: Vec<_> =
        people.chain(services).map(|secret| authenticate(&directory, &secret, now()).unwrap()).collect();
    let service = authenticate(&directory, "s0", now()).unwrap();
    for number in 0..PEOPLE {
        callers.push(act_for(&directory, service.clone(), &OnBehalfOf::Person(person_id(number))).unwrap());
    }
    callers.extend((0..PEOPLE).map(|number| authenticate(&directory, &format!("n{number}"), now()).unwrap()));
    callers
}

/// A person's key for two sources of three, and of every second person for reading alone.
fn narrow_key(number: u8) -> Change {
    let sources = [number % SOURCES, (number + 1) % SOURCES];
    let actions = (number % 2 == 1).then_some(Scope::Action(Action::Read));
    let scopes: Vec<Scope> = sources.into_iter().map(|it| Scope::Source(source_id(it))).chain(actions).collect();
    Change::AddKey(key(&format!("n{number}"), Principal::Person(person_id(number)), &scopes))
}

/// What everybody was told at one moment, to be told again by the same snapshot whatever came after.
struct Told {
    snapshot: Snapshot,
    caller: Caller,
    asked: Asked,
    seen: Vec<u8>,
}

struct Trial<'c> {
    collection: Collection,
    naive: Naive,
    callers: &'c [Caller],
    epoch: u64,
    at: i64,
    told: Vec<Told>,
}

pub(crate) fn action(asked: &Asked) -> Action {
    if asked.train { Action::Train } else { Action::Read }
}

pub(crate) fn purpose(asked: &Asked) -> Option<String> {
    asked.purpose.map(|purpose| format!("p{purpose}"))
}

impl Trial<'_> {
    fn of(callers: &[Caller]) -> Trial<'_> {
        let keys: Vec<Change> = (0..PEOPLE).map(narrow_key).collect();
        let collection = Collection::new(directory(&keys));
        Trial { collection, naive: Naive::default(), callers, epoch: u64::from(PEOPLE), at: 0, told: Vec::new() }
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Wait(seconds) => self.at += i64::from(*seconds),
            Step::Compact => self.collection.compact(),
            Step::Check { asker, train, purpose } => {
                let asked = Asked { who: who(*asker), train: *train, purpose: *purpose, narrowed: false, at: self.at };
                self.check(asked, usize::from(*asker))?;
                if let Who::Person(number) = asked.who {
                    self.check(asked, usize::from(PEOPLE + SERVICES + number))?;
                    let narrowed = Asked { narrowed: true, ..asked };
                    self.check(narrowed, usize::from(PEOPLE + SERVICES + PEOPLE + number))?;
                }
            }
            _ => {}
        }
        if let Some(edit) = edit(step, &self.naive) {
            self.epoch += 1;
            self.collection.apply(self.epoch, edit);
        }
        self.naive.learn(step);
        Ok(())
    }

    fn check(&mut self, asked: Asked, caller: usize) -> Result<(), TestCaseError> {
        let (snapshot, caller) = (self.collection.snapshot(), self.callers[caller].clone());
        let access = Access::of(&snapshot, &caller, purpose(&asked).as_deref(), moment(asked.at));
        let (remembered, anew) = (access.visible(action(&asked)), access.visible_anew(action(&asked)));
        let told = |fault| remembered.faults().contains(fault);
        prop_assert!(anew.faults().iter().all(told), "{:?} of {:?}", remembered.faults(), anew.faults());
        let mut seen = Vec::new();
        for number in 0..DOCUMENTS {
            let current = self.naive.current(number);
            for version in 0..=current + 1 {
                self.check_version(&access, &caller, &asked, (number, version))?;
            }
            let expected = self.naive.is_live(number) && self.naive.may_by_lists(&asked, number, current);
            let sees = |set: &access::VisibleSet| snapshot.ordinal(document_id(number)).is_some_and(|o| set.sees(o));
            prop_assert_eq!(sees(&anew), expected, "computed from nothing: document {} for {:?}", number, asked);
            prop_assert_eq!(sees(&remembered), expected, "remembered: document {} for {:?}", number, asked);
            if expected {
                seen.push(number);
            }
        }
        self.told.push(Told { snapshot, caller, asked, seen });
        Ok(())
    }

    fn check_version(
        &self,
        access: &Access,
        caller: &Caller,
        asked: &Asked,
        (number, version): (u8, u32),
    ) -> Result<(), TestCaseError> {
        let (snapshot, document) = (self.collection.snapshot(), document_id(number));
        let expected = self.naive.may(asked, number, version);
        let verdict = access.may(action(asked), document, version);
        prop_assert_eq!(verdict.allowed, expected, "access: {} of {} for {:?}: {:?}", version, number, asked, verdict);
        let question = Question {
            caller: caller.record(purpose(asked), None),
            action: action(asked),
            resource: Resource::Document { document, version, facts: snapshot.facts(document, version).map(Box::new) },
        };
        let question: Question = serde_json::from_str(&serde_json::to_string(&question).unwrap()).unwrap();
        let grounds = Grounds { directory: snapshot.directory(), policies: snapshot.policies(), at: moment(asked.at) };
        let decided = decide(&grounds, &question);
        // A key that is gone: what it was narrowed to is not known, and the door lets nobody in with it.
        let gone = caller.key().is_some_and(|key| snapshot.directory().key(key).is_none());
        prop_assert_eq!(decided.allowed, expected && !gone, "decide: {:?} of {:?}", decided, question);
        prop_assert!(gone || decided.reasons == verdict.reasons, "{:?} and {:?}", decided, verdict);
        if !asked.train {
            let mut provenance = Provenance::default();
            provenance.add(Source::Document { document, version });
            prop_assert_eq!(access.reading_all(&provenance).allowed, expected);
        }
        Ok(())
    }

    fn tell_again(&self) -> Result<(), TestCaseError> {
        for Told { snapshot, caller, asked, seen } in &self.told {
            let access = Access::of(snapshot, caller, purpose(asked).as_deref(), moment(asked.at));
            let visible = access.visible(action(asked));
            let sees = |number: &u8| snapshot.ordinal(document_id(*number)).is_some_and(|o| visible.sees(o));
            prop_assert_eq!(&(0..DOCUMENTS).filter(sees).collect::<Vec<_>>(), seen, "an old snapshot changed");
        }
        Ok(())
    }
}

fn hold(steps: &[Step]) -> Result<(), TestCaseError> {
    static CALLERS: LazyLock<Vec<Caller>> = LazyLock::new(callers);
    let mut trial = Trial::of(&CALLERS);
    for step in steps {
        trial.take(step)?;
    }
    for asker in 0..PEOPLE + SERVICES {
        trial.take(&Step::Check { asker, train: false, purpose: None })?;
    }
    trial.tell_again()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn lists_agree_with_the_oracle(steps in plan(0)) {
        hold(&steps)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn policies_agree_with_the_oracle(steps in plan(3)) {
        hold(&steps)?;
    }
}
