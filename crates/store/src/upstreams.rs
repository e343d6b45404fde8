//! Configurations of upstreams: JSON by name, each write an act. They may hold secrets: the act names only the name.

use access::Actor;
use domain::Timestamp;
use serde_json::Value as Json;

use crate::acts::{NewAct, insert_act};
use crate::database::{Row, json, values};
use crate::error::StoreError;
use crate::store::Store;

/// An upstream's configuration as it is kept. No Debug, no Serialize: it may hold secrets.
#[derive(Clone, PartialEq)]
pub struct StoredUpstream {
    /// Its name.
    pub name: String,
    /// Its configuration.
    pub config: Json,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

impl Store {
    /// All upstreams, by name.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn upstreams(&self) -> Result<Vec<StoredUpstream>, StoreError> {
        let select = "SELECT name, config, created_at, updated_at FROM upstreams ORDER BY name";
        self.database().fetch_all(select).await?.iter().map(upstream).collect()
    }

    /// Writes an upstream, new or not.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn put_upstream(&self, actor: Option<Actor>, name: &str, config: &Json) -> Result<(), StoreError> {
        const PUT: &str = "INSERT INTO upstreams (name, config, created_at, updated_at) VALUES ($1, $2, $3, $3) \
            ON CONFLICT (name) DO UPDATE SET config = excluded.config, updated_at = excluded.updated_at";
        let now = self.now();
        let mut writing = self.database().write().await?;
        writing.execute((PUT, values![name, json(config)?, now])).await?;
        insert_act(&mut writing, act(actor, "put_upstream", name), now).await?;
        writing.commit().await
    }

    /// Removes an upstream. Answers whether there was one.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn remove_upstream(&self, actor: Option<Actor>, name: &str) -> Result<bool, StoreError> {
        let mut writing = self.database().write().await?;
        let removed = writing.execute(("DELETE FROM upstreams WHERE name = $1", values![name])).await?;
        if removed > 0 {
            insert_act(&mut writing, act(actor, "remove_upstream", name), self.now()).await?;
        }
        writing.commit().await?;
        Ok(removed > 0)
    }
}

fn act(actor: Option<Actor>, verb: &str, name: &str) -> NewAct {
    NewAct { actor, verb: verb.to_owned(), ids: vec![name.to_owned()], detail: Json::Null }
}

fn upstream(row: &Row) -> Result<StoredUpstream, StoreError> {
    Ok(StoredUpstream {
        name: row.text("name")?.to_owned(),
        config: row.json("config")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}
