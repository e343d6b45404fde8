//! Reads a settings file into keys with the line each stands on.

use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Value};

use crate::error::FreeholdError;

/// One setting as it stands in the file.
#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    /// `section.key`, or `upstreams.NAME.key`.
    pub(super) key: String,
    /// Its value.
    pub(super) value: Value,
    /// The line, from 1.
    pub(super) line: usize,
}

/// Reads the text of a settings file.
///
/// # Errors
/// [`FreeholdError::Config`] with line and column where the text is not TOML.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, FreeholdError> {
    let table = DeTable::parse(text).map_err(|error| syntax(path, text, &error))?;
    let mut entries = Vec::new();
    flatten(text, "", table.into_inner(), &mut entries);
    // In the order of the file, so that the first mistake is the one that is told.
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

fn flatten(text: &str, prefix: &str, table: DeTable<'_>, entries: &mut Vec<Entry>) {
    for (name, value) in table {
        let line = line_of(text, name.span().start);
        let name = name.into_inner();
        let key = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(text, &key, inner, entries),
            other => {
                let value = to_value(Spanned::new(span, other));
                entries.push(Entry { key, value, line });
            }
        }
    }
}

/// The value behind a parsed one. What TOML's grammar lets through and its data model does not (a number too large)
/// becomes its text, which the key's kind then refuses.
fn to_value(value: Spanned<DeValue<'_>>) -> Value {
    let text = value.get_ref().as_str().unwrap_or(value.get_ref().type_str()).to_owned();
    let reader = toml::de::ValueDeserializer::from(value);
    <Value as serde::Deserialize>::deserialize(reader).unwrap_or(Value::String(text))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> FreeholdError {
    let place = error
        .span()
        .map_or_else(|| path.display().to_string(), |span| format!("{}:{}", path.display(), line_of(text, span.start)));
    let problem = format!("this is not TOML: {}", error.message().lines().next().unwrap_or("it cannot be read"));
    let mend = "correct that line; `freehold config show --example` prints a file that is right".to_owned();
    FreeholdError::Config { place, problem, mend }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_with_their_lines() {
        let text = "offline = true\n\n[server]\nlisten = \"[::]:1\"\n[upstreams.gpu]\nmodels = [\"a\"]\n[empty]\n";
        let entries = parse(Path::new("f.toml"), text).unwrap();
        let shown: Vec<_> =
            entries.iter().map(|entry| format!("{}:{}={}", entry.line, entry.key, entry.value)).collect();
        assert_eq!(
            shown,
            ["1:offline=true", "4:server.listen=\"[::]:1\"", "6:upstreams.gpu.models=[\"a\"]", "7:empty={}"]
        );
    }

    #[test]
    fn a_broken_file_names_its_line() {
        let error = parse(Path::new("f.toml"), "offline = true\n[server\n").unwrap_err();
        assert!(error.to_string().starts_with("f.toml:2: this is not TOML"), "{error}");
    }
}
