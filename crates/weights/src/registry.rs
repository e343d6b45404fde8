//! The models that can be pulled: Freehold's own list, and the entries a person adds in `registry.toml` of the models
//! folder. An entry says what a file is, how to recognise it (size and sha256) and where it can come from.

mod address;
mod entry;

use std::path::Path;

use serde::Deserialize;

pub use address::{SourceAddress, Wheel};
pub use entry::{Companion, Entry, Format, Kind, Licence, Prefixes, Source, check_name};

use crate::WeightsError;

/// Name of the file of user entries in the models folder.
pub const USER_FILE: &str = "registry.toml";
const BUILT_IN: &str = include_str!("registry/builtin.toml");
const MAX_FILE_BYTES: u64 = 4 << 20;

/// The names that are used when none is given.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Answers chats.
    pub chat: String,
    /// Embeds queries and passages.
    pub embedding: String,
    /// The small model of tests.
    pub test: String,
}

/// All known entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Registry {
    defaults: Defaults,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    defaults: Defaults,
    model: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    #[serde(default)]
    model: Vec<Entry>,
}

impl Registry {
    /// Freehold's own list.
    ///
    /// # Errors
    /// None in a build whose tests pass: the list is part of the program.
    pub fn built_in() -> Result<Self, WeightsError> {
        let built_in: BuiltIn = parse(BUILT_IN, "the built-in registry")?;
        built_in.model.iter().try_for_each(Entry::check)?;
        Ok(Self { defaults: built_in.defaults, entries: built_in.model })
    }

    /// Freehold's own list and the entries of `registry.toml` in this folder, where there is one.
    ///
    /// # Errors
    /// [`WeightsError::Malformed`] for a file that is no such list, [`WeightsError::Invalid`] for an entry that
    /// cannot be right, [`WeightsError::Storage`] when the file cannot be read.
    pub fn load(folder: &Path) -> Result<Self, WeightsError> {
        let mut registry = Self::built_in()?;
        let path = folder.join(USER_FILE);
        match std::fs::metadata(&path) {
            Ok(found) if found.len() > MAX_FILE_BYTES => {
                return Err(WeightsError::malformed(USER_FILE, "it is longer than 4 MiB"));
            }
            Ok(_) => {}
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(registry),
            Err(cause) => return Err(WeightsError::storage("read", &path, cause)),
        }
        let text = std::fs::read_to_string(&path).map_err(|cause| WeightsError::storage("read", &path, cause))?;
        registry.extend(&text)?;
        Ok(registry)
    }

    /// Adds user entries. One that bears the name of another replaces it only where the file is the same: a person may
    /// say where a known file comes from, not what it is.
    fn extend(&mut self, text: &str) -> Result<(), WeightsError> {
        for entry in parse::<User>(text, USER_FILE)?.model {
            entry.check()?;
            match self.entries.iter_mut().find(|known| known.name == entry.name) {
                None => self.entries.push(entry),
                Some(known) if known.sha256 == entry.sha256 && known.bytes == entry.bytes => *known = entry,
                Some(known) => {
                    let name = &known.name;
                    return Err(WeightsError::invalid(format!(
                        "{USER_FILE} describes '{name}' with another file than the entry of that name: give yours another name"
                    )));
                }
            }
        }
        Ok(())
    }

    /// The names that are used when none is given.
    #[must_use]
    pub const fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// All entries, Freehold's own first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str, what: &str) -> Result<T, WeightsError> {
    toml::from_str(text).map_err(|cause| WeightsError::malformed(what, cause.to_string().trim_end().to_owned()))
}

#[cfg(test)]
mod tests;
