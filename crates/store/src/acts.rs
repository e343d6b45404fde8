//! Acts: what administrators did besides changing identity (which the epoch log keeps). Appended, never changed.

use access::Actor;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::actor::{actor_of, columns};
use crate::database::{Row, Sql, Value, Writing, json, values};
use crate::error::StoreError;
use crate::store::{Page, Store, bounded};

/// An act to keep.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAct {
    /// Who, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
    /// What: `put_setting`, `pull_model`, ...
    pub verb: String,
    /// On what: ids and names.
    pub ids: Vec<String>,
    /// More, without content and secrets.
    pub detail: Json,
}

/// An act as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Act {
    /// Its number, rising with time.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who, and through whom; none for the installation itself.
    pub actor: Option<Actor>,
    /// What.
    pub verb: String,
    /// On what.
    pub ids: Vec<String>,
    /// More.
    pub detail: Json,
}

impl Store {
    /// Keeps an act.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn add_act(&self, act: NewAct) -> Result<(), StoreError> {
        let mut writing = self.database().write().await?;
        insert_act(&mut writing, act, self.now()).await?;
        writing.commit().await
    }

    /// Acts, newest first; `before` is the number of the last one of the page before.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn acts(&self, before: Option<u64>, limit: u32) -> Result<Page<Act>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from("SELECT number, at, actor, via, verb, ids, detail FROM acts");
        if let Some(before) = before {
            select.push(" WHERE number < ").bind(before);
        }
        select.push(" ORDER BY number DESC LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        Ok(Page::cut(rows.iter().map(act).collect::<Result<_, _>>()?, limit))
    }
}

pub(crate) async fn insert_act(writing: &mut Writing, act: NewAct, at: Timestamp) -> Result<(), StoreError> {
    writing.execute(statement(act, at)?).await.map(drop)
}

/// Numbers follow one another because there is one writer.
pub(crate) fn statement(act: NewAct, at: Timestamp) -> Result<(&'static str, Vec<Value>), StoreError> {
    const INSERT: &str = "INSERT INTO acts (number, at, actor, via, verb, ids, detail) \
        SELECT COALESCE(MAX(number), 0) + 1, $1, $2, $3, $4, $5, $6 FROM acts";
    let NewAct { actor, verb, ids, detail } = act;
    let (actor, via) = columns(actor.as_ref())?;
    Ok((INSERT, values![at, actor, via, verb, json(&ids)?, json(&detail)?]))
}

fn act(row: &Row) -> Result<Act, StoreError> {
    Ok(Act {
        number: row.count("number")?,
        at: row.time("at")?,
        actor: actor_of(row)?,
        verb: row.text("verb")?.to_owned(),
        ids: row.json("ids")?,
        detail: row.json("detail")?,
    })
}
