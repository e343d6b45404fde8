//! From lines to changes: pure over a snapshot, apart from the new ids.

use std::collections::{BTreeSet, HashMap, HashSet};

use access::{Change, Directory, Group, Person};
use domain::{GroupId, Member, PersonId, Role, Timestamp, Token};

use super::ImportCounts;
use super::lines::{GroupLine, Line, Numbered, PersonLine, at};
use crate::admin::ADMIN;
use crate::app::App;
use crate::error::AppError;
use crate::identity::regrant;
use crate::{groups, people};

/// What an import is going to change.
pub(super) struct Plan<'a> {
    app: &'a App,
    directory: &'a Directory,
    source: &'a str,
    now: Timestamp,
    people: HashMap<String, PersonId>,
    groups: HashMap<String, GroupId>,
    user_names: HashMap<String, PersonId>,
    changes: Vec<Change>,
    counts: ImportCounts,
}

impl<'a> Plan<'a> {
    pub(super) fn new(app: &'a App, directory: &'a Directory, source: &'a str) -> Self {
        let here = || directory.people().filter(|person| person.source == source);
        let groups = directory.groups().filter(|group| group.source == source);
        Self {
            app,
            directory,
            source,
            now: app.now(),
            people: here().map(|person| (person.external_id.clone(), person.id)).collect(),
            groups: groups.map(|group| (group.external_id.clone(), group.id)).collect(),
            user_names: here().map(|person| (person.user_name.clone(), person.id)).collect(),
            changes: Vec::new(),
            counts: ImportCounts::default(),
        }
    }

    /// People and groups first, so that members may stand before or after their group.
    pub(super) fn add(&mut self, lines: &[Numbered]) -> Result<(), AppError> {
        self.release_user_names(lines);
        for (number, line) in lines {
            let added = match line {
                Line::Person(line) => self.add_person(line),
                Line::Group(line) => self.add_group(line),
            };
            added.map_err(|error| numbered(*number, error))?;
        }
        for (number, line) in lines {
            if let Line::Group(GroupLine { external_id, members: Some(members), .. }) = line {
                self.set_members(external_id, members).map_err(|error| numbered(*number, error))?;
            }
        }
        Ok(())
    }

    /// What the source no longer names: people are deactivated, groups emptied. The installation's own `admin` stays,
    /// for no export knows of them.
    pub(super) fn complete(&mut self, lines: &[Numbered]) {
        let (mut people, mut groups) = (HashSet::from([ADMIN]), HashSet::new());
        for (_, line) in lines {
            match line {
                Line::Person(line) => people.insert(line.external_id.as_str()),
                Line::Group(line) => groups.insert(line.external_id.as_str()),
            };
        }
        let here = self.directory.people().filter(|person| person.source == self.source && person.active);
        for person in here.filter(|person| !people.contains(person.external_id.as_str())) {
            let gone = Person { active: false, ..Person::clone(person) };
            self.changes.extend(people::put(self.directory, gone));
            self.counts.people.deactivated += 1;
        }
        let here = self.directory.groups().filter(|group| group.source == self.source);
        for group in here.filter(|group| !groups.contains(group.external_id.as_str())) {
            let leaving: Vec<Member> = self.directory.members(group.id).collect();
            self.counts.groups.emptied += u64::from(!leaving.is_empty());
            self.counts.members.removed += leaving.len() as u64;
            self.changes.extend(leaving.into_iter().map(|member| Change::RemoveMember(group.id, member)));
        }
    }

    pub(super) fn finish(self) -> (Vec<Change>, ImportCounts) {
        (self.changes, self.counts)
    }

    fn add_person(&mut self, line: &PersonLine) -> Result<(), AppError> {
        let old = self.people.get(&line.external_id).and_then(|id| self.directory.person(*id));
        let new = match old {
            Some(old) => merged(Person::clone(old), line),
            None => merged(self.somebody(line), line),
        };
        people::check(&new)?;
        self.claim_user_name(&new)?;
        let roles = match (old, &line.roles) {
            (_, Some(roles)) => Some(roles.clone()),
            (None, None) => Some(BTreeSet::from([Role::User])),
            (Some(_), None) => None,
        };
        let granted = roles.map(|roles| regrant(self.directory, Token::Person(new.id), &roles)).unwrap_or_default();
        let counts = &mut self.counts.people;
        match old {
            None => counts.created += 1,
            Some(old) if **old == new && granted.is_empty() => counts.unchanged += 1,
            Some(_) => counts.updated += 1,
        }
        self.people.insert(new.external_id.clone(), new.id);
        if old.is_none_or(|old| **old != new) {
            self.changes.extend(people::put(self.directory, new));
        }
        self.changes.extend(granted);
        Ok(())
    }

    fn somebody(&self, line: &PersonLine) -> Person {
        Person {
            id: PersonId::from_uuid(self.app.ids.uuid(self.now)),
            source: self.source.to_owned(),
            external_id: line.external_id.clone(),
            user_name: line.external_id.clone(),
            display_name: line.user_name.as_ref().unwrap_or(&line.external_id).clone(),
            email: None,
            external: false,
            active: true,
            attributes: std::collections::BTreeMap::new(),
            created_at: self.now,
        }
    }

    /// Names that somebody gives up in this import are free for others, in whatever order the lines stand.
    fn release_user_names(&mut self, lines: &[Numbered]) {
        for (_, line) in lines {
            let Line::Person(PersonLine { external_id, user_name: Some(user_name), .. }) = line else { continue };
            let old = self.people.get(external_id).and_then(|id| self.directory.person(*id));
            if let Some(old) = old.filter(|old| old.user_name != *user_name) {
                self.user_names.remove(&old.user_name);
            }
        }
    }

    /// One user name, one person within a source.
    fn claim_user_name(&mut self, new: &Person) -> Result<(), AppError> {
        match self.user_names.insert(new.user_name.clone(), new.id) {
            Some(other) if other != new.id => {
                let message = format!("the user name '{}' is somebody else's: give each their own", new.user_name);
                Err(AppError::invalid("user_name", message))
            }
            _ => Ok(()),
        }
    }

    fn add_group(&mut self, line: &GroupLine) -> Result<(), AppError> {
        let old = self.groups.get(&line.external_id).and_then(|id| self.directory.group(*id));
        let mut new = old.map_or_else(
            || Group {
                id: GroupId::from_uuid(self.app.ids.uuid(self.now)),
                source: self.source.to_owned(),
                external_id: line.external_id.clone(),
                name: line.external_id.clone(),
                created_at: self.now,
            },
            |old| Group::clone(old),
        );
        new.name = line.name.clone().unwrap_or(new.name);
        groups::check(&new)?;
        let regranted = line.roles.as_ref().map(|roles| regrant(self.directory, Token::Group(new.id), roles));
        let granted = regranted.unwrap_or_default();
        let counts = &mut self.counts.groups;
        match old {
            None => counts.created += 1,
            Some(old) if **old == new && granted.is_empty() => counts.unchanged += 1,
            Some(_) => counts.updated += 1,
        }
        self.groups.insert(new.external_id.clone(), new.id);
        if old.is_none_or(|old| **old != new) {
            self.changes.push(Change::PutGroup(new));
        }
        self.changes.extend(granted);
        Ok(())
    }

    fn set_members(&mut self, group: &str, names: &[String]) -> Result<(), AppError> {
        let Some(group) = self.groups.get(group).copied() else { return Ok(()) };
        let wanted: BTreeSet<Member> = names.iter().map(|name| self.member(name)).collect::<Result<_, _>>()?;
        let held: BTreeSet<Member> = self.directory.members(group).collect();
        let leaving = held.difference(&wanted).map(|member| Change::RemoveMember(group, *member));
        let joining = wanted.difference(&held).map(|member| Change::AddMember(group, *member));
        let before = self.changes.len();
        self.changes.extend(leaving);
        let removed = self.changes.len() - before;
        self.changes.extend(joining);
        self.counts.members.removed += removed as u64;
        self.counts.members.added += (self.changes.len() - before - removed) as u64;
        Ok(())
    }

    fn member(&self, name: &str) -> Result<Member, AppError> {
        match (self.people.get(name), self.groups.get(name)) {
            (Some(person), None) => Ok(Member::Person(*person)),
            (None, Some(group)) => Ok(Member::Group(*group)),
            (None, None) => {
                let message = format!("the member '{name}' is in no line and not known in this source: add its line");
                Err(AppError::invalid("members", message))
            }
            (Some(_), Some(_)) => {
                let message = format!("'{name}' is a person and a group: give them different external ids");
                Err(AppError::invalid("members", message))
            }
        }
    }
}

/// What the line gives, over what there is.
fn merged(mut person: Person, line: &PersonLine) -> Person {
    person.user_name = line.user_name.clone().unwrap_or(person.user_name);
    person.display_name = line.display_name.clone().unwrap_or(person.display_name);
    person.email = line.email.clone().or(person.email).filter(|email| !email.is_empty());
    person.external = line.external.unwrap_or(person.external);
    person.active = line.active.unwrap_or(person.active);
    person.attributes = line.attributes.clone().unwrap_or(person.attributes);
    person
}

fn numbered(number: usize, error: AppError) -> AppError {
    match error {
        AppError::Invalid { param, message, .. } => at(number, param, &message),
        other => other,
    }
}
