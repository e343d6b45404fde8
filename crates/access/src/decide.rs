//! The decision: who may do what, and why. Pure: the same directory and the same question give the same verdict, today
//! and when it is asked again of a past epoch. The gates of the door decide by the same rules.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use domain::{
    Action, CallerRecord, DocumentFacts, DocumentId, GroupId, KeyId, Member, PersonId, Principal, Provenance, Question,
    Resource, Role, Rule, Scope, Source, Timestamp, Token, Verdict,
};

use crate::bounds::Bounds;
use crate::change::token_id;
use crate::directory::{Directory, Key};
use crate::judge::{Grounding, Judge};
use crate::policy::Policies;

/// What was known when a question was asked: the directory and the policies of that epoch, and the moment.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// People, groups, services, roles and keys.
    pub directory: &'a Directory,
    /// The policies in force.
    pub policies: &'a Policies,
    /// The moment of the decision: freshness and `context.time` go by it.
    pub at: Timestamp,
}

/// Answers a question by what was known. What no epoch keeps (whose a thing is, what it was made from, the lists of a
/// document) stands in the question.
#[must_use]
pub fn decide(grounds: &Grounds<'_>, question: &Question) -> Verdict {
    let Grounds { directory, policies, at } = *grounds;
    let Question { caller, action, resource } = question;
    let grounding = Grounding { directory, policies };
    let gone = caller.key.filter(|key| directory.key(*key).is_none());
    if let Some(key) = gone.filter(|_| directory.is_active(caller.principal)) {
        // What it was narrowed to is not known any more.
        return Verdict::no(Rule::Inactive, vec![key.to_string()]);
    }
    let judge = || {
        let key = caller.key.and_then(|key| directory.key(key));
        Judge::of(grounding, caller.principal, caller.purpose.as_deref(), at).within(Bounds::of(key.map(|key| &**key)))
    };
    match resource {
        Resource::Model { .. } => judge().use_of_base_models(),
        Resource::Person { person } => acting(directory, caller.principal, caller.key, *person),
        Resource::Route { roles, of_a_source, .. } => calling(directory, caller, roles, *of_a_source),
        Resource::Trace { trace, owner: None, .. } => Verdict::no(Rule::NotFound, vec![trace.to_string()]),
        Resource::Trace { owner: Some(owner), provenance, facts, .. } => {
            reading(&judge(), grounding, Some(*owner), (provenance, facts))
        }
        Resource::Passages { provenance, facts } => reading(&judge(), grounding, None, (provenance, facts)),
        Resource::Document { document, version, facts } => {
            on_document(&judge(), grounding, *action, *document, *version, facts.as_deref())
        }
    }
}

/// All that something was made from, by the facts of it.
fn reading(
    judge: &Judge,
    grounding: Grounding<'_>,
    owner: Option<Principal>,
    (provenance, facts): (&Provenance, &[DocumentFacts]),
) -> Verdict {
    let of = |id, number| facts.iter().find(|facts| (facts.document, facts.version) == (id, number));
    judge.reading(owner, provenance, |document, version| {
        on_document(judge, grounding, Action::Read, document, version, of(document, version))
    })
}

/// A version of a document, by the facts of it; without them there is none.
fn on_document(
    judge: &Judge,
    grounding: Grounding<'_>,
    action: Action,
    document: DocumentId,
    version: u32,
    facts: Option<&DocumentFacts>,
) -> Verdict {
    match facts.filter(|facts| (facts.document, facts.version) == (document, version)) {
        Some(facts) => judge.facts(grounding, action, facts),
        None => judge.missing(&Source::Document { document, version }),
    }
}

/// Whether a service may ask in a person's place (docs/access.md, "service").
pub(crate) fn acting(
    directory: &Directory,
    principal: Principal,
    key: Option<KeyId>,
    person: Option<PersonId>,
) -> Verdict {
    let who = || principal.to_string();
    let key = key.and_then(|key| directory.key(key)).filter(|key| key.scopes.contains(&Scope::ActFor));
    let (Principal::Service(service), Some(_)) = (principal, key) else {
        return Verdict::no(Rule::NoScope, vec![who()]);
    };
    let Some(service) = directory.service(service).filter(|service| service.active) else {
        return Verdict::no(Rule::Inactive, vec![who()]);
    };
    let Some(person) = person.filter(|person| directory.is_active(Principal::Person(*person))) else {
        return Verdict::no(Rule::OutOfReach, vec![who()]);
    };
    if service.act_for.is_empty() {
        return Verdict::yes(Rule::WithinReach, vec![who(), person.to_string()]);
    }
    let mut groups: Vec<_> = service.act_for.clone();
    groups.sort_unstable();
    let path = groups.iter().find_map(|group| directory.path(Principal::Person(person), Token::Group(*group)));
    match path {
        Some(path) => Verdict::yes(Rule::WithinReach, std::iter::once(who()).chain(path).collect()),
        None => Verdict::no(Rule::OutOfReach, vec![who(), person.to_string()]),
    }
}

/// Whether one of these roles is held, and the key lets it through.
fn calling(directory: &Directory, caller: &CallerRecord, wanted: &[Role], of_a_source: bool) -> Verdict {
    let who = caller.principal.to_string();
    if !directory.is_active(caller.principal) {
        return Verdict::no(Rule::Inactive, vec![who]);
    }
    let path = |role: &Role| path_to_role(directory, caller.principal, *role).map(|path| (*role, path));
    let held: Vec<(Role, Vec<String>)> = wanted.iter().filter_map(path).collect();
    let key = caller.key.and_then(|key| directory.key(key));
    let reaches = reaches_route(&Bounds::of(key.map(|key| &**key)), wanted, of_a_source);
    let passes = |role: Role| reaches && key.is_none_or(|key| lets_through(key, role));
    if let Some((_, path)) = held.iter().find(|(role, _)| passes(*role)) {
        return Verdict::yes(Rule::Role, path.clone());
    }
    match held.into_iter().next() {
        Some((_, path)) => Verdict::no(Rule::Narrowed, path),
        None => {
            let roles = wanted.iter().map(Role::to_string);
            Verdict::no(Rule::RoleMissing, std::iter::once(who).chain(roles).collect())
        }
    }
}

/// Whether a key narrowed like this reaches a route for these roles: one for some sources is for what is about one source,
/// and for what everybody who uses the installation may call. Settings, backups and what the index says are about all.
pub(crate) fn reaches_route(bounds: &Bounds, roles: &[Role], of_a_source: bool) -> bool {
    of_a_source || bounds.reach_all() || roles.is_empty() || roles.contains(&Role::User)
}

/// A key that names roles has only those; one that names none (or `act_for` alone) has all its holder's. Who looks after
/// people and rights does so everywhere: not with a key for some sources. A key for some actions has other roles than `user`
/// only with `administer`.
pub(crate) fn lets_through(key: &Key, role: Role) -> bool {
    let bounds = Bounds::of(Some(key));
    let is_wider =
        (role == Role::Security && !bounds.reach_all()) || (role != Role::User && !bounds.hold(Action::Administer));
    if is_wider {
        return false;
    }
    let mut named = key.scopes.iter().filter_map(|scope| scope.role()).peekable();
    named.peek().is_none() || named.any(|named| named == role)
}

/// From a principal to a token that the role was granted to, and the role.
fn path_to_role(directory: &Directory, principal: Principal, role: Role) -> Option<Vec<String>> {
    let closure = directory.closure(principal);
    let granted = closure.into_iter().filter(|token| directory.granted(*token).any(|granted| granted == role));
    let shortest = granted.filter_map(|token| directory.path(principal, token)).min_by_key(Vec::len)?;
    Some(shortest.into_iter().chain([role.to_string()]).collect())
}

impl Directory {
    /// The shortest way from a principal to a token of its closure, both ends included; the smallest by ids where there
    /// are several. None where the token is not reached.
    pub(crate) fn path(&self, principal: Principal, token: Token) -> Option<Vec<String>> {
        let start = Token::from(principal);
        if !self.closure(principal).contains(&token) {
            return None;
        }
        if matches!(token, Token::Everyone) || token == start {
            let end = (token != start).then(|| token_id(&token));
            return Some(std::iter::once(token_id(&start)).chain(end).collect());
        }
        let Principal::Person(person) = principal else { return None };
        let mut came_from: BTreeMap<GroupId, Member> = BTreeMap::new();
        let mut frontier = VecDeque::from([Member::Person(person)]);
        while let Some(member) = frontier.pop_front() {
            let groups: BTreeSet<GroupId> = self.parents(member).collect();
            for group in groups {
                if let Entry::Vacant(entry) = came_from.entry(group) {
                    entry.insert(member);
                    frontier.push_back(Member::Group(group));
                }
            }
        }
        let Token::Group(mut group) = token else { return None };
        let mut path = vec![group.to_string()];
        while let Some(member) = came_from.get(&group) {
            path.push(member.to_string());
            match member {
                Member::Group(next) => group = *next,
                Member::Person(_) => break,
            }
        }
        path.reverse();
        Some(path)
    }
}
