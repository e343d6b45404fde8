//! From a presented secret to a [`Caller`]: who asks, through whom, with which roles. Pure over a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    CallerRecord, Capture, KeyId, Limits, PersonId, Principal, Role, Scope, ServiceId, SourceId, Timestamp, Token,
};

use crate::actor::Actor;
use crate::bounds::Bounds;
use crate::decide::{acting, lets_through, reaches_route};
use crate::directory::{Directory, Key, Person};
use crate::error::AccessError;
use crate::secret::{SecretHash, hash_secret};

/// The roles that a caller may use on this request.
pub type RoleSet = BTreeSet<Role>;

/// Who asks. Made by [`authenticate`], [`act_for`] or [`session_caller`]; never stored.
#[derive(Debug, Clone)]
pub struct Caller {
    principal: Principal,
    via: Vec<ServiceId>,
    key: Option<Arc<Key>>,
    roles: RoleSet,
}

/// How a service names the person for whom it acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnBehalfOf {
    /// By id.
    Person(PersonId),
    /// By `(source, external_id)`: a verified token's issuer and subject.
    External(String, String),
}

impl Caller {
    /// The person, or the service for itself, for whom the request counts.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        self.principal
    }

    /// The person for whom the request counts, if it is one.
    #[must_use]
    pub const fn person(&self) -> Option<PersonId> {
        match self.principal {
            Principal::Person(id) => Some(id),
            Principal::Service(_) => None,
        }
    }

    /// The services that carry the request, outermost first.
    #[must_use]
    pub fn via(&self) -> &[ServiceId] {
        &self.via
    }

    /// What the logs keep of this caller.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor { principal: self.principal, via: self.via.clone() }
    }

    /// The key that opened the door, unless it was a session or the control socket.
    #[must_use]
    pub fn key(&self) -> Option<KeyId> {
        self.key.as_ref().map(|key| key.id)
    }

    /// The limits of the key.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.key.as_ref().map(|key| key.limits).unwrap_or_default()
    }

    /// The most that the key lets be kept.
    #[must_use]
    pub fn capture(&self) -> Capture {
        self.key.as_ref().and_then(|key| key.capture).unwrap_or_default()
    }

    /// Whether the caller has this role on this request.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// The roles of this request.
    #[must_use]
    pub const fn roles(&self) -> &RoleSet {
        &self.roles
    }

    /// The scopes that narrow this caller; none where there is no key, or it is not narrowed.
    #[must_use]
    pub fn narrowed_to(&self) -> BTreeSet<Scope> {
        let scopes = self.key.iter().flat_map(|key| &key.scopes).copied();
        scopes.filter(|scope| *scope != Scope::ActFor).collect()
    }

    /// Whether the key is for this source, whatever its holder may do there.
    #[must_use]
    pub fn reaches(&self, source: SourceId) -> bool {
        self.bounds().reach(source)
    }

    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::of(self.key.as_deref())
    }

    /// Refuses a caller who could hand out more than they have themselves: one who acts for somebody else.
    ///
    /// # Errors
    /// [`AccessError::Narrowed`].
    pub fn require_in_person(&self) -> Result<(), AccessError> {
        if self.via.is_empty() { Ok(()) } else { Err(AccessError::Narrowed) }
    }

    /// Whether this caller would still be let in: the key neither revoked nor expired, everybody in the chain active,
    /// and the person still within the service's reach (docs/access.md, rule 11).
    ///
    /// # Errors
    /// [`AccessError::InvalidKey`] or [`AccessError::ActForDenied`].
    pub fn recheck(&self, directory: &Directory, now: Timestamp) -> Result<(), AccessError> {
        if let Some(key) = &self.key {
            let good = directory.key(key.id).filter(|key| key.revoked_at.is_none());
            if good.is_none_or(|key| key.expires_at.is_some_and(|expiry| expiry <= now)) {
                return Err(AccessError::InvalidKey);
            }
        }
        let chain = self.via.iter().map(|service| Principal::Service(*service));
        if !chain.chain([self.principal]).all(|principal| directory.is_active(principal)) {
            return Err(AccessError::InvalidKey);
        }
        let reached = |person| self.via.iter().all(|service| within_reach(directory, *service, person));
        if self.person().is_some_and(|person| !reached(person)) { Err(AccessError::ActForDenied) } else { Ok(()) }
    }

    /// Refuses a caller who has none of these roles.
    ///
    /// # Errors
    /// [`AccessError::RoleMissing`] names the first of them.
    pub fn require_any(&self, roles: &[Role]) -> Result<(), AccessError> {
        match roles.first() {
            Some(first) if !roles.iter().any(|role| self.has(*role)) => Err(AccessError::RoleMissing(*first)),
            _ => Ok(()),
        }
    }

    /// The same for a route; one that is not about one source is beyond a key for some of them.
    ///
    /// # Errors
    /// As [`Self::require_any`].
    pub fn require_for_route(&self, roles: &[Role], of_a_source: bool) -> Result<(), AccessError> {
        match roles.first() {
            Some(first) if !reaches_route(&self.bounds(), roles, of_a_source) => Err(AccessError::RoleMissing(*first)),
            _ => self.require_any(roles),
        }
    }

    /// What the records keep of this caller.
    #[must_use]
    pub fn record(&self, purpose: Option<String>, subject: Option<String>) -> CallerRecord {
        CallerRecord { principal: self.principal, via: self.via.clone(), key: self.key(), purpose, subject }
    }
}

/// Who holds this secret: the key must be known, not revoked, not expired, and its holder active.
///
/// # Errors
/// [`AccessError::InvalidKey`], whatever the reason.
pub fn authenticate(directory: &Directory, secret: &str, now: Timestamp) -> Result<Caller, AccessError> {
    let key = directory.key_by_hash(&hash_secret(secret)).ok_or(AccessError::InvalidKey)?;
    let expired = key.expires_at.is_some_and(|expiry| expiry <= now);
    if expired || !directory.is_active(key.holder) {
        return Err(AccessError::InvalidKey);
    }
    let roles = narrowed(directory.roles(key.holder), key);
    Ok(Caller { principal: key.holder, via: Vec::new(), key: Some(key.clone()), roles })
}

/// The same request on behalf of a person: the person's rights, narrowed by the key's scopes (docs/access.md, "service").
///
/// # Errors
/// [`AccessError::ActForDenied`] unless the caller is a service whose key has the scope `act_for`, and the person
/// exists, is active and stands in one of the service's groups (where it is limited to groups).
pub fn act_for(directory: &Directory, caller: Caller, whom: &OnBehalfOf) -> Result<Caller, AccessError> {
    let person = named(directory, whom).ok_or(AccessError::ActForDenied)?;
    let verdict = acting(directory, caller.principal, caller.key(), Some(person.id));
    let (Principal::Service(service), Some(key), true) = (caller.principal, caller.key, verdict.allowed) else {
        return Err(AccessError::ActForDenied);
    };
    let principal = Principal::Person(person.id);
    let roles = narrowed(directory.roles(principal), &key);
    Ok(Caller { principal, via: vec![service], key: Some(key), roles })
}

/// Who sits behind this cookie.
///
/// # Errors
/// [`AccessError::InvalidKey`] where the session is unknown or over, or the person not active.
pub fn session_caller(directory: &Directory, cookie: &SecretHash, now: Timestamp) -> Result<Caller, AccessError> {
    let session = directory.session(cookie).filter(|session| session.expires_at > now);
    let person = session.ok_or(AccessError::InvalidKey)?.person;
    local_caller(directory, person)
}

/// The person who reaches the control socket: the file system has checked them already.
fn local_caller(directory: &Directory, person: PersonId) -> Result<Caller, AccessError> {
    let principal = Principal::Person(person);
    if !directory.is_active(principal) {
        return Err(AccessError::InvalidKey);
    }
    Ok(Caller { principal, via: Vec::new(), key: None, roles: directory.roles(principal) })
}

impl Caller {
    /// The caller on the control socket, whose file only the installation's own user can open.
    ///
    /// # Errors
    /// [`AccessError::InvalidKey`] where that person is unknown or not active.
    pub fn on_control_socket(directory: &Directory, person: PersonId) -> Result<Self, AccessError> {
        local_caller(directory, person)
    }
}

fn narrowed(mut roles: RoleSet, key: &Key) -> RoleSet {
    roles.retain(|role| lets_through(key, *role));
    roles
}

fn named<'d>(directory: &'d Directory, whom: &OnBehalfOf) -> Option<&'d Arc<Person>> {
    match whom {
        OnBehalfOf::Person(id) => directory.person(*id),
        OnBehalfOf::External(source, external_id) => directory.person_by_external(source, external_id),
    }
}

fn within_reach(directory: &Directory, service: ServiceId, person: PersonId) -> bool {
    let Some(service) = directory.service(service) else { return false };
    if service.act_for.is_empty() {
        return true;
    }
    let closure = directory.closure(Principal::Person(person));
    service.act_for.iter().any(|group| closure.contains(&Token::Group(*group)))
}
