//! Settings: JSON by name. Every write is a version and an act; earlier versions stay.

use access::Actor;
use domain::{Principal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json as object};

use crate::acts::{NewAct, insert_act};
use crate::database::{Row, json, values};
use crate::error::StoreError;
use crate::store::Store;

/// A setting as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Counted from 1.
    pub version: u64,
    /// Its value; `null` takes it back.
    pub value: Json,
    /// Who wrote it; none for the installation itself.
    pub actor: Option<Principal>,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// All settings as they stand, by name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn settings(&self) -> Result<Vec<Setting>, StoreError> {
        const SELECT: &str = "SELECT name, version, value, actor, at FROM settings s \
            WHERE version = (SELECT MAX(version) FROM settings n WHERE n.name = s.name) ORDER BY name";
        self.database().fetch_all(SELECT).await?.iter().map(setting).collect()
    }

    /// One setting as it stands.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn setting(&self, name: &str) -> Result<Option<Setting>, StoreError> {
        const SELECT: &str = "SELECT name, version, value, actor, at FROM settings \
            WHERE name = $1 ORDER BY version DESC LIMIT 1";
        self.database().fetch_optional((SELECT, values![name])).await?.as_ref().map(setting).transpose()
    }

    /// Writes settings, each as its next version with an act, all in one transaction.
    ///
    /// # Errors
    /// Where the state cannot be written; then none is.
    pub async fn put_settings(&self, actor: Option<Actor>, settings: Vec<(String, Json)>) -> Result<(), StoreError> {
        const INSERT: &str = "INSERT INTO settings (name, version, value, actor, at) \
            SELECT $1, COALESCE(MAX(version), 0) + 1, $2, $3, $4 FROM settings WHERE name = $1";
        let (now, who) = (self.now(), actor.as_ref().map(|actor| actor.principal));
        let mut writing = self.database().write().await?;
        for (name, value) in settings {
            writing.execute((INSERT, values![name.as_str(), json(&value)?, who, now])).await?;
            let detail = object!({ "value": value });
            let act = NewAct { actor: actor.clone(), verb: "put_setting".to_owned(), ids: vec![name], detail };
            insert_act(&mut writing, act, now).await?;
        }
        writing.commit().await
    }
}

fn setting(row: &Row) -> Result<Setting, StoreError> {
    Ok(Setting {
        name: row.text("name")?.to_owned(),
        version: row.count("version")?,
        value: row.json("value")?,
        actor: row.maybe_parsed("actor")?,
        at: row.time("at")?,
    })
}
