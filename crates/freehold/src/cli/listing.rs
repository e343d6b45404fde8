//! What the commands over people, groups, services, keys and traces share: pages as tables, objects as fields, JSON
//! where asked for.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::{Map, Value};

use super::door::{Door, Need, Remote};
use super::{Globals, output};
use crate::error::FreeholdError;

/// Which part of a list.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Paging {
    /// How many at most, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Go on after this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// A name, an id or an external id as one segment of a path.
pub(super) fn segment(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// A path with its query: the part of a list, and further parameters.
pub(super) fn query(path: &str, paging: &Paging, filters: &[(&str, Option<&String>)]) -> String {
    let mut query = format!("{path}?limit={}", paging.limit);
    let after = [("after", paging.after.as_ref())];
    for (name, value) in filters.iter().chain(&after) {
        if let Some(value) = value {
            query.push_str(&format!("&{name}={}", segment(value)));
        }
    }
    query
}

/// Lists a collection as a table of these fields; `filters` are further parameters of the query.
pub(super) async fn list(
    (globals, remote): (&Globals, &Remote),
    path: &str,
    paging: &Paging,
    filters: &[(&str, Option<&String>)],
    columns: &[&str],
) -> Result<(), FreeholdError> {
    let query = query(path, paging, filters);
    let page = call((globals, remote), Need::SetUp, Method::GET, &query, None).await?;
    if globals.json {
        output::document(&page);
    } else {
        table(&page, columns);
    }
    Ok(())
}

/// Prints a page as a table of these fields, of which the first is what the next page goes on after.
pub(super) fn table(page: &Value, columns: &[&str]) {
    let rows = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let cells = |row: &Value| columns.iter().map(|column| output::cell(&row[*column])).collect();
    output::table(columns, rows.iter().map(cells).collect());
    if page["has_more"] == true {
        let last = rows.last().zip(columns.first()).map(|(row, first)| output::cell(&row[*first])).unwrap_or_default();
        output::remark(&format!("there are more: --after {last}"));
    }
}

/// Calls one route and closes the door again.
pub(super) async fn call(
    (globals, remote): (&Globals, &Remote),
    need: Need,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, FreeholdError> {
    let door = Door::open(globals, remote, need).await?;
    let answer = door.call(method, path, body).await;
    door.close().await;
    answer
}

/// Calls one route and shows the object it answers with.
pub(super) async fn show(
    at: (&Globals, &Remote),
    need: Need,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<(), FreeholdError> {
    print(&call(at, need, method, path, body).await?, at.0.json);
    Ok(())
}

/// Prints an object: its fields, or JSON.
pub(super) fn print(object: &Value, as_json: bool) {
    if as_json {
        output::document(object);
    } else {
        output::fields(object);
    }
}

/// Calls a route that answers with nothing of interest, and says what was done.
pub(super) async fn done(at: (&Globals, &Remote), method: Method, path: &str, said: &str) -> Result<(), FreeholdError> {
    let answer = call(at, Need::SetUp, method, path, None).await?;
    if at.0.json {
        output::document(&if answer.is_null() { serde_json::json!({"ok": true}) } else { answer });
    } else {
        output::line(said);
    }
    Ok(())
}

/// A body of the fields that are given.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Adds a field that is always sent.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a field if it is given.
    pub(super) fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds a list if anything is in it.
    pub(super) fn list(self, name: &str, values: &[String]) -> Self {
        if values.is_empty() { self } else { self.with(name, values.to_vec()) }
    }

    /// The JSON object.
    pub(super) fn finish(self) -> Value {
        Value::Object(self.0)
    }
}
