//! Puts the layers together and checks what spans more than one key.

use std::path::{Path, PathBuf};

use models::UpstreamConfig;
use serde::Deserialize;
use toml::Value;

use super::Config;
use super::settings::{Setting, Settings};
use crate::error::FreeholdError;

/// A value that the command line sets.
#[derive(Debug, Clone)]
pub(crate) struct Flag {
    /// The key it sets.
    pub(crate) key: &'static str,
    /// The flag as it is typed.
    pub(crate) flag: &'static str,
    /// Its value.
    pub(crate) value: Value,
}

impl Flag {
    /// A flag with a text.
    pub(crate) fn text(key: &'static str, flag: &'static str, text: impl Into<String>) -> Self {
        Self { key, flag, value: Value::String(text.into()) }
    }
}

/// Where settings come from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    /// `--config FILE`.
    pub(crate) file: Option<PathBuf>,
    /// All variables of the environment.
    pub(crate) environment: Vec<(String, String)>,
    /// What the command line sets.
    pub(crate) flags: Vec<Flag>,
}

/// Settings as loaded.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    /// What the program runs on.
    pub(crate) config: Config,
    /// The same as keys, with where each comes from.
    pub(crate) settings: Settings,
    /// The file that was read, if there was one.
    pub(crate) file: Option<PathBuf>,
}

/// The file in the data folder that is read where `--config` names no other.
const FILE_NAME: &str = "freehold.toml";

impl Sources {
    /// From the process's environment, with what the command line adds. Variables that are not UTF-8 are not ours.
    pub(crate) fn of_process(file: Option<PathBuf>, flags: Vec<Flag>) -> Self {
        let utf8 = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { file, environment: std::env::vars_os().filter_map(utf8).collect(), flags }
    }

    /// Loads and checks.
    ///
    /// # Errors
    /// [`FreeholdError::Config`] names the place, the key and what is allowed.
    pub(crate) fn load(&self) -> Result<Loaded, FreeholdError> {
        let settings = self.layers(self.file.as_deref())?;
        let dir = self.data_dir(&settings)?;
        let in_folder = dir.join(FILE_NAME);
        let (settings, file) = match &self.file {
            Some(file) => (settings, Some(file.clone())),
            None if in_folder.is_file() => {
                refuse_folder_in_itself(&in_folder)?;
                (self.layers(Some(&in_folder))?, Some(in_folder))
            }
            None => (settings, None),
        };
        let config = checked(settings.clone(), &dir)?;
        Ok(Loaded { config, settings, file })
    }

    fn layers(&self, file: Option<&Path>) -> Result<Settings, FreeholdError> {
        let mut settings = Settings::defaults();
        if let Some(file) = file {
            settings.add_file(file)?;
        }
        settings.add_environment(&self.environment)?;
        for flag in &self.flags {
            settings.add_flag(flag.key, flag.flag, flag.value.clone())?;
        }
        Ok(settings)
    }

    fn data_dir(&self, settings: &Settings) -> Result<PathBuf, FreeholdError> {
        if let Some(Setting { value: Value::String(dir), .. }) = settings.get("data.dir") {
            return Ok(PathBuf::from(dir));
        }
        let variable = |name: &str| {
            let found = self.environment.iter().find(|(known, value)| known == name && !value.is_empty());
            found.map(|(_, value)| PathBuf::from(value))
        };
        let base = variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
        base.map(|base| base.join("freehold")).ok_or_else(|| {
            FreeholdError::usage(
                "no data folder is named, and neither XDG_DATA_HOME nor HOME is set",
                "name one with --data DIR",
            )
        })
    }
}

/// A file found through the data folder cannot name another data folder.
fn refuse_folder_in_itself(file: &Path) -> Result<(), FreeholdError> {
    let mut alone = Settings::default();
    alone.add_file(file)?;
    match alone.get("data.dir") {
        None => Ok(()),
        Some(Setting { origin, .. }) => Err(FreeholdError::Config {
            place: origin.to_string(),
            problem: "'data.dir' cannot stand in the file that lies in the data folder".to_owned(),
            mend: "remove it there, and name the folder with --data DIR, or the file with --config FILE".to_owned(),
        }),
    }
}

fn checked(settings: Settings, dir: &Path) -> Result<Config, FreeholdError> {
    check_upstreams(&settings)?;
    check_tls(&settings)?;
    let mut table = settings.to_table();
    default_path(&mut table, "data", dir);
    default_path(&mut table, "models", &dir.join("models"));
    // Kinds have refused every wrong value; what fails here is a definition that does not fit `Config`.
    Config::deserialize(Value::Table(table)).map_err(|error| FreeholdError::Config {
        place: "settings".to_owned(),
        problem: error.message().to_owned(),
        mend: "`freehold config show --example` lists every key with what it takes".to_owned(),
    })
}

fn default_path(table: &mut toml::Table, section: &str, path: &Path) {
    let inner = table.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
    if let Value::Table(inner) = inner {
        inner.entry("dir").or_insert_with(|| Value::String(path.to_string_lossy().into_owned()));
    }
}

/// Each upstream as `models` reads it, which also looks for every secret that is named by a variable or a file.
fn check_upstreams(settings: &Settings) -> Result<(), FreeholdError> {
    let Some(Setting { value: Value::Array(upstreams), origin }) = settings.get("upstreams") else { return Ok(()) };
    for (index, upstream) in upstreams.iter().enumerate() {
        let read = UpstreamConfig::deserialize(upstream.clone()).map_err(|error| error.message().to_owned());
        read.and_then(|config| config.validate().map_err(|error| error.to_string())).map_err(|detail| {
            FreeholdError::Config {
                place: origin.to_string(),
                problem: format!("upstreams[{index}]: {detail}"),
                mend: "`freehold config show --example` shows an upstream that is right".to_owned(),
            }
        })?;
    }
    Ok(())
}

fn check_tls(settings: &Settings) -> Result<(), FreeholdError> {
    let (cert, key) = (settings.get("server.tls_cert"), settings.get("server.tls_key"));
    let (given, given_key, missing) = match (cert, key) {
        (Some(cert), None) => (cert, "server.tls_cert", "server.tls_key"),
        (None, Some(key)) => (key, "server.tls_key", "server.tls_cert"),
        _ => return Ok(()),
    };
    Err(FreeholdError::Config {
        place: given.origin.to_string(),
        problem: format!("'{given_key}' is set without '{missing}'"),
        mend: "TLS needs both; without both the door speaks plain HTTP".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::example;

    fn checked_or_mended(sources: &Sources) -> Result<(), TestCaseError> {
        if let Err(error) = sources.load() {
            prop_assert!(error.mend().is_some_and(|mend| !mend.is_empty()), "no mend: {error}");
        }
        Ok(())
    }

    /// Lines of the example as they would stand there uncommented.
    fn lines() -> Vec<String> {
        let settings = example().lines().map(|line| line.trim_start_matches("# ").to_owned()).collect::<Vec<_>>();
        settings.into_iter().filter(|line| line.contains(" = ") || line.starts_with('[')).collect()
    }

    fn of_file(text: &[u8]) -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.toml");
        std::fs::write(&file, text).unwrap();
        let dir = Flag::text("data.dir", "--data", folder.path().to_string_lossy());
        (folder, Sources { file: Some(file), environment: Vec::new(), flags: vec![dir] })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_file_of_any_bytes_is_settings_or_an_error_with_a_mend(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (_folder, sources) = of_file(&bytes);
            checked_or_mended(&sources)?;
        }

        #[test]
        fn a_file_of_shuffled_and_bent_lines_is_settings_or_an_error_with_a_mend(
            picked in prop::collection::vec(prop::sample::select(lines()), 0..12),
            at in any::<prop::sample::Index>(),
            by in any::<char>(),
        ) {
            let mut text: Vec<char> = picked.join("\n").chars().collect();
            let at = at.index(text.len() + 1);
            text.insert(at, by);
            let (_folder, sources) = of_file(text.into_iter().collect::<String>().as_bytes());
            checked_or_mended(&sources)?;
        }

        #[test]
        fn any_environment_is_settings_or_an_error_with_a_mend(
            key in "(SERVER|MODELS|LOG|DATA|UPSTREAMS|X)(__[A-Z_]{1,12}){0,2}",
            known in prop::sample::select(super::super::definition::DEFINITIONS),
            value in "\\PC{0,20}|[0-9]{1,20}|\\[.{0,12}\\]",
        ) {
            let (_folder, mut sources) = of_file(b"");
            for name in [format!("FREEHOLD__{key}"), known.variable()] {
                sources.environment = vec![(name, value.clone())];
                checked_or_mended(&sources)?;
            }
        }
    }
}
