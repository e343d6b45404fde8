//! Everything the command line prints. A closed pipe (`| head`) ends the program quietly, as it does others.

use std::io::{IsTerminal, Write, stderr, stdout};

use comfy_table::presets::{NOTHING, UTF8_HORIZONTAL_ONLY};
use comfy_table::{ContentArrangement, Table};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::FreeholdError;

/// Writes bytes to standard output.
pub(super) fn bytes(bytes: &[u8]) {
    let mut out = stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        // Whoever read has left; there is nobody to tell.
        std::process::exit(0);
    }
}

/// Writes text to standard output.
pub(super) fn text(text: &str) {
    bytes(text.as_bytes());
}

/// Writes a line to standard output.
pub(super) fn line(line: &str) {
    bytes(format!("{line}\n").as_bytes());
}

/// Writes a remark to standard error: what is not the result.
pub(super) fn remark(line: &str) {
    // Nobody may be reading; the result does not depend on it.
    let _ = writeln!(stderr().lock(), "{line}");
}

/// Writes a JSON document, indented for people and for `diff`.
pub(super) fn document(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => line(&text),
        Err(error) => remark(&format!("this cannot be shown as JSON: {error}")),
    }
}

/// Writes a table: ruled on a terminal, plain columns in a pipe.
pub(super) fn table(header: &[&str], rows: Vec<Vec<String>>) {
    let mut table = Table::new();
    let piped = !stdout().is_terminal();
    table.load_style(if piped { NOTHING } else { UTF8_HORIZONTAL_ONLY });
    table.set_content_arrangement(if piped { ContentArrangement::Disabled } else { ContentArrangement::Dynamic });
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    line(&lines.join("\n"));
}

/// A JSON value as a cell: text bare, lists by commas, nothing for null.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// One object as lines of `name  value`.
pub(super) fn fields(object: &Value) {
    let Some(map) = object.as_object() else { return line(&cell(object)) };
    let width = map.keys().map(String::len).max().unwrap_or(0);
    for (name, value) in map {
        let shown = match value {
            Value::Object(_) => serde_json::to_string(value).unwrap_or_default(),
            Value::Array(items) if items.iter().any(Value::is_object) => {
                serde_json::to_string(value).unwrap_or_default()
            }
            other => cell(other),
        };
        line(format!("{name:width$}  {shown}").trim_end());
    }
}

/// Writes an error to standard error: for people, or as the envelope the API uses.
pub(super) fn error(error: &FreeholdError, as_json: bool) {
    if as_json {
        let body = json!({"error": {"message": error.to_string(), "code": error.code(), "help": error.mend()}});
        return remark(&body.to_string());
    }
    let mut report = String::new();
    let handler = match stderr().is_terminal() {
        true => GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_width(110),
        // Lines that a log or a script can search.
        false => GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_wrap_lines(false),
    };
    match handler.render_report(&mut report, &Report(error)) {
        Ok(()) => remark(report.trim_end()),
        Err(_) => remark(&format!("error: {error}")),
    }
}

/// An error as miette draws it.
#[derive(Debug)]
struct Report<'e>(&'e FreeholdError);

impl std::fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self.0, f)
    }
}

impl std::error::Error for Report<'_> {}

impl Diagnostic for Report<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.0.mend().map(|mend| Box::new(mend) as Box<dyn std::fmt::Display>)
    }
}
