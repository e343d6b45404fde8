//! The catalog of the open tables: a SQLite file of its own (`DIR/lake/catalog.db`), apart from the hashes of keys, in
//! the layout of Iceberg's JDBC catalog, which other programs can open.

use futures::future::BoxFuture;
use lake::{CatalogStore, LakeError, NAMESPACE};
use std::path::{Path, PathBuf};

use crate::database::{Database, values};
use crate::error::StoreError;
use crate::folder::Folder;

const FILE: &str = "lake/catalog.db";

/// The tables that other programs expect.
const LAYOUT: &str = "CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL,
    table_namespace VARCHAR(255) NOT NULL,
    table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000),
    previous_metadata_location VARCHAR(1000),
    iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL,
    namespace VARCHAR(255) NOT NULL,
    property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000),
    PRIMARY KEY (catalog_name, namespace, property_key)
);
INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, property_value)
    VALUES ('freehold', 'freehold', 'exists', 'true') ON CONFLICT DO NOTHING;";

/// The catalog's file, opened.
#[derive(Debug)]
pub(crate) struct LakeCatalog {
    database: Database,
    path: PathBuf,
}

impl LakeCatalog {
    pub(crate) async fn open(folder: &Folder) -> Result<Self, StoreError> {
        folder.private_folder("lake")?;
        let path = folder.private_file(FILE)?;
        let database = Database::open_file(folder, FILE).await?;
        let mut writing = database.write().await?;
        writing.execute_script(LAYOUT).await?;
        writing.commit().await?;
        Ok(Self { database, path })
    }

    fn failed(&self) -> impl Fn(StoreError) -> LakeError {
        |error| match error {
            StoreError::Full { .. } => LakeError::Full { path: self.path.clone() },
            error => LakeError::Catalog { path: self.path.clone(), detail: error.to_string() },
        }
    }

    async fn swap_in(&self, table: &str, from: Option<&str>, to: &str) -> Result<u64, StoreError> {
        const INSERT: &str = "INSERT INTO iceberg_tables \
            (catalog_name, table_namespace, table_name, metadata_location, iceberg_type) \
            VALUES ($1, $1, $2, $3, 'TABLE') ON CONFLICT DO NOTHING";
        const UPDATE: &str = "UPDATE iceberg_tables SET metadata_location = $3, previous_metadata_location = $4 \
            WHERE catalog_name = $1 AND table_namespace = $1 AND table_name = $2 AND metadata_location = $4";
        let mut writing = self.database.write().await?;
        let changed = match from {
            None => writing.execute((INSERT, values![NAMESPACE, table, to])).await?,
            Some(from) => writing.execute((UPDATE, values![NAMESPACE, table, to, from])).await?,
        };
        writing.commit().await?;
        Ok(changed)
    }
}

impl CatalogStore for LakeCatalog {
    fn location<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Option<String>, LakeError>> {
        const SELECT: &str = "SELECT metadata_location FROM iceberg_tables \
            WHERE catalog_name = $1 AND table_namespace = $1 AND table_name = $2";
        Box::pin(async move {
            let row = self.database.fetch_optional((SELECT, values![NAMESPACE, table])).await.map_err(self.failed())?;
            let location = row.map(|row| row.text("metadata_location").map(str::to_owned)).transpose();
            location.map_err(self.failed())
        })
    }

    fn swap<'a>(&'a self, table: &'a str, from: Option<&'a str>, to: &'a str) -> BoxFuture<'a, Result<(), LakeError>> {
        Box::pin(async move {
            match self.swap_in(table, from, to).await.map_err(self.failed())? {
                0 => Err(LakeError::Changed { table: table.to_owned() }),
                _ => Ok(()),
            }
        })
    }

    fn copy_to<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<(), LakeError>> {
        Box::pin(async move { self.database.copy_to(file).await.map_err(self.failed()) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.database.close())
    }
}
