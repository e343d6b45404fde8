//! One-time sign-in links: kept as a hash, with an expiry, usable once whoever else tries at the same moment.

use access::{Actor, SecretHash};
use domain::{LinkId, PersonId, Principal, Timestamp};
use serde_json::Value as Json;

use crate::acts::{NewAct, insert_act};
use crate::database::{Row, values};
use crate::error::StoreError;
use crate::identity::hex;
use crate::notices::{NewNotice, insert_notice};
use crate::store::Store;

/// A sign-in link, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInLink {
    /// Its id.
    pub id: LinkId,
    /// Whom it signs in.
    pub person: PersonId,
    /// Who made it; none for the installation itself.
    pub made_by: Option<Principal>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

/// When a person is deactivated: coming back must not revive a link that was made before.
pub(crate) const REMOVE_UNUSED: &str = "DELETE FROM sign_in_links WHERE person = $1 AND used_at IS NULL";

const COLUMNS: &str = "id, person, made_by, created_at, expires_at, used_at";

impl Store {
    /// Keeps a link. Made for another person, it leaves that person a notice (docs/access.md, rule 6).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] for an id or secret that is there already, or a person who is not active.
    pub async fn add_link(&self, link: &SignInLink, hash: &SecretHash) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO sign_in_links (id, hash, person, made_by, created_at, expires_at, used_at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7)";
        let SignInLink { id, person, made_by, created_at, expires_at, used_at } = *link;
        let hash = hex(hash.as_bytes());
        // Identity stands still: a deactivation comes before this or after it, and then takes the link away.
        let _identity = self.head().lock().await;
        if !self.directory().is_active(Principal::Person(person)) {
            return Err(StoreError::Conflict { detail: "the person is not active".to_owned() });
        }
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, values![id, hash, person, made_by, created_at, expires_at, used_at])).await?;
        // A link is made in person: no service stands in between.
        let actor = made_by.map(Actor::from);
        if made_by != Some(Principal::Person(person)) {
            let (kind, subject) = ("sign_in_link_made".to_owned(), id.to_string());
            let notice = NewNotice { person, kind, subject, actor: actor.clone() };
            insert_notice(&mut writing, notice, created_at).await?;
        }
        let ids = vec![id.to_string(), person.to_string()];
        let act = NewAct { actor, verb: "make_sign_in_link".to_owned(), ids, detail: Json::Null };
        insert_act(&mut writing, act, created_at).await?;
        writing.commit().await
    }

    /// Uses a link: it is answered once, and only before it expires.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn use_link(&self, hash: &SecretHash) -> Result<Option<SignInLink>, StoreError> {
        const USE: &str = "UPDATE sign_in_links SET used_at = $1 \
            WHERE hash = $2 AND used_at IS NULL AND expires_at > $1 \
            RETURNING id, person, made_by, created_at, expires_at, used_at";
        let mut writing = self.database().write().await?;
        let rows = writing.fetch_all((USE, values![self.now(), hex(hash.as_bytes())])).await?;
        let used = rows.first().map(link).transpose()?;
        writing.commit().await?;
        Ok(used)
    }

    /// The links made for a person, newest first, at most 1,000.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn links(&self, person: PersonId) -> Result<Vec<SignInLink>, StoreError> {
        let mut select = crate::database::Sql::from("SELECT ");
        select.push(COLUMNS).push(" FROM sign_in_links WHERE person = ").bind(person);
        select.push(" ORDER BY id DESC LIMIT 1000");
        self.database().fetch_all(select).await?.iter().map(link).collect()
    }

    /// Takes back a link that was not used. Answers whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn remove_link(&self, id: LinkId) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let delete = "DELETE FROM sign_in_links WHERE id = $1 AND used_at IS NULL";
        let removed = writing.execute((delete, values![id])).await?;
        writing.commit().await?;
        Ok(removed > 0)
    }
}

fn link(row: &Row) -> Result<SignInLink, StoreError> {
    Ok(SignInLink {
        id: row.parsed("id")?,
        person: row.parsed("person")?,
        made_by: row.maybe_parsed("made_by")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        used_at: row.maybe_time("used_at")?,
    })
}
