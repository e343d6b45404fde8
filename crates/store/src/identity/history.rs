//! History rows: what held from which epoch to which. A row is inserted and later closed; nothing else changes it.

use access::{Change, Directory, Group, Key, Person};
use domain::{GroupId, Member, Principal, Token};

use super::epochs::{EpochEntry, hex};
use crate::database::{Value, Writing, json, values};
use crate::error::StoreError;
use crate::notices::{NewNotice, insert_notice};

/// Writes what a change means for the history. `after` is the directory with the change applied.
pub(super) async fn write(
    writing: &mut Writing,
    entry: &EpochEntry,
    change: &Change,
    after: &Directory,
) -> Result<(), StoreError> {
    let epoch = entry.epoch;
    match change {
        Change::PutPerson(person) => put_person(writing, epoch, person).await,
        Change::PutGroup(group) => put_group(writing, epoch, group).await,
        Change::RemoveGroup(group) => remove_group(writing, epoch, *group).await,
        Change::PutService(service) => {
            close(writing, "UPDATE services SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL", epoch, service.id)
                .await?;
            let insert = "INSERT INTO services (id, from_epoch, body) VALUES ($1, $2, $3)";
            writing.execute((insert, values![service.id, epoch, json(service)?])).await.map(drop)
        }
        Change::AddMember(group, member) => {
            let insert = "INSERT INTO memberships (group_id, member, from_epoch) VALUES ($1, $2, $3) \
                ON CONFLICT DO NOTHING";
            writing.execute((insert, values![*group, *member, epoch])).await.map(drop)
        }
        Change::RemoveMember(group, member) => {
            let update = "UPDATE memberships SET to_epoch = $1 \
                WHERE group_id = $2 AND member = $3 AND to_epoch IS NULL";
            writing.execute((update, values![epoch, *group, *member])).await.map(drop)
        }
        Change::GrantRole(token, role) => {
            let insert = "INSERT INTO grants (token, role, from_epoch) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            writing.execute((insert, values![token_text(*token), role.as_str(), epoch])).await.map(drop)
        }
        Change::RevokeRole(token, role) => {
            let update = "UPDATE grants SET to_epoch = $1 WHERE token = $2 AND role = $3 AND to_epoch IS NULL";
            writing.execute((update, values![epoch, token_text(*token), role.as_str()])).await.map(drop)
        }
        Change::AddKey(key) => {
            put_key(writing, epoch, key).await?;
            tell_holder(writing, entry, key).await
        }
        Change::RevokeKey(id, _) => match after.key(*id) {
            Some(key) => put_key(writing, epoch, key).await,
            None => Ok(()),
        },
        Change::AddSession(session) => {
            end_session(writing, epoch, session.hash.as_bytes()).await?;
            let insert = "INSERT INTO sessions (hash, from_epoch, body) VALUES ($1, $2, $3)";
            writing.execute((insert, values![hex(session.hash.as_bytes()), epoch, json(session)?])).await.map(drop)
        }
        Change::EndSession(hash) => end_session(writing, epoch, hash.as_bytes()).await,
    }
}

async fn close(
    writing: &mut Writing,
    update: &'static str,
    epoch: u64,
    what: impl Into<Value>,
) -> Result<(), StoreError> {
    writing.execute((update, values![epoch, what.into()])).await.map(drop)
}

async fn put_person(writing: &mut Writing, epoch: u64, person: &Person) -> Result<(), StoreError> {
    close(writing, "UPDATE people SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL", epoch, person.id).await?;
    let insert = "INSERT INTO people (id, from_epoch, source, external_id, body) VALUES ($1, $2, $3, $4, $5)";
    let (source, external_id) = (person.source.as_str(), person.external_id.as_str());
    writing.execute((insert, values![person.id, epoch, source, external_id, json(person)?])).await.map(drop)
}

async fn put_group(writing: &mut Writing, epoch: u64, group: &Group) -> Result<(), StoreError> {
    close(writing, CLOSE_GROUP, epoch, group.id).await?;
    let insert = "INSERT INTO person_groups (id, from_epoch, source, external_id, body) VALUES ($1, $2, $3, $4, $5)";
    let (source, external_id) = (group.source.as_str(), group.external_id.as_str());
    writing.execute((insert, values![group.id, epoch, source, external_id, json(group)?])).await.map(drop)
}

const CLOSE_GROUP: &str = "UPDATE person_groups SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";

async fn remove_group(writing: &mut Writing, epoch: u64, group: GroupId) -> Result<(), StoreError> {
    close(writing, CLOSE_GROUP, epoch, group).await?;
    let members = "UPDATE memberships SET to_epoch = $1 WHERE group_id = $2 AND to_epoch IS NULL";
    close(writing, members, epoch, group).await?;
    let parents = "UPDATE memberships SET to_epoch = $1 WHERE member = $2 AND to_epoch IS NULL";
    close(writing, parents, epoch, Member::Group(group)).await?;
    let grants = "UPDATE grants SET to_epoch = $1 WHERE token = $2 AND to_epoch IS NULL";
    close(writing, grants, epoch, token_text(Token::Group(group))).await
}

async fn put_key(writing: &mut Writing, epoch: u64, key: &Key) -> Result<(), StoreError> {
    close(writing, "UPDATE access_keys SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL", epoch, key.id).await?;
    let insert = "INSERT INTO access_keys (id, from_epoch, holder, hash, revoked_at, body) \
        VALUES ($1, $2, $3, $4, $5, $6)";
    let hash = hex(key.hash.as_bytes());
    writing.execute((insert, values![key.id, epoch, key.holder, hash, key.revoked_at, json(key)?])).await.map(drop)
}

async fn end_session(writing: &mut Writing, epoch: u64, hash: &[u8; 32]) -> Result<(), StoreError> {
    close(writing, "UPDATE sessions SET to_epoch = $1 WHERE hash = $2 AND to_epoch IS NULL", epoch, hex(hash)).await
}

/// ACCESS.md, rule 6: a key made for another person is shown to that person. In the same transaction, so that no
/// crash can part the two.
async fn tell_holder(writing: &mut Writing, entry: &EpochEntry, key: &Key) -> Result<(), StoreError> {
    let Principal::Person(person) = key.holder else { return Ok(()) };
    if entry.actor == Some(key.holder) {
        return Ok(());
    }
    let notice = NewNotice { person, kind: "key_made".to_owned(), subject: key.id.to_string(), actor: entry.actor };
    insert_notice(writing, notice, entry.at).await
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
pub(super) fn token_of(text: &str) -> Option<Token> {
    if text == "everyone" {
        return Some(Token::Everyone);
    }
    let person = text.parse().map(Token::Person);
    person.or_else(|_| text.parse().map(Token::Group)).or_else(|_| text.parse().map(Token::Service)).ok()
}
