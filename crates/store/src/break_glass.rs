//! Break-glass (docs/access.md, rule 6): asked for, approved with an epoch of its own, ended with another.
//!
//! INVARIANT: what opens documents is a row of history that an epoch began; a request opens nothing. The reason stands with
//! the request alone, for it is somebody's words.

mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use access::{Actor, Snapshot};
use domain::{BreakGlass, BreakGlassId, DocumentId, PersonId, Principal, SourceId, Timestamp};
use serde_json::json;

use crate::acts::{NewAct, insert_act};
use crate::database::{Row, Sql, json as as_json, values};
use crate::error::StoreError;
use crate::knowledge::Amendment;
use crate::store::{Page, Store, bounded};

pub(crate) use rows::GlassChange;
use rows::{Approval, Kind};
pub(crate) use rows::{TABLE, load_break_glass};

/// A break-glass to be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBreakGlass {
    /// Its id.
    pub id: BreakGlassId,
    /// Who is to read.
    pub person: PersonId,
    /// What.
    pub documents: BTreeSet<DocumentId>,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub requested_by: PersonId,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When the owners are told, and why only then; none: as soon as it is approved.
    pub delay: Option<(Timestamp, String)>,
}

/// A break-glass as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakGlassRecord {
    /// Its id.
    pub id: BreakGlassId,
    /// Who may read, once it is approved.
    pub person: PersonId,
    /// What.
    pub documents: BTreeSet<DocumentId>,
    /// Why; empty where who asked was erased.
    pub reason: String,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// When.
    pub requested_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
    /// When the owners are told, where not as soon as it is approved.
    pub notice_at: Option<Timestamp>,
    /// Why only then.
    pub delay_reason: Option<String>,
    /// Who agreed, and when.
    pub approved: Option<(PersonId, Timestamp)>,
    /// Whom it is told to, with the documents of their sources; nobody before it is approved.
    pub owners: Owners,
    /// When it was ended, or withdrawn before anybody agreed.
    pub ended_at: Option<Timestamp>,
    /// By whom; none for the installation itself.
    pub ended_by: Option<Principal>,
}

/// Owners of sources, with the documents of theirs.
pub type Owners = BTreeMap<PersonId, BTreeSet<DocumentId>>;

const SELECT: &str = "SELECT id, person, documents, reason, requested_by, requested_at, expires_at, notice_at, \
    delay_reason, approved_by, approved_at, owners, ended_by, ended_at FROM break_glass";

impl Store {
    /// Keeps what was asked for, and the act of asking. It opens nothing.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn request_break_glass(&self, actor: Actor, new: NewBreakGlass) -> Result<BreakGlassRecord, StoreError> {
        const INSERT: &str = "INSERT INTO break_glass (id, person, documents, reason, requested_by, requested_at, \
            expires_at, notice_at, delay_reason) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let NewBreakGlass { id, person, documents, reason, requested_by, expires_at, delay } = new;
        let (notice_at, delay_reason) = delay.unzip();
        let now = self.now();
        let ids = named(id, person, &documents);
        let row =
            values![id, person, as_json(&documents)?, reason, requested_by, now, expires_at, notice_at, delay_reason];
        let detail = json!({"expires_at": expires_at, "notice_at": notice_at});
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, row)).await?;
        let act = NewAct { actor: Some(actor), verb: "request_break_glass".to_owned(), ids, detail };
        insert_act(&mut writing, act, now).await?;
        writing.commit().await?;
        self.break_glass(id).await?.ok_or(MISSING)
    }

    /// Approves one, if the rule says who agrees: from its epoch on it opens its documents. The owners of their sources are
    /// told in the same transaction, or later where it says so. Nothing else is written meanwhile.
    ///
    /// # Errors
    /// The rule's own; [`StoreError::Missing`] where there is none; where the state cannot be read or written.
    pub async fn approve_break_glass<E: From<StoreError>>(
        &self,
        actor: Actor,
        id: BreakGlassId,
        rule: impl FnOnce(&BreakGlassRecord) -> Result<PersonId, E> + Send,
    ) -> Result<BreakGlassRecord, E> {
        let turn = self.writer().await?;
        let record = self.break_glass(id).await?.ok_or(MISSING)?;
        let approved_by = rule(&record)?;
        let BreakGlassRecord { person, documents, requested_by, expires_at, notice_at, .. } = record;
        let owners = self.owners_of(&documents).await?;
        let glass = BreakGlass { id, person, requested_by, approved_by, expires_at };
        let approval = Approval { glass, documents, owners, notice_at, actor: actor.clone(), at: self.now() };
        turn.amend(self, Some(actor), vec![change(Kind::Approve(Box::new(approval)))]).await?;
        Ok(self.break_glass(id).await?.ok_or(MISSING)?)
    }

    /// Ends one: from its epoch on it opens nothing. One that nobody approved is withdrawn, and takes no epoch; one that
    /// was ended stays as it is.
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none; where the state cannot be read or written.
    pub async fn end_break_glass(&self, actor: Actor, id: BreakGlassId) -> Result<BreakGlassRecord, StoreError> {
        let turn = self.writer().await?;
        let record = self.break_glass(id).await?.ok_or(MISSING)?;
        if record.ended_at.is_some() {
            return Ok(record);
        }
        let end = Kind::End { id, actor: Some(actor.clone()), at: self.now() };
        if record.approved.is_some() {
            turn.amend(self, Some(actor), vec![change(end)]).await?;
        } else {
            let mut writing = self.database().write().await?;
            for statement in end.statements()? {
                writing.execute(statement).await?;
            }
            writing.commit().await?;
        }
        self.break_glass(id).await?.ok_or(MISSING)
    }

    /// One of them.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn break_glass(&self, id: BreakGlassId) -> Result<Option<BreakGlassRecord>, StoreError> {
        let mut select = Sql::from(SELECT);
        select.push(" WHERE id = ").bind(id);
        self.database().fetch_optional(select).await?.as_ref().map(record).transpose()
    }

    /// All of them or those of one who may read, newest first, after one of them.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn break_glasses(
        &self,
        person: Option<PersonId>,
        after: Option<BreakGlassId>,
        limit: u32,
    ) -> Result<Page<BreakGlassRecord>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from(SELECT);
        select.push(" WHERE TRUE");
        if let Some(person) = person {
            select.push(" AND person = ").bind(person);
        }
        if let Some(after) = after {
            select.push(" AND id < ").bind(after);
        }
        select.push(" ORDER BY id DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(record).collect::<Result<_, _>>()?, limit))
    }

    /// The people who own the sources of these documents. A service that owns one has nobody to tell.
    async fn owners_of(&self, documents: &BTreeSet<DocumentId>) -> Result<Owners, StoreError> {
        let owners: HashMap<SourceId, Principal> =
            self.sources().await?.into_iter().map(|source| (source.id, source.standing.owner)).collect();
        let mut select = Sql::from("SELECT id, source_id FROM documents WHERE id IN ");
        select.bind_list(documents.iter().copied());
        let mut found = Owners::new();
        for row in self.database().fetch_all(select).await? {
            if let Some(Principal::Person(owner)) = owners.get(&row.parsed("source_id")?) {
                found.entry(*owner).or_default().insert(row.parsed("id")?);
            }
        }
        Ok(found)
    }
}

/// What ends again what was ended after a backup; none where the restored state does not hold it.
pub(crate) fn ended_again(snapshot: &Snapshot, id: BreakGlassId, at: Timestamp) -> Option<Amendment> {
    snapshot.has_break_glass(id).then(|| change(Kind::End { id, actor: None, at }))
}

const MISSING: StoreError = StoreError::Missing { what: "the break-glass" };

fn change(kind: Kind) -> Amendment {
    Amendment::Glass(GlassChange(kind))
}

/// As acts name it.
fn named(id: BreakGlassId, person: PersonId, documents: &BTreeSet<DocumentId>) -> Vec<String> {
    let documents = documents.iter().map(DocumentId::to_string);
    [id.to_string(), person.to_string()].into_iter().chain(documents).collect()
}

fn record(row: &Row) -> Result<BreakGlassRecord, StoreError> {
    let approved_by: Option<PersonId> = row.maybe_parsed("approved_by")?;
    Ok(BreakGlassRecord {
        id: row.parsed("id")?,
        person: row.parsed("person")?,
        documents: row.json("documents")?,
        reason: row.text("reason")?.to_owned(),
        requested_by: row.parsed("requested_by")?,
        requested_at: row.time("requested_at")?,
        expires_at: row.time("expires_at")?,
        notice_at: row.maybe_time("notice_at")?,
        delay_reason: row.maybe_text("delay_reason")?.map(str::to_owned),
        approved: approved_by.zip(row.maybe_time("approved_at")?),
        owners: row.maybe_json("owners")?.unwrap_or_default(),
        ended_at: row.maybe_time("ended_at")?,
        ended_by: row.maybe_parsed("ended_by")?,
    })
}
