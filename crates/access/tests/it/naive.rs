//! The oracle: plain lists of facts and loops over them. It knows the rules of docs/access.md, and nothing of the crate.

use crate::plan::{Condition, Entry, GROUPS, List, Listed, PEOPLE, Policy, SOURCES, Said, Step};

/// A list that was set, with what was said beside it.
#[derive(Debug, Clone)]
struct Set {
    list: List,
    said: Said,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Live,
    Kept,
    Closed,
    Erased,
}

#[derive(Debug, Clone)]
struct Document {
    number: u8,
    source: u8,
    state: State,
    default: bool,
    /// For each version, every list that has to allow.
    versions: Vec<Vec<Set>>,
}

#[derive(Debug, Clone)]
struct Source {
    number: u8,
    live: bool,
    default: List,
    reconciled: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Person(u8),
    Service(u8),
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) who: Who,
    pub(crate) train: bool,
    pub(crate) purpose: Option<u8>,
    /// By a key that is for two sources of three, and of every second person for reading alone.
    pub(crate) narrowed: bool,
    /// Seconds since the start.
    pub(crate) at: i64,
}

/// Everything that is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Naive {
    people: Vec<(u8, bool, bool, Option<i64>)>,
    groups: Vec<u8>,
    services: Vec<(u8, bool)>,
    /// Group, member, whether the member is a group.
    memberships: Vec<(u8, u8, bool)>,
    sources: Vec<Source>,
    limits: Option<(i64, i64)>,
    documents: Vec<Document>,
    policies: Vec<Policy>,
    /// Of each break-glass and document: number, person, document, and the second from which on it opens nothing.
    glasses: Vec<(u8, u8, u8, i64)>,
}

const DAY: i64 = 86_400;

impl Naive {
    pub(crate) fn learn(&mut self, step: &Step) {
        match step {
            Step::Person { number, active, external, level } => {
                self.people.retain(|person| person.0 != *number);
                self.people.push((*number, *active, *external, *level));
            }
            Step::Group(number) => {
                self.groups.retain(|group| group != number);
                self.groups.push(*number);
            }
            Step::RemoveGroup(number) => {
                self.groups.retain(|group| group != number);
                self.memberships
                    .retain(|(group, member, is_group)| group != number && !(*is_group && member == number));
            }
            Step::Service { number, active } => {
                self.services.retain(|service| service.0 != *number);
                self.services.push((*number, *active));
            }
            Step::Join { group, member, is_group } => self.memberships.push((*group, *member, *is_group)),
            Step::Leave { group, member, is_group } => {
                self.memberships.retain(|fact| *fact != (*group, *member, *is_group));
            }
            Step::Glass { number, person, documents, until } => {
                self.glasses.retain(|glass| glass.0 != *number);
                for document in [documents.0, documents.1] {
                    self.glasses.push((*number, *person, document, i64::from(*until)));
                }
            }
            Step::EndGlass(number) => self.glasses.retain(|glass| glass.0 != *number),
            Step::Limits { default, secret } => self.limits = Some((i64::from(*default), i64::from(*secret))),
            Step::Policies(policies) => self.policies.clone_from(policies),
            Step::NoPolicies => self.policies.clear(),
            Step::Compact | Step::Wait(_) | Step::Check { .. } => {}
            _ => self.learn_of_documents(step),
        }
    }

    fn learn_of_documents(&mut self, step: &Step) {
        match step {
            Step::Source { number, live, default } => self.learn_source(*number, *live, default.as_ref()),
            Step::Reconciled { number, second } => {
                for source in self.sources.iter_mut().filter(|source| source.number == *number) {
                    source.reconciled = source.reconciled.max(Some(i64::from(*second)));
                }
            }
            Step::Put { number, source, version, listed, said } => self.put(*number, *source, *version, listed, said),
            Step::List { number, listed } => {
                let Some(document) = self.find(*number).filter(|document| document.state != State::Erased) else {
                    return;
                };
                let said = document.versions.last().unwrap().last().unwrap().said.clone();
                self.set(*number, document.source, listed, &said, false);
            }
            Step::Retire { number, close } => self.each(*number, |document| {
                document.state = match (document.state, close) {
                    (State::Erased, _) => State::Erased,
                    (State::Closed, _) | (_, true) => State::Closed,
                    _ => State::Kept,
                };
            }),
            Step::Erase(number) => self.each(*number, |document| document.state = State::Erased),
            _ => {}
        }
    }

    fn learn_source(&mut self, number: u8, live: bool, default: Option<&List>) {
        let owner_alone = List { allow: vec![Entry::Person(number)], deny: Vec::new(), quality: 0 };
        let default = default.cloned().unwrap_or(owner_alone);
        let before = self.sources.iter().find(|source| source.number == number).cloned();
        self.sources.retain(|source| source.number != number);
        let reconciled = before.as_ref().and_then(|before| before.reconciled);
        self.sources.push(Source { number, live, default: default.clone(), reconciled });
        let Some(before) = before.filter(|before| !same(&before.default, &default)) else { return };
        for document in self.documents.clone() {
            if document.source == before.number && document.default && document.state != State::Erased {
                let said = document.versions.last().unwrap().last().unwrap().said.clone();
                self.set(document.number, document.source, &Listed::Default, &said, false);
            }
        }
    }

    fn find(&self, number: u8) -> Option<Document> {
        self.documents.iter().find(|document| document.number == number).cloned()
    }

    fn each(&mut self, number: u8, change: impl Fn(&mut Document)) {
        self.documents.iter_mut().filter(|document| document.number == number).for_each(change);
    }

    pub(crate) fn current(&self, number: u8) -> u32 {
        self.find(number).map_or(0, |document| u32::try_from(document.versions.len()).unwrap())
    }

    pub(crate) fn is_live(&self, number: u8) -> bool {
        self.find(number).is_some_and(|document| document.state == State::Live)
    }

    fn put(&mut self, number: u8, source: u8, version: i8, listed: &Listed, said: &Said) {
        let Some(document) = self.find(number) else {
            let state = State::Live;
            self.documents.push(Document { number, source, state, default: false, versions: Vec::new() });
            return self.set(number, source, listed, said, true);
        };
        if document.state == State::Erased || (version < 0 && document.versions.len() > 1) {
            return;
        }
        self.set(number, document.source, listed, said, version > 0);
        self.each(number, |document| document.state = State::Live);
    }

    /// The rule of versions, word for word: the current version's list is replaced, every older one is narrowed too.
    fn set(&mut self, number: u8, source: u8, listed: &Listed, said: &Said, next: bool) {
        let nobody = List { allow: Vec::new(), deny: Vec::new(), quality: 0 };
        let default =
            self.sources.iter().find(|known| known.number == source).map_or(nobody, |known| known.default.clone());
        self.each(number, |document| {
            let last = document.versions.last().map(|sets| sets.last().unwrap().list.clone());
            let (list, is_default) = match (listed, last) {
                (Listed::This(list), _) => (list.clone(), false),
                (Listed::Same, Some(last)) => (last, document.default),
                (Listed::Default | Listed::Same, _) => (default.clone(), true),
            };
            document.default = is_default;
            let set = Set { list, said: said.clone() };
            if next {
                document.versions.push(Vec::new());
            }
            let current = document.versions.len() - 1;
            for (version, sets) in document.versions.iter_mut().enumerate() {
                if version == current {
                    sets.clear();
                }
                sets.push(set.clone());
            }
        });
    }

    fn person_known(&self, number: u8) -> bool {
        self.people.iter().any(|person| person.0 == number)
    }

    fn group_known(&self, number: u8) -> bool {
        self.groups.contains(&number)
    }

    /// Who an entry means: an entry by id, or nobody.
    fn meaning(&self, entry: Entry) -> Option<Entry> {
        match entry {
            Entry::Everyone => Some(entry),
            Entry::Person(number) => self.person_known(number).then_some(entry),
            Entry::Group(number) => self.group_known(number).then_some(entry),
            Entry::Service(number) => self.services.iter().any(|service| service.0 == number).then_some(entry),
            // Person 0 and group 3 share an outside id: where both are here, nobody knows which is meant.
            Entry::PersonOutside(0) | Entry::GroupOutside(3) => match (self.person_known(0), self.group_known(3)) {
                (true, false) => Some(Entry::Person(0)),
                (false, true) => Some(Entry::Group(3)),
                _ => None,
            },
            Entry::PersonOutside(number) => self.person_known(number).then_some(Entry::Person(number)),
            Entry::GroupOutside(number) => self.group_known(number).then_some(Entry::Group(number)),
            Entry::Nobody(_) => None,
        }
    }

    fn active(&self, who: Who) -> bool {
        match who {
            Who::Person(number) => self.people.iter().any(|person| person.0 == number && person.1),
            Who::Service(number) => self.services.contains(&(number, true)),
        }
    }

    fn in_group(&self, person: u8, group: u8) -> bool {
        let mut reached: Vec<u8> = Vec::new();
        for _ in 0..=GROUPS {
            for (outer, member, is_group) in &self.memberships {
                let inside = if *is_group { reached.contains(member) } else { *member == person };
                if inside && !reached.contains(outer) {
                    reached.push(*outer);
                }
            }
        }
        reached.contains(&group)
    }

    /// Whether an entry means somebody, and they are among them.
    fn reaches(&self, who: Who, entry: Entry) -> bool {
        match (self.meaning(entry), who) {
            (Some(Entry::Everyone), Who::Person(number)) => {
                self.people.iter().any(|person| person.0 == number && !person.2)
            }
            (Some(Entry::Person(named)), Who::Person(number)) => named == number,
            (Some(Entry::Group(group)), Who::Person(number)) => self.in_group(number, group),
            (Some(Entry::Service(named)), Who::Service(number)) => named == number,
            _ => false,
        }
    }

    fn lists(&self, who: Who, list: &List) -> bool {
        let unknown = list.quality == 2 || list.deny.iter().any(|entry| self.meaning(*entry).is_none());
        let denied = list.deny.iter().any(|entry| self.reaches(who, *entry));
        let allowed = list.allow.iter().any(|entry| self.reaches(who, *entry));
        self.active(who) && !unknown && !denied && allowed
    }

    fn fresh(&self, source: u8, sensitivity: Option<u8>, at: i64) -> bool {
        let Some(source) = self.sources.iter().find(|known| known.number == source) else { return false };
        let (default, secret) = self.limits.unwrap_or((DAY, DAY));
        let limit = if sensitivity == Some(0) { secret } else { default };
        !source.live || source.reconciled.is_some_and(|reconciled| at - reconciled < limit)
    }

    /// A condition that needs what is not there is an error: none.
    fn holds(&self, condition: &Condition, asked: &Asked, source: u8, said: &Said) -> Option<bool> {
        let again = |inner: &Condition| self.holds(inner, asked, source, said);
        match condition {
            Condition::Region(region) => said.region.map(|is| is == *region),
            Condition::HasRegion => Some(said.region.is_some()),
            Condition::Above => {
                let level = match asked.who {
                    Who::Person(number) => {
                        self.people.iter().find(|person| person.0 == number).and_then(|person| person.3)
                    }
                    Who::Service(_) => None,
                };
                said.level.zip(level).map(|(of_document, of_person)| of_document > of_person)
            }
            Condition::Tag(tag) => said.tags.as_ref().map(|tags| tags.contains(tag)),
            Condition::Secret => said.secret,
            Condition::InGroup(group) => match asked.who {
                Who::Person(number) => Some(self.group_known(*group) && self.in_group(number, *group)),
                Who::Service(_) => Some(false),
            },
            Condition::IsService => Some(matches!(asked.who, Who::Service(_))),
            Condition::Sensitivity(sensitivity) => said.sensitivity.map(|is| is == *sensitivity),
            Condition::Source(named) => Some(source == *named),
            Condition::Purpose(purpose) => asked.purpose.map(|is| is == *purpose),
            Condition::After(second) => Some(asked.at > i64::from(*second)),
            Condition::Both(a, b) => {
                if again(a)? {
                    again(b)
                } else {
                    Some(false)
                }
            }
            Condition::Either(a, b) => {
                if again(a)? {
                    Some(true)
                } else {
                    again(b)
                }
            }
        }
    }

    fn policies_allow(&self, asked: &Asked, source: u8, said: &Said) -> bool {
        self.policies.iter().all(|policy| {
            let applies = policy.only.is_none_or(|training| training == asked.train);
            !applies || self.holds(&policy.condition, asked, source, said) == Some(policy.unless)
        })
    }

    /// Whether this may be done with a version.
    pub(crate) fn may(&self, asked: &Asked, number: u8, version: u32) -> bool {
        let opened = |glass: &(u8, u8, u8, i64)| {
            asked.who == Who::Person(glass.1) && glass.2 == number && asked.at < glass.3 && !asked.train
        };
        self.may_where(asked, number, version, self.glasses.iter().any(opened) && self.active(asked.who))
    }

    /// The same by lists alone: what is found, counted and suggested goes by this.
    pub(crate) fn may_by_lists(&self, asked: &Asked, number: u8, version: u32) -> bool {
        self.may_where(asked, number, version, false)
    }

    fn may_where(&self, asked: &Asked, number: u8, version: u32, whatever_lists_say: bool) -> bool {
        let Some(document) = self.find(number) else { return false };
        let index = usize::try_from(version).unwrap().wrapping_sub(1);
        let Some(sets) = document.versions.get(index) else { return false };
        let open = matches!(document.state, State::Live | State::Kept);
        open && within_key(asked, document.source)
            && sets.iter().all(|set| {
                (whatever_lists_say || self.lists(asked.who, &set.list))
                    && self.policies_allow(asked, document.source, &set.said)
                    && self.fresh(document.source, set.said.sensitivity, asked.at)
            })
    }
}

/// Whether a narrowed key is for this.
fn within_key(asked: &Asked, source: u8) -> bool {
    let Who::Person(number) = asked.who else { return true };
    let its = [number % SOURCES, (number + 1) % SOURCES];
    !asked.narrowed || (its.contains(&source) && (!asked.train || number % 2 == 0))
}

/// Two lists of the same entries.
fn same(a: &List, b: &List) -> bool {
    let within = |a: &[Entry], b: &[Entry]| a.iter().all(|entry| b.contains(entry));
    let equal = |a: &[Entry], b: &[Entry]| within(a, b) && within(b, a);
    equal(&a.allow, &b.allow) && equal(&a.deny, &b.deny) && a.quality == b.quality
}

/// Who asks, by one number.
pub(crate) fn who(asker: u8) -> Who {
    if asker < PEOPLE { Who::Person(asker) } else { Who::Service(asker - PEOPLE) }
}
