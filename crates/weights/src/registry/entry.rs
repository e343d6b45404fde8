//! One entry of the registry.

use serde::{Deserialize, Serialize};

use super::SourceAddress;
use crate::WeightsError;

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It continues text.
    Chat,
    /// It gives one vector for a text.
    Embedding,
}

/// How the file is written that a source delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Installed as it is.
    #[default]
    Gguf,
    /// multilingual-e5 in 4 bits, see [`crate::e5`].
    PackedE5,
    /// A sentence-transformers folder, see [`crate::bert`].
    SentenceTransformers,
}

/// A licence as an SPDX expression, or the publisher's own words.
pub type Licence = String;

/// What stands before a text that is embedded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefixes {
    /// Before what somebody asks.
    pub query: String,
    /// Before what can be found.
    pub passage: String,
}

/// A further file that the model needs; it lies beside the main one in every source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Companion {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its sha256, hexadecimal.
    pub sha256: String,
}

/// One place a file can come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Where.
    pub from: SourceAddress,
    /// Whether somebody else than the publisher offers it there.
    #[serde(default)]
    pub unofficial: bool,
}

/// A model that can be pulled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The name people use; also the name of its folder.
    pub name: String,
    /// What it is good for, in a sentence.
    #[serde(default)]
    pub about: String,
    /// What it is for.
    pub kind: Kind,
    /// How the delivered file is written.
    #[serde(default)]
    pub format: Format,
    /// Name of the delivered file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its sha256, hexadecimal.
    pub sha256: String,
    /// Its licence.
    pub licence: Licence,
    /// Who made the model.
    #[serde(default)]
    pub publisher: Option<String>,
    /// Tokens it can read.
    pub context_length: u64,
    /// What embedded texts begin with.
    #[serde(default)]
    pub prefixes: Option<Prefixes>,
    /// Further files of it.
    #[serde(default)]
    pub companions: Vec<Companion>,
    /// Where it can come from, in order.
    pub sources: Vec<Source>,
}

impl Entry {
    /// Whether the publisher offers it in none of the sources.
    #[must_use]
    pub fn is_unofficial(&self) -> bool {
        self.sources.iter().all(|source| source.unofficial)
    }

    /// Name of the file that an engine loads.
    #[must_use]
    pub fn installed_file(&self) -> String {
        match self.format {
            Format::Gguf => self.file.clone(),
            Format::PackedE5 | Format::SentenceTransformers => format!("{}.gguf", self.name),
        }
    }

    /// Refuses an entry that cannot be right, or whose names could leave the models folder.
    pub(super) fn check(&self) -> Result<(), WeightsError> {
        let refuse = |reason: &str| Err(WeightsError::invalid(format!("the entry '{}' {reason}", self.name)));
        check_name(&self.name)?;
        let companions = self.companions.iter().map(|companion| (&companion.file, &companion.sha256));
        for (file, sha256) in std::iter::once((&self.file, &self.sha256)).chain(companions) {
            if !is_file_name(file) {
                return refuse(&format!("names the file '{file}': use letters, digits, '.', '-' and '_' only"));
            }
            if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return refuse("has a sha256 that is not 64 lower-case hexadecimal digits");
            }
        }
        if self.bytes == 0 || self.context_length == 0 {
            return refuse("has a size or a context length of zero");
        }
        if self.format == Format::Gguf && !self.companions.is_empty() {
            return refuse("has companions, which a GGUF file does not need");
        }
        let parts = self.sources.iter().map(|source| source.from.parts()).max();
        if parts.is_none() {
            return refuse("has no sources: add at least one");
        }
        if parts > Some(1) && !self.companions.is_empty() {
            return refuse("joins several wheels and has companions, which does not go together");
        }
        Ok(())
    }
}

/// Refuses a name that is no plain word of a folder and a URL.
///
/// # Errors
/// [`WeightsError::Invalid`], saying what a name may hold.
pub fn check_name(name: &str) -> Result<(), WeightsError> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    let starts_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if starts_well && name.len() <= 128 && name.bytes().all(plain) {
        return Ok(());
    }
    Err(WeightsError::invalid(format!(
        "'{name}' cannot name a model: use up to 128 lower-case letters, digits, '.', '-' and '_', beginning with a letter or digit"
    )))
}

fn is_file_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= 200 && !name.starts_with('.') && name.bytes().all(plain)
}
