//! People, groups, services, roles, keys and sessions as they stand at one epoch: an immutable snapshot that
//! requests share. A change makes the next snapshot.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{Capture, GroupId, KeyId, Limits, Member, PersonId, Principal, Role, Scope, ServiceId, Timestamp, Token};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::Change;
use crate::persistent::Shards;
use crate::secret::SecretHash;

/// A human. `(source, external_id)` is the key; e-mail and names are attributes, never keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Its id, never reused.
    pub id: PersonId,
    /// Where the person comes from: `local`, a directory's name, or an issuer.
    pub source: String,
    /// The id there: for an issuer, the subject.
    pub external_id: String,
    /// The name to sign in with.
    pub user_name: String,
    /// The name to show.
    pub display_name: String,
    /// An address, never a key.
    pub email: Option<String>,
    /// A guest: not part of `everyone`.
    pub external: bool,
    /// An inactive person may do nothing.
    pub active: bool,
    /// What policies may name.
    pub attributes: BTreeMap<String, Value>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// People and groups. Cycles are harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id, never reused.
    pub id: GroupId,
    /// Where the group comes from: two sources may each have a "Legal".
    pub source: String,
    /// The id there.
    pub external_id: String,
    /// The name to show.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An application or agent with a key of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its id, never reused.
    pub id: ServiceId,
    /// Its name, unique on this installation.
    pub name: String,
    /// For whom it may act, where its key has the scope: members of these groups; empty means anybody active.
    pub act_for: Vec<GroupId>,
    /// An inactive service may do nothing.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key. The secret itself is shown once and kept only as a hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id.
    pub id: KeyId,
    /// Whose key it is.
    pub holder: Principal,
    /// What people call it.
    pub name: String,
    /// Hash of the secret.
    pub hash: SecretHash,
    /// What it is narrowed to; empty means all its holder's rights, without `act_for`.
    pub scopes: BTreeSet<Scope>,
    /// The most that is kept of its exchanges.
    pub capture: Option<Capture>,
    /// Its limits.
    pub limits: Limits,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// Who made it: a person, or a service; none for the installation itself.
    pub created_by: Option<Principal>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Hash of the cookie's secret.
    pub hash: SecretHash,
    /// Hash of the token that writes must carry.
    pub csrf_hash: SecretHash,
    /// Who signed in.
    pub person: PersonId,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Everything known of identity at one epoch. A clone is cheap: it shares what neither changes.
#[derive(Debug, Clone, Default)]
pub struct Directory {
    epoch: u64,
    people: Shards<PersonId, Arc<Person>>,
    groups: Shards<GroupId, Arc<Group>>,
    services: Shards<ServiceId, Arc<Service>>,
    parents: Shards<Member, BTreeSet<GroupId>>,
    members: Shards<GroupId, BTreeSet<Member>>,
    grants: Shards<Token, BTreeSet<Role>>,
    keys: Shards<KeyId, Arc<Key>>,
    key_by_hash: Shards<SecretHash, KeyId>,
    sessions: Shards<SecretHash, Arc<Session>>,
    person_by_external: Shards<(String, String), PersonId>,
    group_by_external: Shards<(String, String), GroupId>,
}

impl Directory {
    /// The epoch of this snapshot.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The same at a later epoch, whose change was about something else.
    pub(crate) const fn goes_on(&mut self, epoch: u64) {
        self.epoch = epoch;
    }

    /// The snapshot after a change. Changes come in the order of their epochs, without a gap.
    pub fn apply(&mut self, epoch: u64, change: &Change) {
        self.epoch = epoch;
        match change {
            Change::PutPerson(person) => self.put_person(person),
            Change::PutGroup(group) => self.put_group(group),
            Change::RemoveGroup(group) => self.remove_group(*group),
            Change::PutService(service) => {
                self.services.insert(service.id, Arc::new(service.clone()));
            }
            Change::AddMember(group, member) => {
                self.parents.change(*member, |parents| {
                    parents.insert(*group);
                });
                self.members.change(*group, |members| {
                    members.insert(*member);
                });
            }
            Change::RemoveMember(group, member) => self.remove_member(*group, *member),
            Change::GrantRole(token, role) => {
                self.grants.change(*token, |roles| {
                    roles.insert(*role);
                });
            }
            Change::RevokeRole(token, role) => {
                if let Some(roles) = self.grants.get_mut(token) {
                    roles.remove(role);
                }
            }
            Change::AddKey(key) => {
                self.key_by_hash.insert(key.hash, key.id);
                self.keys.insert(key.id, Arc::new(key.clone()));
            }
            Change::RevokeKey(id, at) => self.revoke_key(*id, *at),
            Change::AddSession(session) => {
                self.sessions.insert(session.hash, Arc::new(session.clone()));
            }
            Change::EndSession(hash) => {
                self.sessions.remove(hash);
            }
        }
    }

    fn put_person(&mut self, person: &Person) {
        if let Some(old) = self.people.get(&person.id) {
            let key = (old.source.clone(), old.external_id.clone());
            // Somebody else may have taken the place since.
            if self.person_by_external.get(&key) == Some(&person.id) {
                self.person_by_external.remove(&key);
            }
        }
        self.person_by_external.insert((person.source.clone(), person.external_id.clone()), person.id);
        self.people.insert(person.id, Arc::new(person.clone()));
    }

    fn put_group(&mut self, group: &Group) {
        if let Some(old) = self.groups.get(&group.id) {
            let key = (old.source.clone(), old.external_id.clone());
            if self.group_by_external.get(&key) == Some(&group.id) {
                self.group_by_external.remove(&key);
            }
        }
        self.group_by_external.insert((group.source.clone(), group.external_id.clone()), group.id);
        self.groups.insert(group.id, Arc::new(group.clone()));
    }

    fn remove_group(&mut self, group: GroupId) {
        for member in self.members.remove(&group).unwrap_or_default() {
            if let Some(parents) = self.parents.get_mut(&member) {
                parents.remove(&group);
            }
        }
        for parent in self.parents.remove(&Member::Group(group)).unwrap_or_default() {
            if let Some(members) = self.members.get_mut(&parent) {
                members.remove(&Member::Group(group));
            }
        }
        self.grants.remove(&Token::Group(group));
        if let Some(old) = self.groups.remove(&group) {
            let key = (old.source.clone(), old.external_id.clone());
            if self.group_by_external.get(&key) == Some(&group) {
                self.group_by_external.remove(&key);
            }
        }
    }

    fn remove_member(&mut self, group: GroupId, member: Member) {
        if let Some(parents) = self.parents.get_mut(&member) {
            parents.remove(&group);
        }
        if let Some(members) = self.members.get_mut(&group) {
            members.remove(&member);
        }
    }

    fn revoke_key(&mut self, id: KeyId, at: Timestamp) {
        if let Some(key) = self.keys.get_mut(&id) {
            let mut revoked = Key::clone(key);
            revoked.revoked_at = Some(at);
            self.key_by_hash.remove(&revoked.hash);
            *key = Arc::new(revoked);
        }
    }

    /// A person by id, active or not.
    #[must_use]
    pub fn person(&self, id: PersonId) -> Option<&Arc<Person>> {
        self.people.get(&id)
    }

    /// A person by where they come from.
    #[must_use]
    pub fn person_by_external(&self, source: &str, external_id: &str) -> Option<&Arc<Person>> {
        let key = (source.to_owned(), external_id.to_owned());
        self.person_by_external.get(&key).and_then(|id| self.people.get(id))
    }

    /// All people, in no order.
    pub fn people(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.people.values()
    }

    /// A group by id.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&Arc<Group>> {
        self.groups.get(&id)
    }

    /// A group by where it comes from.
    #[must_use]
    pub fn group_by_external(&self, source: &str, external_id: &str) -> Option<&Arc<Group>> {
        let key = (source.to_owned(), external_id.to_owned());
        self.group_by_external.get(&key).and_then(|id| self.groups.get(id))
    }

    /// All groups, in no order.
    pub fn groups(&self) -> impl Iterator<Item = &Arc<Group>> {
        self.groups.values()
    }

    /// The direct members of a group.
    pub fn members(&self, group: GroupId) -> impl Iterator<Item = Member> {
        self.members.get(&group).into_iter().flatten().copied()
    }

    /// The groups that a person or group is a direct member of.
    pub fn parents(&self, member: Member) -> impl Iterator<Item = GroupId> {
        self.parents.get(&member).into_iter().flatten().copied()
    }

    /// A service by id.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Arc<Service>> {
        self.services.get(&id)
    }

    /// All services, in no order.
    pub fn services(&self) -> impl Iterator<Item = &Arc<Service>> {
        self.services.values()
    }

    /// A key by id, revoked or not.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&Arc<Key>> {
        self.keys.get(&id)
    }

    /// A key that is not revoked, by the hash of its secret.
    #[must_use]
    pub fn key_by_hash(&self, hash: &SecretHash) -> Option<&Arc<Key>> {
        self.key_by_hash.get(hash).and_then(|id| self.keys.get(id))
    }

    /// All keys, in no order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<Key>> {
        self.keys.values()
    }

    /// A session by the hash of its cookie's secret.
    #[must_use]
    pub fn session(&self, hash: &SecretHash) -> Option<&Arc<Session>> {
        self.sessions.get(hash)
    }

    /// All sessions, in no order.
    pub fn sessions(&self) -> impl Iterator<Item = &Arc<Session>> {
        self.sessions.values()
    }

    /// The roles granted to exactly this token, not those it inherits.
    pub fn granted(&self, token: Token) -> impl Iterator<Item = Role> {
        self.grants.get(&token).into_iter().flatten().copied()
    }

    /// Whether this person or service exists and is active.
    #[must_use]
    pub fn is_active(&self, principal: Principal) -> bool {
        match principal {
            Principal::Person(id) => self.people.get(&id).is_some_and(|person| person.active),
            Principal::Service(id) => self.services.get(&id).is_some_and(|service| service.active),
        }
    }

    /// docs/access.md, hard rule 1: the person, every group reached, and `everyone` unless a guest; empty when
    /// inactive. A service for itself reaches itself alone.
    #[must_use]
    pub fn closure(&self, principal: Principal) -> BTreeSet<Token> {
        if !self.is_active(principal) {
            return BTreeSet::new();
        }
        let mut reached = BTreeSet::from([Token::from(principal)]);
        let Principal::Person(id) = principal else { return reached };
        if self.people.get(&id).is_some_and(|person| !person.external) {
            reached.insert(Token::Everyone);
        }
        let mut frontier = vec![Member::Person(id)];
        while let Some(member) = frontier.pop() {
            for group in self.parents(member) {
                if reached.insert(Token::Group(group)) {
                    frontier.push(Member::Group(group));
                }
            }
        }
        reached
    }

    /// The roles of a person or service: its own and those of every group it reaches.
    #[must_use]
    pub fn roles(&self, principal: Principal) -> BTreeSet<Role> {
        self.closure(principal).into_iter().flat_map(|token| self.granted(token).collect::<Vec<_>>()).collect()
    }
}
