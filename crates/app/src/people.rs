//! People: made, read, changed, deactivated. An id is never reused, so nobody is ever removed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Caller, Change, Directory, Person};
use domain::{PersonId, Role, Timestamp, Token};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::identity::{change, regrant};
use crate::listing::{Listing, Slice};
use crate::lookup;
use crate::naming::{check_attributes, check_name, check_text};
use crate::repeat::Repeat;

/// The source of people and groups that are made here.
pub const LOCAL: &str = "local";

/// A person to be made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct NewPerson {
    /// The name to sign in with, unique within the source.
    pub user_name: String,
    /// The name to show.
    pub display_name: String,
    /// An address; never a key.
    pub email: Option<String>,
    /// Where the person comes from: `local` unless given; for single sign-on, the issuer.
    pub source: Option<String>,
    /// The id there, `user_name` unless given; for single sign-on, the subject.
    pub external_id: Option<String>,
    /// A guest: not part of `everyone`.
    pub external: Option<bool>,
    /// Active unless given.
    pub active: Option<bool>,
    /// `["user"]` unless given. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
    /// What policies may name: strings, whole numbers, booleans, lists of strings.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub attributes: Option<BTreeMap<String, Value>>,
}

/// What is to change of a person; what is absent stays. Source and external id are the person's key and never change.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct PersonChange {
    /// The name to sign in with.
    pub user_name: Option<String>,
    /// The name to show.
    pub display_name: Option<String>,
    /// An address; empty for none.
    pub email: Option<String>,
    /// A guest: not part of `everyone`.
    pub external: Option<bool>,
    /// An inactive person may do nothing. Their sessions and unused sign-in links end; their keys rest until they are
    /// active again or the keys are taken back.
    pub active: Option<bool>,
    /// All roles from now on. Only a holder of a role grants it.
    #[schema(value_type = Option<Vec<crate::schema::Role>>)]
    pub roles: Option<BTreeSet<Role>>,
    /// All attributes from now on.
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub attributes: Option<BTreeMap<String, Value>>,
}

/// A person as administrators and the person see them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PersonRecord {
    /// Its id, never reused.
    #[schema(value_type = String)]
    pub id: PersonId,
    /// The name to sign in with.
    pub user_name: String,
    /// The name to show.
    pub display_name: String,
    /// An address; never a key.
    pub email: Option<String>,
    /// Where the person comes from.
    pub source: String,
    /// The id there.
    pub external_id: String,
    /// A guest: not part of `everyone`.
    pub external: bool,
    /// An inactive person may do nothing.
    pub active: bool,
    /// The person's own roles; groups may add others.
    #[schema(value_type = Vec<crate::schema::Role>)]
    pub roles: BTreeSet<Role>,
    /// What policies may name.
    pub attributes: BTreeMap<String, Value>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

/// Makes a person.
///
/// # Errors
/// A field is wrong, the person exists already in this source, or the caller lacks a role that is granted.
pub async fn create(app: &App, caller: &Caller, new: NewPerson, repeat: Repeat) -> Result<PersonRecord, AppError> {
    let roles = new.roles.clone().unwrap_or_else(|| BTreeSet::from([Role::User]));
    let person = draft(app, new, repeat)?;
    let mut id = person.id;
    let directory = change(app, caller, |directory| {
        if let Some(made) = repeat.find(directory.people().map(|person| person.id.uuid())) {
            id = PersonId::from_uuid(made);
            return Ok(Vec::new());
        }
        is_free(directory, &person)?;
        let granted = regrant(directory, Token::Person(id), &roles);
        Ok(std::iter::once(Change::PutPerson(person)).chain(granted).collect())
    })
    .await?;
    record_of(&directory, id)
}

/// A person whom the caller may discover.
///
/// # Errors
/// There is none.
pub fn get(app: &App, caller: &Caller, person: &str) -> Result<PersonRecord, AppError> {
    let directory = app.directory();
    let person = lookup::person(&directory, caller, person)?;
    Ok(record(&directory, &person))
}

/// All people, in the order in which they were made.
///
/// # Errors
/// The listing is wrong.
pub fn list(app: &App, listing: &Listing) -> Result<Slice<PersonRecord>, AppError> {
    let directory = app.directory();
    let slice = listing.of(directory.people().map(|person| (person.id.uuid(), person)), PersonId::PREFIX)?;
    Ok(slice.map(|person| record(&directory, person)))
}

/// Changes a person.
///
/// # Errors
/// A field is wrong, the name is taken, the caller lacks a role that is granted, or nobody would be left to administer.
pub async fn update(app: &App, caller: &Caller, name: &str, wanted: PersonChange) -> Result<PersonRecord, AppError> {
    check_change(&wanted)?;
    let mut id = None;
    let directory = change(app, caller, |directory| {
        let old = lookup::person(directory, caller, name)?;
        id = Some(old.id);
        changes_of(directory, &old, wanted)
    })
    .await?;
    record_of(&directory, id.ok_or_else(AppError::not_found)?)
}

/// Deactivates a person: nothing they hold works from the next request on. See [`PersonChange::active`] for what comes
/// back with them.
///
/// # Errors
/// There is no such person, or nobody would be left to administer.
pub async fn deactivate(app: &App, caller: &Caller, person: &str) -> Result<PersonRecord, AppError> {
    update(app, caller, person, PersonChange { active: Some(false), ..PersonChange::default() }).await
}

fn draft(app: &App, new: NewPerson, repeat: Repeat) -> Result<Person, AppError> {
    let person = Person {
        id: PersonId::from_uuid(repeat.uuid(app)),
        source: new.source.unwrap_or_else(|| LOCAL.to_owned()),
        external_id: new.external_id.unwrap_or_else(|| new.user_name.clone()),
        user_name: new.user_name,
        display_name: new.display_name,
        email: new.email.filter(|email| !email.is_empty()),
        external: new.external.unwrap_or(false),
        active: new.active.unwrap_or(true),
        attributes: new.attributes.unwrap_or_default(),
        created_at: app.now(),
    };
    check(&person)?;
    Ok(person)
}

/// Refuses a person with a field that is wrong.
pub(crate) fn check(person: &Person) -> Result<(), AppError> {
    check_name("user_name", &person.user_name)?;
    check_name("external_id", &person.external_id)?;
    check_name("source", &person.source)?;
    check_text("display_name", &person.display_name)?;
    check_text("email", person.email.as_deref().unwrap_or_default())?;
    check_attributes(&person.attributes)
}

fn check_change(wanted: &PersonChange) -> Result<(), AppError> {
    wanted.user_name.as_deref().map_or(Ok(()), |name| check_name("user_name", name))?;
    check_text("display_name", wanted.display_name.as_deref().unwrap_or_default())?;
    check_text("email", wanted.email.as_deref().unwrap_or_default())?;
    wanted.attributes.as_ref().map_or(Ok(()), check_attributes)
}

/// Refuses a second person with the same key, or the same user name in one source.
fn is_free(directory: &Directory, person: &Person) -> Result<(), AppError> {
    let other = |found: &&Arc<Person>| found.id != person.id && found.source == person.source;
    let taken = directory
        .people()
        .filter(other)
        .find(|found| found.external_id == person.external_id || found.user_name == person.user_name);
    let Some(taken) = taken else { return Ok(()) };
    let (field, value) = if taken.user_name == person.user_name {
        ("user_name", &person.user_name)
    } else {
        ("external_id", &person.external_id)
    };
    let source = &person.source;
    Err(AppError::exists(format!("a person with {field} '{value}' exists in source '{source}': change that one")))
}

fn changes_of(directory: &Directory, old: &Person, wanted: PersonChange) -> Result<Vec<Change>, AppError> {
    let roles = wanted.roles.clone();
    let new = changed(old.clone(), wanted);
    let mut changes = Vec::new();
    if new != *old {
        if new.user_name != old.user_name {
            is_free(directory, &new)?;
        }
        changes.extend(put(directory, new));
    }
    if let Some(roles) = roles {
        changes.extend(regrant(directory, Token::Person(old.id), &roles));
    }
    Ok(changes)
}

fn changed(mut person: Person, wanted: PersonChange) -> Person {
    person.user_name = wanted.user_name.unwrap_or(person.user_name);
    person.display_name = wanted.display_name.unwrap_or(person.display_name);
    person.email = wanted.email.or(person.email).filter(|email| !email.is_empty());
    person.external = wanted.external.unwrap_or(person.external);
    person.active = wanted.active.unwrap_or(person.active);
    person.attributes = wanted.attributes.unwrap_or(person.attributes);
    person
}

/// Replaces a person. Whoever is deactivated is signed out everywhere, so that coming back does not revive a browser.
pub(crate) fn put(directory: &Directory, person: Person) -> Vec<Change> {
    let theirs = |hash: &Arc<access::Session>| !person.active && hash.person == person.id;
    let ended = directory.sessions().filter(|session| theirs(session)).map(|session| Change::EndSession(session.hash));
    let mut changes: Vec<Change> = ended.collect();
    changes.push(Change::PutPerson(person));
    changes
}

fn record_of(directory: &Directory, id: PersonId) -> Result<PersonRecord, AppError> {
    directory.person(id).map(|person| record(directory, person)).ok_or_else(AppError::not_found)
}

fn record(directory: &Directory, person: &Person) -> PersonRecord {
    let Person { id, source, external_id, user_name, display_name, email, external, active, attributes, created_at } =
        person.clone();
    let roles = directory.granted(Token::Person(id)).collect();
    PersonRecord {
        id,
        user_name,
        display_name,
        email,
        source,
        external_id,
        external,
        active,
        roles,
        attributes,
        created_at,
    }
}
