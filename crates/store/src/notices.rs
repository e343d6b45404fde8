//! Notices to people about what others did in their name or with what is theirs: a key was made for you, a document of
//! your source was opened.

use access::Actor;
use domain::{PersonId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::actor::{actor_of, columns};
use crate::database::{Row, Sql, Value, Writing, values};
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
    /// Its place among the person's own, counted from 1: how many others got is not theirs to see.
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

    /// The notices for a person, newest first; `before` is the number of the last one of the page before. One that was
    /// kept for later is among them from its time on.
    ///
    /// # Errors
    /// Where the state cannot be read, or a notice that is due cannot be moved.
    pub async fn notices(&self, person: PersonId, before: Option<u64>, limit: u32) -> Result<Page<Notice>, StoreError> {
        show_due(self, person).await?;
        let limit = bounded(limit);
        let mut select = Sql::from(
            "SELECT place, person, kind, subject, actor, via, at FROM (SELECT ROW_NUMBER() OVER (ORDER BY number) AS place, \
             person, kind, subject, actor, via, at FROM notices WHERE person = ",
        );
        select.bind(person).push(") AS own");
        if let Some(before) = before {
            select.push(" WHERE place < ").bind(before);
        }
        select.push(" ORDER BY place DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(notice).collect::<Result<_, _>>()?, limit))
    }
}

/// Moves the notices of a person that are due now among those that are shown. Each is as if it had come at its time.
async fn show_due(store: &Store, person: PersonId) -> Result<(), StoreError> {
    const DUE: &str = "SELECT kind, subject, actor, via, due_at FROM delayed_notices WHERE person = $1 AND due_at <= $2 \
        ORDER BY due_at, subject";
    const REMOVE: &str = "DELETE FROM delayed_notices WHERE person = $1 AND due_at <= $2";
    let now = store.now();
    if store.database().fetch_optional((DUE, values![person, now])).await?.is_none() {
        return Ok(());
    }
    // Read again where nobody else writes: two who look at once must not both move them.
    let mut writing = store.database().write().await?;
    for row in writing.fetch_all((DUE, values![person, now])).await? {
        let (kind, subject) = (row.text("kind")?.to_owned(), row.text("subject")?.to_owned());
        let notice = NewNotice { person, kind, subject, actor: actor_of(&row)? };
        insert_notice(&mut writing, notice, row.time("due_at")?).await?;
    }
    writing.execute((REMOVE, values![person, now])).await?;
    writing.commit().await
}

/// Keeps a notice for later.
pub(crate) fn delayed_statement(
    notice: NewNotice,
    due_at: Timestamp,
) -> Result<(&'static str, Vec<Value>), StoreError> {
    const INSERT: &str =
        "INSERT INTO delayed_notices (person, kind, subject, actor, via, due_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let NewNotice { person, kind, subject, actor } = notice;
    let (actor, via) = columns(actor.as_ref())?;
    Ok((INSERT, values![person, kind, subject, actor, via, due_at]))
}

pub(crate) async fn insert_notice(writing: &mut Writing, notice: NewNotice, at: Timestamp) -> Result<(), StoreError> {
    writing.execute(statement(notice, at)?).await.map(drop)
}

/// Numbers follow one another because there is one writer.
pub(crate) fn statement(notice: NewNotice, at: Timestamp) -> Result<(&'static str, Vec<Value>), StoreError> {
    const INSERT: &str = "INSERT INTO notices (number, person, kind, subject, actor, via, at) \
        SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM notices";
    let NewNotice { person, kind, subject, actor } = notice;
    let (actor, via) = columns(actor.as_ref())?;
    Ok((INSERT, values![person, kind, subject, actor, via, at]))
}

fn notice(row: &Row) -> Result<Notice, StoreError> {
    Ok(Notice {
        number: row.count("place")?,
        person: row.parsed("person")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        actor: actor_of(row)?,
        at: row.time("at")?,
    })
}
