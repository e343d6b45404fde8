//! Erasure: everything of one person, of one outside customer, or of one document goes from the state and from the open
//! tables, so that no byte remains in any file. An erasure that was begun is finished, also after a crash.

mod document;
mod rows;

use std::collections::BTreeMap;

use access::{Actor, Change, Key, Person};
use domain::{DocumentId, ErasureId, ListToken, PersonId, Principal, Timestamp, Token};
use hmac::{Hmac, KeyInit, Mac};
use lake::Erasee;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as to_json};
use sha2::Sha256;

use crate::actor::columns;
use crate::contents::{self, compact};
use crate::conversations::remove_conversations;
use crate::database::{Backend, Sql, Writing, json, values};
use crate::error::StoreError;
use crate::identity::hex;
use crate::knowledge::name_by_id;
use crate::narrowings::Narrowing;
use crate::retention::{Swept, among, ids_of, remove_exchanges};
use crate::store::{Page, Store, bounded};

pub use document::MOST_QUARANTINED;
use rows::{SELECT, decisions_of, erasee_of, erasure, exchanges_of, feedback_of, words_of};

/// Rows in one transaction: others get their turn in between.
const BATCH: u32 = 500;
/// How often emptying the write-ahead log is tried while readers are in the middle of something.
const ATTEMPTS: u32 = 600;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// An erasure as it is kept: what was removed is counted, never named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: ErasureId,
    /// The person; none for a subject, whose name is not kept.
    pub person: Option<PersonId>,
    /// The document.
    pub document: Option<DocumentId>,
    /// Whether everything is gone.
    pub done: bool,
    /// Rows that went, by what they were.
    pub removed: BTreeMap<String, u64>,
    /// What was made from a document, by id: exchanges, replies, conversations, each kind oldest first, at most
    /// [`MOST_QUARANTINED`] of all. They are kept, and nobody may read them any more.
    pub quarantined: Vec<String>,
    /// Who asked for it, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When everything was gone.
    pub finished_at: Option<Timestamp>,
}

impl Store {
    /// Erases a person (who is deactivated, with their keys and sessions), an outside customer of a service, or a document
    /// with all its versions, and resolves when no file that the store keeps holds a byte of what they said, of who they
    /// were, or of the exchanges themselves. What was made from a document stays, closed to everybody. Backups made
    /// before are not reached, nor are indexes.
    ///
    /// # Errors
    /// There is no such document. Where the state or the tables cannot be written: it goes on at the next start, or when it is asked for again.
    pub async fn erase(&self, id: ErasureId, erasee: Erasee, actor: Option<Actor>) -> Result<Erasure, StoreError> {
        const INSERT: &str = "INSERT INTO erasures (id, kind, whom, whom_hash, actor, via, state, removed, created_at) \
            VALUES ($1, $2, $3, $4, $5, $6, 'running', '{}', $7)";
        if let Erasee::Document(document) = &erasee {
            self.source_of(*document).await?.ok_or(StoreError::Missing { what: "the document" })?;
        }
        let (kind, whom) = words_of(&erasee);
        let hash = self.hash_of(&whom).await?;
        // The log first: an erasure that the state knows of must not be missing from what a restore replays.
        let (principal, subject_hash, document) = match &erasee {
            Erasee::Principal(principal) => (Some(*principal), None, None),
            Erasee::Subject(_) => (None, Some(hash.clone()), None),
            Erasee::Document(document) => (None, None, Some(*document)),
        };
        self.log().append(&[Narrowing::Erasure { id, principal, subject_hash, document }])?;
        let (by, via) = columns(actor.as_ref())?;
        let mut writing = self.database().write().await?;
        writing.execute((INSERT, values![id, kind, whom, hash.as_str(), by, via, self.now()])).await?;
        writing.commit().await?;
        self.finish(id, erasee).await
    }

    /// Finishes what was begun before the last stop.
    pub(crate) async fn resume_erasures(&self) -> Result<(), StoreError> {
        let running = "SELECT id, kind, whom FROM erasures WHERE state = 'running' ORDER BY id";
        for row in self.database().fetch_all(running).await? {
            self.finish(row.parsed("id")?, erasee_of(&row)?).await?;
        }
        Ok(())
    }

    /// An erasure.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        let mut select = Sql::from(SELECT);
        select.push(" WHERE id = ").bind(id);
        self.database().fetch_optional(select).await?.as_ref().map(erasure).transpose()
    }

    /// Erasures, newest first, after one of them.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn erasures(&self, after: Option<ErasureId>, limit: u32) -> Result<Page<Erasure>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from(SELECT);
        if let Some(after) = after {
            select.push(" WHERE id < ").bind(after);
        }
        select.push(" ORDER BY id DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(erasure).collect::<Result<_, _>>()?, limit))
    }

    async fn finish(&self, id: ErasureId, erasee: Erasee) -> Result<Erasure, StoreError> {
        if let Erasee::Principal(principal) = &erasee {
            // From here on nothing of theirs is recorded; what is on its way becomes durable before it is removed.
            self.refuse_records_of(*principal);
            self.shut_out(*principal).await?;
        }
        if let Erasee::Document(document) = &erasee {
            self.close_document(*document).await?;
        }
        self.trace_writer().flush().await?;
        let _turn = self.upkeep().lock().await;
        let _forgetting = self.forgetting().await;
        let (mut removed, quarantined) = match &erasee {
            Erasee::Document(document) => (self.remove_document(*document).await?, self.made_from(*document).await?),
            _ => (self.remove_hot(&erasee).await?, Vec::new()),
        };
        let erased = self.lake().erase(erasee.clone()).await?;
        for (table, rows) in erased.rows {
            *removed.entry(table.to_owned()).or_default() += rows;
        }
        tracing::info!(%id, files = erased.files_rewritten, bytes = erased.bytes_rewritten, "files written again");
        if let Erasee::Principal(Principal::Person(person)) = &erasee {
            // The tables first: once the state has forgotten the names, nobody knows which ones to look for.
            self.lake().rename_in_lists(self.names_of(*person).await?).await?;
            self.unname(*person).await?;
        }
        self.note_done(id, &erasee, (&removed, quarantined.as_slice())).await?;
        self.leave_no_byte().await?;
        self.erasure(id).await?.ok_or(StoreError::Missing { what: "the erasure" })
    }

    /// Deactivates a person and takes back their keys and sessions.
    async fn shut_out(&self, principal: Principal) -> Result<(), StoreError> {
        let Principal::Person(id) = principal else { return Ok(()) };
        let now = self.now();
        let shut_out = self.commit::<StoreError>(None, |directory| {
            let Some(person) = directory.person(id) else { return Ok(Vec::new()) };
            let keys = directory.keys().filter(|key| key.holder == principal && key.revoked_at.is_none());
            let mut changes: Vec<Change> = keys.map(|key| Change::RevokeKey(key.id, now)).collect();
            let sessions = directory.sessions().filter(|session| session.person == id);
            changes.extend(sessions.map(|session| Change::EndSession(session.hash)));
            if person.source != ERASED {
                changes.push(Change::PutPerson(without_name(person)));
            }
            Ok(changes)
        });
        shut_out.await.map(drop)
    }

    /// Everything of the erasee that is in the state still, in bounded transactions.
    async fn remove_hot(&self, erasee: &Erasee) -> Result<BTreeMap<String, u64>, StoreError> {
        let mut swept = Swept::default();
        let (exchanges, feedback) = (exchanges_of(erasee), feedback_of(erasee));
        while let Some((mut writing, ids)) = self.next_of(exchanges.as_ref()).await? {
            remove_exchanges(&mut writing, &ids, &mut swept).await?;
            writing.commit().await?;
        }
        while let Some((mut writing, ids)) = self.next_of(feedback.as_ref()).await? {
            contents::remove(&mut writing, &ids).await?;
            swept.feedback += writing.execute(among("DELETE FROM feedback WHERE id IN ", &ids)).await?;
            writing.commit().await?;
        }
        let mut removed = BTreeMap::from([
            ("traces".to_owned(), swept.traces),
            ("trace_contents".to_owned(), swept.contents),
            ("feedback".to_owned(), swept.feedback),
        ]);
        if let Erasee::Principal(principal) = erasee {
            removed.insert("decisions".to_owned(), self.remove_decisions(decisions_of(*principal)).await?);
            self.remove_kept(*principal, &mut removed).await?;
        }
        Ok(removed)
    }

    async fn remove_kept(&self, owner: Principal, removed: &mut BTreeMap<String, u64>) -> Result<(), StoreError> {
        let (mut conversations, mut responses) = (0, 0);
        let owned = |start: &'static str| {
            let mut select = Sql::from(start);
            select.bind(owner);
            select
        };
        while let Some((mut writing, ids)) =
            self.next_of(Some(&owned("SELECT id FROM conversations WHERE owner = "))).await?
        {
            conversations += remove_conversations(&mut writing, &ids).await?;
            writing.commit().await?;
        }
        while let Some((mut writing, ids)) =
            self.next_of(Some(&owned("SELECT id FROM responses WHERE owner = "))).await?
        {
            contents::remove(&mut writing, &ids).await?;
            responses += writing.execute(among("DELETE FROM responses WHERE id IN ", &ids)).await?;
            writing.commit().await?;
        }
        let mut writing = self.database().write().await?;
        for delete in [
            "DELETE FROM sign_in_links WHERE person = $1",
            "DELETE FROM notices WHERE person = $1",
            "DELETE FROM delayed_notices WHERE person = $1",
            "DELETE FROM drawn WHERE principal = $1",
            "DELETE FROM shown WHERE principal = $1",
            // Who asked, for whom and what stays; why is in their words.
            "UPDATE break_glass SET reason = '', delay_reason = NULL WHERE requested_by = $1",
        ] {
            writing.execute((delete, values![owner])).await?;
        }
        writing.commit().await?;
        removed.insert("conversations".to_owned(), conversations);
        removed.insert("responses".to_owned(), responses);
        Ok(())
    }

    /// A transaction with the next rows of a select of ids; none where there are no more.
    async fn next_of(&self, select: Option<&Sql>) -> Result<Option<(Writing, Vec<String>)>, StoreError> {
        let Some(mut select) = select.cloned() else { return Ok(None) };
        select.push(" LIMIT ").bind(BATCH);
        let mut writing = self.database().write().await?;
        let ids = ids_of(&writing.fetch_all(select).await?)?;
        if ids.is_empty() {
            writing.commit().await?;
            return Ok(None);
        }
        Ok(Some((writing, ids)))
    }

    /// How lists may name a person, now or at any past epoch, and by which id instead; as they stand in JSON.
    async fn names_of(&self, person: PersonId) -> Result<Vec<(Json, Json)>, StoreError> {
        let select = "SELECT DISTINCT source, external_id FROM people WHERE id = $1";
        let rows = self.database().fetch_all((select, values![person])).await?;
        let by_id = ListToken::Id(Token::Person(person));
        let names = rows.iter().map(|row| {
            let (source, external_id) = (row.text("source")?.to_owned(), row.text("external_id")?.to_owned());
            Ok((to_json!(ListToken::External { source, external_id }), to_json!(by_id)))
        });
        names.collect()
    }

    /// Names go from every row of history, also from those of past epochs: ids alone are enough to replay a decision.
    async fn unname(&self, person: PersonId) -> Result<(), StoreError> {
        let mut writing = self.database().write().await?;
        let select = "SELECT from_epoch, body FROM people WHERE id = $1";
        for row in writing.fetch_all((select, values![person])).await? {
            let named = row.json::<Person>("body")?;
            if named.source != ERASED {
                name_by_id(&mut writing, &named).await?;
            }
            let unnamed = without_name(&named);
            let update = "UPDATE people SET body = $1, source = $2, external_id = $3 WHERE id = $4 AND from_epoch = $5";
            let (source, external_id) = (unnamed.source.clone(), unnamed.external_id.clone());
            let row = values![json(&unnamed)?, source, external_id, person, row.number("from_epoch")?];
            writing.execute((update, row)).await?;
        }
        let select = "SELECT id, from_epoch, body FROM access_keys WHERE holder = $1";
        for row in writing.fetch_all((select, values![Principal::Person(person)])).await? {
            let unnamed = Key { name: String::new(), ..row.json::<Key>("body")? };
            let update = "UPDATE access_keys SET body = $1 WHERE id = $2 AND from_epoch = $3";
            writing.execute((update, values![json(&unnamed)?, unnamed.id, row.number("from_epoch")?])).await?;
        }
        writing.commit().await?;
        self.reload_identity().await
    }

    async fn note_done(
        &self,
        id: ErasureId,
        erasee: &Erasee,
        (removed, quarantined): (&BTreeMap<String, u64>, &[String]),
    ) -> Result<(), StoreError> {
        const UPDATE: &str = "UPDATE erasures SET state = 'done', whom = $1, removed = $2, quarantined = $3, \
            finished_at = $4 WHERE id = $5";
        let whom = (!matches!(erasee, Erasee::Subject(_))).then(|| words_of(erasee).1);
        let mut writing = self.database().write().await?;
        writing.execute((UPDATE, values![whom, json(removed)?, json(quarantined)?, self.now(), id])).await?;
        writing.commit().await
    }

    /// Removed rows leave copies where SQLite laid a page out anew: the file is written anew, and the log emptied.
    async fn leave_no_byte(&self) -> Result<(), StoreError> {
        if self.database().backend() == Backend::Postgres {
            return self.database().maintain("VACUUM (FULL)").await.map(drop);
        }
        compact(self.database(), self.contents(), self.now(), false).await?;
        self.database().maintain("VACUUM").await?;
        for _ in 0..ATTEMPTS {
            let rows = self.database().maintain("PRAGMA wal_checkpoint(TRUNCATE)").await?;
            if rows.first().map_or(Ok(0), |row| row.number("busy"))? == 0 {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(self.database().unavailable("readers kept the write-ahead log busy: ask for the erasure again"))
    }

    /// What stays of a name: a hash with the installation's key.
    pub(crate) async fn hash_of(&self, whom: &str) -> Result<String, StoreError> {
        let mut candidate = [0; 32];
        getrandom::fill(&mut candidate).map_err(|error| self.database().unavailable(error.to_string()))?;
        let key = self.hash_key(hex(&candidate)).await?;
        // A key of any length will do.
        let mac = Hmac::<Sha256>::new_from_slice(&key).map(|mac| mac.chain_update(whom.as_bytes()));
        mac.map(|mac| hex(&mac.finalize().into_bytes())).map_err(|_| self.database().unavailable("no key for hashes"))
    }
}

/// The source of a person whose name is gone.
const ERASED: &str = "erased";

fn without_name(person: &Person) -> Person {
    Person {
        id: person.id,
        source: ERASED.to_owned(),
        external_id: person.id.to_string(),
        user_name: person.id.to_string(),
        display_name: String::new(),
        email: None,
        external: person.external,
        active: false,
        attributes: BTreeMap::new(),
        created_at: person.created_at,
    }
}
