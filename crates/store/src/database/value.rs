//! Statements and the values bound to them. Text from outside only ever travels as a bound value.

use std::borrow::Cow;
use std::fmt::Write as _;

use domain::{
    BreakGlassId, ConversationId, DecisionId, DocumentId, ErasureId, FeedbackId, GroupId, JobId, KeyId, LinkId, Member,
    PersonId, Principal, ResponseId, ServiceId, SourceId, Timestamp, TraceId,
};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

use crate::error::StoreError;

/// A bound value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Text(Option<String>),
    Number(Option<i64>),
}

impl Value {
    /// Bytes, roughly.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.as_ref().map_or(0, String::len),
            Self::Number(_) => 8,
        }
    }
}

macro_rules! shown_as_text {
    ($($kind:ty),*) => {$(
        impl From<$kind> for Value {
            fn from(value: $kind) -> Self { Self::Text(Some(value.to_string())) }
        }
        impl From<Option<$kind>> for Value {
            fn from(value: Option<$kind>) -> Self { Self::Text(value.map(|value| value.to_string())) }
        }
    )*};
}

shown_as_text!(
    &str,
    BreakGlassId,
    ConversationId,
    DecisionId,
    DocumentId,
    ErasureId,
    FeedbackId,
    GroupId,
    JobId,
    KeyId,
    LinkId,
    Member,
    PersonId,
    Principal,
    ResponseId,
    ServiceId,
    SourceId,
    TraceId
);

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(Some(number.into()))
    }
}

/// Counts beyond what a column holds (2^63 - 1) stay at that.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(Some(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<Timestamp> for Value {
    fn from(time: Timestamp) -> Self {
        Self::Number(Some(time.micros()))
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(time: Option<Timestamp>) -> Self {
        Self::Number(time.map(Timestamp::micros))
    }
}

/// A list of values of different types.
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}
pub(crate) use values;

/// A structure as JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| {
        let error = sqlx::Error::Encode(Box::new(error));
        StoreError::Database(std::sync::Arc::new(error))
    })
}

/// A statement with its values. Built in pieces, it numbers the placeholders itself.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

impl Sql {
    /// Adds a piece.
    pub(crate) fn push(&mut self, piece: &'static str) -> &mut Self {
        self.text.to_mut().push_str(piece);
        self
    }

    /// Adds a value with its placeholder.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let placeholder = format!("${}", self.values.len());
        self.text.to_mut().push_str(&placeholder);
        self
    }

    /// Adds `(value, value, ...)` with placeholders.
    pub(crate) fn bind_list(&mut self, list: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        let mut separator = "(";
        for value in list {
            self.push(separator).bind(value);
            separator = ", ";
        }
        self.push(")")
    }

    /// Several statements as one piece of text that is a transaction; a single one is a transaction by itself.
    pub(super) fn transaction(statements: Vec<Self>) -> Self {
        if let [_] = statements.as_slice() {
            return statements.into_iter().next().unwrap_or_else(|| Self::from(""));
        }
        let mut whole = Self::from("BEGIN IMMEDIATE; ");
        for statement in statements {
            append_shifted(whole.text.to_mut(), &statement.text, whole.values.len());
            whole.push("; ").values.extend(statement.values);
        }
        whole.push("COMMIT");
        whole
    }

    /// The text is safe to run: its pieces are `&'static str` and placeholders.
    pub(super) fn into_query(self) -> Query<'static, sqlx::Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.text));
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
        })
    }
}

/// Appends a statement whose placeholder `$1` becomes `$(by + 1)`, and so on.
fn append_shifted(text: &mut String, statement: &str, by: usize) {
    let mut pieces = statement.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(piece.len());
        let (number, rest) = piece.split_at(end);
        let number = number.parse::<usize>().map_or(0, |number| number + by);
        // Writing to a string cannot fail.
        let _ = write!(text, "${number}{rest}");
    }
}

impl From<&'static str> for Sql {
    fn from(text: &'static str) -> Self {
        Self { text: Cow::Borrowed(text), values: Vec::new() }
    }
}

impl From<(&'static str, Vec<Value>)> for Sql {
    fn from((text, values): (&'static str, Vec<Value>)) -> Self {
        Self { text: Cow::Borrowed(text), values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_a_transaction_share_one_row_of_placeholders() {
        let first = Sql::from(("INSERT INTO a VALUES ($1, $2), ($3, $4)", values![1_i64, 2_i64, 3_i64, 4_i64]));
        let second = Sql::from(("UPDATE b SET c = $2 WHERE d = $1", values![5_i64, 6_i64]));
        let whole = Sql::transaction(vec![first.clone(), second]);
        let expected =
            "BEGIN IMMEDIATE; INSERT INTO a VALUES ($1, $2), ($3, $4); UPDATE b SET c = $6 WHERE d = $5; COMMIT";
        assert_eq!((whole.text.as_ref(), whole.values.len()), (expected, 6));
        assert_eq!(Sql::transaction(vec![first]).text, "INSERT INTO a VALUES ($1, $2), ($3, $4)");
    }
}
