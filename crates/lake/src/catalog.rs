//! The catalog: which metadata file of each table is the newest. It is the one thing that changes in place.

use std::fmt::Debug;
use std::path::Path;

use futures::future::BoxFuture;

use crate::error::LakeError;

/// The namespace of all tables in the catalog.
pub const NAMESPACE: &str = "freehold";

/// Where the newest metadata file of each table is kept: `store` keeps it in a database file of its own, in the layout
/// of Iceberg's JDBC catalog, so that other programs can open it.
pub trait CatalogStore: Debug + Send + Sync {
    /// The newest metadata file of a table of [`NAMESPACE`]; none where there is no such table.
    fn location<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Option<String>, LakeError>>;

    /// Puts `to` in the place of `from` (none: the table is new), durably, or fails with [`LakeError::Changed`] where
    /// something else is in that place.
    fn swap<'a>(&'a self, table: &'a str, from: Option<&'a str>, to: &'a str) -> BoxFuture<'a, Result<(), LakeError>>;

    /// Copies the catalog into a new file, durably.
    fn copy_to<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<(), LakeError>>;

    /// Closes what it holds open.
    fn close(&self) -> BoxFuture<'_, ()>;
}
