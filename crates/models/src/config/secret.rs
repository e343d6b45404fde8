//! A secret in a configuration: given in place, or named by an environment variable or a file. It never prints,
//! and it serialises as `{"hidden": true}` unless it is only a name.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// An API key or the value of a header.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub struct Secret(Place);

#[derive(Clone, PartialEq, Eq)]
enum Place {
    Given(String),
    Environment(String),
    File(PathBuf),
    Hidden,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Given(String),
    Named(Named),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    Env(String),
    File(PathBuf),
    Hidden(bool),
}

impl From<Written> for Secret {
    fn from(written: Written) -> Self {
        Self(match written {
            Written::Given(text) => Place::Given(text),
            Written::Named(Named::Env(name)) => Place::Environment(name),
            Written::Named(Named::File(path)) => Place::File(path),
            Written::Named(Named::Hidden(_)) => Place::Hidden,
        })
    }
}

impl Secret {
    /// A secret given in place.
    pub fn given(text: impl Into<String>) -> Self {
        Self(Place::Given(text.into()))
    }

    /// A secret in an environment variable, read when the upstream is put in place.
    pub fn from_environment(name: impl Into<String>) -> Self {
        Self(Place::Environment(name.into()))
    }

    /// Whether this came from a listing, in which secrets are hidden.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0 == Place::Hidden
    }

    /// Whether it is only named: by an environment variable or a file of this machine.
    #[must_use]
    pub const fn is_named(&self) -> bool {
        matches!(self.0, Place::Environment(_) | Place::File(_))
    }

    /// The secret itself, without line ends around it.
    ///
    /// # Errors
    /// What is missing and what to do, in words that do not contain the secret.
    pub fn reveal(&self) -> Result<String, String> {
        let text = match &self.0 {
            Place::Given(text) => text.clone(),
            Place::Environment(name) => std::env::var(name)
                .map_err(|_| format!("the environment variable {name} is not set: set it, or name another one"))?,
            Place::File(path) => read(path)?,
            Place::Hidden => return Err("the secret was hidden when this was listed: give it again".to_owned()),
        };
        match text.trim() {
            "" => Err("the secret is empty: give one, or leave the field out".to_owned()),
            secret => Ok(secret.to_owned()),
        }
    }

    /// As it goes into the state database: in clear where it was given in place.
    pub(super) fn to_stored(&self) -> serde_json::Value {
        match &self.0 {
            Place::Given(text) => text.as_str().into(),
            _ => serde_json::to_value(self).unwrap_or_default(),
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path)
        .map_err(|error| format!("the file {} cannot be read ({error}): check the path and its rights", path.display()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Given(_) | Place::Hidden => f.write_str("Secret(..)"),
            Place::Environment(name) => write!(f, "Secret(env {name})"),
            Place::File(path) => write!(f, "Secret(file {})", path.display()),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Place::Given(_) | Place::Hidden => Named::Hidden(true),
            Place::Environment(name) => Named::Env(name.clone()),
            Place::File(path) => Named::File(path.clone()),
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_secret_shows_nowhere() {
        let secret: Secret = serde_json::from_str(r#""sk-12345""#).unwrap();
        assert_eq!(secret.reveal().unwrap(), "sk-12345");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(json, r#"{"hidden":true}"#);
        let back: Secret = serde_json::from_str(&json).unwrap();
        assert!(back.is_hidden() && back.reveal().is_err());
        assert_eq!(secret.to_stored(), "sk-12345");
    }

    #[test]
    fn a_named_secret_reads_back_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-file\n").unwrap();
        let secret: Secret = serde_json::from_value(serde_json::json!({"file": path})).unwrap();
        assert_eq!(secret.reveal().unwrap(), "sk-file");
        let json = serde_json::to_string(&secret).unwrap();
        assert_eq!(serde_json::from_str::<Secret>(&json).unwrap(), secret);
        let absent = Secret::from_environment("FREEHOLD_NO_SUCH_KEY");
        assert!(absent.reveal().unwrap_err().contains("FREEHOLD_NO_SUCH_KEY"));
    }
}
