//! From history rows to the directory at an epoch: the newest at the start, any past one for replay.

use access::{Change, Directory, Group, Key, Person, Service, Session};

use super::epochs::{Head, load_head};
use super::history::token_of;
use crate::database::{Database, Row, values};
use crate::error::StoreError;
use crate::store::Store;

/// The newest directory and the end of the log.
pub(crate) async fn load_newest(database: &Database) -> Result<(Directory, Head), StoreError> {
    let head = load_head(database).await?;
    Ok((load_at(database, head.epoch()).await?, head))
}

type ChangeOf = fn(&Row) -> Result<Vec<Change>, StoreError>;

/// One table of history: what it holds at `$1`, and the changes that bring it about.
const TABLES: [(&str, ChangeOf); 7] = [
    ("SELECT body FROM people WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", person),
    ("SELECT body FROM person_groups WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", group),
    ("SELECT body FROM services WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", service),
    (
        "SELECT group_id, member FROM memberships WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)",
        membership,
    ),
    ("SELECT token, role FROM grants WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", grant),
    ("SELECT body FROM access_keys WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", key),
    ("SELECT body FROM sessions WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)", session),
];

async fn load_at(database: &Database, epoch: u64) -> Result<Directory, StoreError> {
    let mut directory = Directory::default();
    for (select, changes_of) in TABLES {
        for row in database.fetch_all((select, values![epoch])).await? {
            for change in changes_of(&row)? {
                directory.apply(epoch, &change);
            }
        }
    }
    Ok(directory)
}

fn person(row: &Row) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::PutPerson(row.json::<Person>("body")?)])
}

fn group(row: &Row) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::PutGroup(row.json::<Group>("body")?)])
}

fn service(row: &Row) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::PutService(row.json::<Service>("body")?)])
}

fn membership(row: &Row) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::AddMember(row.parsed("group_id")?, row.parsed("member")?)])
}

fn grant(row: &Row) -> Result<Vec<Change>, StoreError> {
    let token = token_of(row.text("token")?).ok_or_else(|| row.damaged("token", &"not a token"))?;
    Ok(vec![Change::GrantRole(token, row.parsed("role")?)])
}

/// A revoked key is added and then revoked, so that its secret opens nothing.
fn key(row: &Row) -> Result<Vec<Change>, StoreError> {
    let mut key = row.json::<Key>("body")?;
    let (id, revoked_at) = (key.id, key.revoked_at.take());
    let revoked = revoked_at.map(|at| Change::RevokeKey(id, at));
    Ok(std::iter::once(Change::AddKey(key)).chain(revoked).collect())
}

fn session(row: &Row) -> Result<Vec<Change>, StoreError> {
    Ok(vec![Change::AddSession(row.json::<Session>("body")?)])
}

impl Store {
    /// Identity as it was at an epoch, from the history rows; an epoch to come is the newest one.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn directory_at(&self, epoch: u64) -> Result<Directory, StoreError> {
        let newest = load_head(self.database()).await?.epoch();
        load_at(self.database(), epoch.min(newest)).await
    }
}
