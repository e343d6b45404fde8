//! History rows: what held from which epoch to which. A row is inserted and later closed; nothing else changes it.

use access::{Actor, Change, Directory, Group, Key, Person};
use domain::{GroupId, KeyId, Member, Principal, Timestamp, Token};

use super::epochs::{EpochEntry, INSERT_EPOCHS, hex, row_of};
use crate::contents::Contents;
use crate::database::{Insert, Value, Writing, json, values};
use crate::error::StoreError;
use crate::knowledge::{Amendment, KnowledgeRow};
use crate::links::REMOVE_UNUSED;
use crate::notices::{NewNotice, insert_notice};

static INSERT_PEOPLE: Insert = Insert::new("INSERT INTO people (id, from_epoch, source, external_id, body) VALUES", 5);
static INSERT_GROUPS: Insert =
    Insert::new("INSERT INTO person_groups (id, from_epoch, source, external_id, body) VALUES", 5);
static INSERT_SERVICES: Insert = Insert::new("INSERT INTO services (id, from_epoch, body) VALUES", 3);
static INSERT_MEMBERSHIPS: Insert = Insert::new("INSERT INTO memberships (group_id, member, from_epoch) VALUES", 3);
static INSERT_GRANTS: Insert = Insert::new("INSERT INTO grants (token, role, from_epoch) VALUES", 3);
static INSERT_KEYS: Insert =
    Insert::new("INSERT INTO access_keys (id, from_epoch, holder, hash, revoked_at, body) VALUES", 6);
static INSERT_SESSIONS: Insert = Insert::new("INSERT INTO sessions (hash, from_epoch, body) VALUES", 3);

const CLOSE_PERSON: &str = "UPDATE people SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const CLOSE_GROUP: &str = "UPDATE person_groups SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const CLOSE_SERVICE: &str = "UPDATE services SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const CLOSE_MEMBERSHIP: &str =
    "UPDATE memberships SET to_epoch = $1 WHERE group_id = $2 AND member = $3 AND to_epoch IS NULL";
const CLOSE_MEMBERS: &str = "UPDATE memberships SET to_epoch = $1 WHERE group_id = $2 AND to_epoch IS NULL";
const CLOSE_PARENTS: &str = "UPDATE memberships SET to_epoch = $1 WHERE member = $2 AND to_epoch IS NULL";
const CLOSE_GRANT: &str = "UPDATE grants SET to_epoch = $1 WHERE token = $2 AND role = $3 AND to_epoch IS NULL";
const CLOSE_GRANTS: &str = "UPDATE grants SET to_epoch = $1 WHERE token = $2 AND to_epoch IS NULL";
const CLOSE_KEY: &str = "UPDATE access_keys SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const CLOSE_SESSION: &str = "UPDATE sessions SET to_epoch = $1 WHERE hash = $2 AND to_epoch IS NULL";

/// Rows that wait for one INSERT of many are written before this number is passed.
const MOST_WAITING: usize = 2_000;

/// Writes the history of one commit. New rows wait, so that an import is a few large statements; before anything is
/// closed, what waits is written, so that the order is kept.
pub(super) struct History<'w> {
    writing: &'w mut Writing,
    contents: &'w Contents,
    waiting: Vec<(&'static Insert, Vec<Vec<Value>>)>,
    rows: usize,
}

impl<'w> History<'w> {
    pub(super) const fn new(writing: &'w mut Writing, contents: &'w Contents) -> Self {
        Self { writing, contents, waiting: Vec::new(), rows: 0 }
    }

    /// Writes an entry of the epoch log and what its amendment means. `before` is the directory without it.
    pub(super) async fn write(
        &mut self,
        entry: &EpochEntry,
        amendment: &Amendment,
        before: &Directory,
    ) -> Result<(), StoreError> {
        self.insert(&INSERT_EPOCHS, row_of(entry)?);
        match amendment {
            Amendment::Identity(change) => self.write_change(entry, change, before).await?,
            _ => self.write_known(entry.epoch, amendment).await?,
        }
        if self.rows > MOST_WAITING { self.flush().await } else { Ok(()) }
    }

    async fn write_known(&mut self, epoch: u64, amendment: &Amendment) -> Result<(), StoreError> {
        for row in KnowledgeRow::of(epoch, amendment)? {
            match row {
                KnowledgeRow::Close(update, values) | KnowledgeRow::Run(update, values) => {
                    self.update(update, values).await?
                }
                KnowledgeRow::Insert(insert, values) => self.insert(insert, values),
                KnowledgeRow::Content(id, content) => self.contents.add(self.writing, id, &content).await?,
            }
        }
        Ok(())
    }

    async fn write_change(
        &mut self,
        entry: &EpochEntry,
        change: &Change,
        before: &Directory,
    ) -> Result<(), StoreError> {
        let epoch = entry.epoch;
        match change {
            Change::PutPerson(person) => self.put_person(epoch, person, before).await?,
            Change::PutGroup(group) => self.put_group(epoch, group, before).await?,
            Change::RemoveGroup(group) => self.remove_group(epoch, *group).await?,
            Change::PutService(service) => {
                if before.service(service.id).is_some() {
                    self.update(CLOSE_SERVICE, values![epoch, service.id]).await?;
                }
                self.insert(&INSERT_SERVICES, values![service.id, epoch, json(service)?]);
            }
            Change::AddMember(group, member) if !is_member(before, *group, *member) => {
                self.insert(&INSERT_MEMBERSHIPS, values![*group, *member, epoch]);
            }
            Change::RemoveMember(group, member) if is_member(before, *group, *member) => {
                self.update(CLOSE_MEMBERSHIP, values![epoch, *group, *member]).await?;
            }
            Change::GrantRole(token, role) if !before.granted(*token).any(|held| held == *role) => {
                self.insert(&INSERT_GRANTS, values![token_text(*token), role.as_str(), epoch]);
            }
            Change::RevokeRole(token, role) if before.granted(*token).any(|held| held == *role) => {
                self.update(CLOSE_GRANT, values![epoch, token_text(*token), role.as_str()]).await?;
            }
            Change::AddKey(key) => self.add_key(entry, key, before).await?,
            Change::RevokeKey(id, at) => self.revoke_key(epoch, *id, *at, before).await?,
            Change::AddSession(session) => {
                let hash = hex(session.hash.as_bytes());
                if before.session(&session.hash).is_some() {
                    self.update(CLOSE_SESSION, values![epoch, hash.as_str()]).await?;
                }
                self.insert(&INSERT_SESSIONS, values![hash, epoch, json(session)?]);
            }
            Change::EndSession(hash) => self.update(CLOSE_SESSION, values![epoch, hex(hash.as_bytes())]).await?,
            Change::AddMember(..) | Change::RemoveMember(..) | Change::GrantRole(..) | Change::RevokeRole(..) => {}
        }
        Ok(())
    }

    /// Writes what waits.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        self.rows = 0;
        for (insert, rows) in std::mem::take(&mut self.waiting) {
            insert.run(self.writing, &rows).await?;
        }
        Ok(())
    }

    fn insert(&mut self, insert: &'static Insert, row: Vec<Value>) {
        self.rows += 1;
        match self.waiting.iter_mut().find(|(table, _)| std::ptr::eq(*table, insert)) {
            Some((_, rows)) => rows.push(row),
            None => self.waiting.push((insert, vec![row])),
        }
    }

    async fn update(&mut self, update: &'static str, values: Vec<Value>) -> Result<(), StoreError> {
        self.flush().await?;
        self.writing.execute((update, values)).await.map(drop)
    }

    async fn put_person(&mut self, epoch: u64, person: &Person, before: &Directory) -> Result<(), StoreError> {
        if let Some(old) = before.person(person.id) {
            self.update(CLOSE_PERSON, values![epoch, person.id]).await?;
            if old.active && !person.active {
                self.update(REMOVE_UNUSED, values![person.id]).await?;
            }
        }
        let (source, external_id) = (person.source.as_str(), person.external_id.as_str());
        self.insert(&INSERT_PEOPLE, values![person.id, epoch, source, external_id, json(person)?]);
        Ok(())
    }

    async fn put_group(&mut self, epoch: u64, group: &Group, before: &Directory) -> Result<(), StoreError> {
        if before.group(group.id).is_some() {
            self.update(CLOSE_GROUP, values![epoch, group.id]).await?;
        }
        let (source, external_id) = (group.source.as_str(), group.external_id.as_str());
        self.insert(&INSERT_GROUPS, values![group.id, epoch, source, external_id, json(group)?]);
        Ok(())
    }

    async fn remove_group(&mut self, epoch: u64, group: GroupId) -> Result<(), StoreError> {
        self.update(CLOSE_GROUP, values![epoch, group]).await?;
        self.update(CLOSE_MEMBERS, values![epoch, group]).await?;
        self.update(CLOSE_PARENTS, values![epoch, Member::Group(group)]).await?;
        self.update(CLOSE_GRANTS, values![epoch, token_text(Token::Group(group))]).await
    }

    async fn add_key(&mut self, entry: &EpochEntry, key: &Key, before: &Directory) -> Result<(), StoreError> {
        if before.key(key.id).is_some() {
            self.update(CLOSE_KEY, values![entry.epoch, key.id]).await?;
        }
        self.insert_key(entry.epoch, key)?;
        self.tell_holder(entry, key).await
    }

    async fn revoke_key(&mut self, epoch: u64, id: KeyId, at: Timestamp, before: &Directory) -> Result<(), StoreError> {
        let Some(key) = before.key(id) else { return Ok(()) };
        self.update(CLOSE_KEY, values![epoch, id]).await?;
        self.insert_key(epoch, &Key { revoked_at: Some(at), ..Key::clone(key) })
    }

    fn insert_key(&mut self, epoch: u64, key: &Key) -> Result<(), StoreError> {
        let hash = hex(key.hash.as_bytes());
        self.insert(&INSERT_KEYS, values![key.id, epoch, key.holder, hash, key.revoked_at, json(key)?]);
        Ok(())
    }

    /// docs/access.md, rule 6: a key made for another person is shown to that person. In the same transaction, so that no
    /// crash can part the two.
    async fn tell_holder(&mut self, entry: &EpochEntry, key: &Key) -> Result<(), StoreError> {
        let Principal::Person(person) = key.holder else { return Ok(()) };
        let actor = entry.actor.clone();
        if actor == Some(Actor::from(key.holder)) {
            return Ok(());
        }
        let notice = NewNotice { person, kind: "key_made".to_owned(), subject: key.id.to_string(), actor };
        insert_notice(self.writing, notice, entry.at).await
    }
}

fn is_member(directory: &Directory, group: GroupId, member: Member) -> bool {
    directory.parents(member).any(|parent| parent == group)
}

pub(super) fn token_text(token: Token) -> String {
    match token {
        Token::Everyone => "everyone".to_owned(),
        Token::Person(id) => id.to_string(),
        Token::Group(id) => id.to_string(),
        Token::Service(id) => id.to_string(),
    }
}

/// The reverse of [`token_text`].
pub(crate) fn token_of(text: &str) -> Option<Token> {
    if text == "everyone" {
        return Some(Token::Everyone);
    }
    let person = text.parse().map(Token::Person);
    person.or_else(|_| text.parse().map(Token::Group)).or_else(|_| text.parse().map(Token::Service)).ok()
}
