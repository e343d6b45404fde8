//! A row, read by column name. What does not have the form it was written in is damage, and says where.

use std::str::FromStr;
use std::sync::Arc;

use domain::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use crate::error::StoreError;

pub(crate) struct Row {
    row: AnyRow,
    place: Arc<str>,
}

impl Row {
    pub(super) const fn new(row: AnyRow, place: Arc<str>) -> Self {
        Self { row, place }
    }

    pub(crate) fn text(&self, column: &str) -> Result<&str, StoreError> {
        self.row.try_get(column).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn maybe_text(&self, column: &str) -> Result<Option<&str>, StoreError> {
        self.row.try_get(column).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn number(&self, column: &str) -> Result<i64, StoreError> {
        self.row.try_get(column).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn maybe_number(&self, column: &str) -> Result<Option<i64>, StoreError> {
        self.row.try_get(column).map_err(|error| self.damaged(column, &error))
    }

    /// A count: never negative.
    pub(crate) fn count(&self, column: &str) -> Result<u64, StoreError> {
        let number = self.number(column)?;
        u64::try_from(number).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn time(&self, column: &str) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_micros(self.number(column)?))
    }

    pub(crate) fn maybe_time(&self, column: &str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.maybe_number(column)?.map(Timestamp::from_micros))
    }

    pub(crate) fn parsed<T: FromStr>(&self, column: &str) -> Result<T, StoreError> {
        self.text(column)?.parse().map_err(|_| self.damaged(column, &"not a known id or word"))
    }

    pub(crate) fn maybe_parsed<T: FromStr>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.damaged(column, &"not a known id or word"))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.text(column)?).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn maybe_json<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let Some(text) = self.maybe_text(column)? else { return Ok(None) };
        serde_json::from_str(text).map(Some).map_err(|error| self.damaged(column, &error))
    }

    pub(crate) fn damaged(&self, column: &str, why: &dyn std::fmt::Display) -> StoreError {
        StoreError::Corrupt { place: self.place.to_string(), detail: format!("column '{column}': {why}") }
    }
}
