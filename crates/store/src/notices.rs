//! Notices to people about what others did in their name: a key was made for you.

use access::Actor;
use domain::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::actor::{actor_of, columns};
use crate::database::{Row, Sql, Writing, values};
use crate::error::StoreError;
use crate::store::{Page, Store, bounded};

/// A notice to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotice {
    /// For whom.
    pub person: PersonId,
    /// What happened: `key_made`, `sign_in_link_made`, ...
    pub kind: String,
    /// The id of what it is about.
    pub subject: String,
    /// Who did it, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
}

/// A notice as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its number, rising with time.
    pub number: u64,
    /// For whom.
    pub person: PersonId,
    /// What happened.
    pub kind: String,
    /// The id of what it is about.
    pub subject: String,
    /// Who did it, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Leaves a notice. Those about keys and sign-in links are left by [`Store::commit`] and [`Store::add_link`].
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn add_notice(&self, notice: NewNotice) -> Result<(), StoreError> {
        let mut writing = self.database().write().await?;
        insert_notice(&mut writing, notice, self.now()).await?;
        writing.commit().await
    }

    /// The notices for a person, newest first; `before` is the number of the last one of the page before.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn notices(&self, person: PersonId, before: Option<u64>, limit: u32) -> Result<Page<Notice>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from("SELECT number, person, kind, subject, actor, via, at FROM notices WHERE person = ");
        select.bind(person);
        if let Some(before) = before {
            select.push(" AND number < ").bind(before);
        }
        select.push(" ORDER BY number DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(notice).collect::<Result<_, _>>()?, limit))
    }
}

/// Numbers follow one another because there is one writer.
pub(crate) async fn insert_notice(writing: &mut Writing, notice: NewNotice, at: Timestamp) -> Result<(), StoreError> {
    const INSERT: &str = "INSERT INTO notices (number, person, kind, subject, actor, via, at) \
        SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM notices";
    let NewNotice { person, kind, subject, actor } = notice;
    let (actor, via) = columns(actor.as_ref())?;
    writing.execute((INSERT, values![person, kind, subject, actor, via, at])).await.map(drop)
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    Ok(Notice {
        number: row.count("number")?,
        person: row.parsed("person")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        actor: actor_of(row)?,
        at: row.time("at")?,
    })
}
