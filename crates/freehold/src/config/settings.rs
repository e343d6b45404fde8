//! The raw settings: every key with its value and where that comes from. Later layers win: defaults, the file, the
//! environment, flags. A key that nobody knows and a value that its kind refuses are errors that name their place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::definition::{DEFINITIONS, Definition, PREFIX, definition, nearest};
use super::file;
use crate::error::FreeholdError;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The list of definitions.
    Default,
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// An environment variable.
    Environment(String),
    /// The command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// One value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// As it will be used.
    pub(crate) value: Value,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Every key that has a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    by_key: BTreeMap<String, Setting>,
}

impl Settings {
    /// The defaults.
    pub(super) fn defaults() -> Self {
        let parsed = |definition: &'static Definition| {
            let value = definition.default?.parse::<Value>().ok()?;
            Some((definition.key.to_owned(), Setting { value, origin: Origin::Default }))
        };
        Self { by_key: DEFINITIONS.iter().filter_map(parsed).collect() }
    }

    /// Adds a settings file; its relative paths are relative to its folder.
    ///
    /// # Errors
    /// [`FreeholdError`] where it cannot be read, or holds an unknown key or a value that is not allowed.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), FreeholdError> {
        let text = std::fs::read_to_string(path).map_err(FreeholdError::file("reading the settings file", path))?;
        let base = path.parent().unwrap_or(Path::new(""));
        for entry in file::parse(path, &text)? {
            let origin = Origin::File { path: path.to_owned(), line: entry.line };
            self.put(&entry.key, entry.value, origin, base)?;
        }
        Ok(())
    }

    /// Adds what the environment overrides: every variable that begins with `FREEHOLD__`.
    ///
    /// # Errors
    /// As [`Settings::add_file`].
    pub(super) fn add_environment(&mut self, variables: &[(String, String)]) -> Result<(), FreeholdError> {
        for (name, text) in variables {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            let key = rest.to_lowercase().replace("__", ".");
            let value = definition(&key).map_or_else(|| Value::String(text.clone()), |found| found.kind.read(text));
            self.put(&key, value, Origin::Environment(name.clone()), Path::new(""))?;
        }
        Ok(())
    }

    /// Sets one key from the command line.
    ///
    /// # Errors
    /// As [`Settings::add_file`].
    pub(super) fn add_flag(&mut self, key: &str, flag: &'static str, value: Value) -> Result<(), FreeholdError> {
        self.put(key, value, Origin::Flag(flag), Path::new(""))
    }

    fn put(&mut self, key: &str, value: Value, origin: Origin, base: &Path) -> Result<(), FreeholdError> {
        let Some(found) = definition(key) else { return unknown(key, &value, &origin) };
        let given = if found.secret { "this".to_owned() } else { value.to_string() };
        let checked = found.kind.check(value, base).ok_or_else(|| FreeholdError::Config {
            place: origin.to_string(),
            problem: format!("{given} is not allowed for '{key}'"),
            mend: format!("'{key}' takes {}", found.kind.allowed()),
        })?;
        self.by_key.insert(key.to_owned(), Setting { value: checked, origin });
        Ok(())
    }

    /// One setting.
    pub(crate) fn get(&self, key: &str) -> Option<&Setting> {
        self.by_key.get(key)
    }

    /// The same as nested tables.
    pub(super) fn to_table(&self) -> Table {
        let mut root = Table::new();
        for (key, setting) in &self.by_key {
            insert(&mut root, key, setting.value.clone());
        }
        root
    }
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Refuses a key that has no definition; a known section without keys is no harm.
fn unknown(key: &str, value: &Value, origin: &Origin) -> Result<(), FreeholdError> {
    let section = DEFINITIONS.iter().any(|definition| definition.key.starts_with(&format!("{key}.")));
    if section && value.as_table().is_some_and(Table::is_empty) {
        return Ok(());
    }
    let mend = nearest(key).map_or_else(
        || "`freehold config show --example` lists every key".to_owned(),
        |nearest| format!("did you mean '{nearest}'? `freehold config show --example` lists every key"),
    );
    Err(FreeholdError::Config { place: origin.to_string(), problem: format!("there is no setting '{key}'"), mend })
}
