//! `freehold models`: the model files of the models folder.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::Clock;
use serde_json::{Value, json};
use toml::Value as Toml;
use weights::{Import, Installed, Kind, Model, ModelFolder, Progress};

use super::{Globals, output, progress};
use crate::clock::SystemClock;
use crate::config::{Config, Flag};
use crate::error::FreeholdError;
use crate::pull;

#[derive(Debug, Args)]
pub(super) struct Models {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the models that are known and those that are installed
    List,
    /// Show one model: licence, size, checksum, where it came from
    Show {
        /// Its name
        name: String,
    },
    /// Fetch a model; goes on where an earlier pull was cut off
    Pull {
        /// Its name
        name: String,
        /// Make no outbound call: only what is on this machine already
        #[arg(long)]
        offline: bool,
    },
    /// Hash a model's file and compare it with what was promised
    Verify {
        /// Its name; without one, every installed model
        name: Option<String>,
    },
    /// Remove a model's file; refused while an engine uses it
    Remove {
        /// Its name
        name: String,
    },
    /// Take in a GGUF file
    Import {
        /// The file
        file: PathBuf,
        /// The name it shall have [default: made from the file's name]
        #[arg(long)]
        name: Option<String>,
        /// Its licence, as an SPDX id [default: what the file says]
        #[arg(long, value_name = "LICENCE")]
        licence: Option<String>,
        /// What it is for [default: what the file suggests]
        #[arg(long)]
        kind: Option<KindArgument>,
        /// Share the bytes with the original where the file system allows it, instead of copying them
        #[arg(long)]
        hard_link: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum KindArgument {
    Chat,
    Embedding,
}

impl From<KindArgument> for Kind {
    fn from(kind: KindArgument) -> Self {
        match kind {
            KindArgument::Chat => Self::Chat,
            KindArgument::Embedding => Self::Embedding,
        }
    }
}

impl Models {
    pub(super) async fn run(&self, globals: &Globals) -> Result<(), FreeholdError> {
        let config = globals.load(self.flags())?.config;
        let folder = ModelFolder::open(&config.models.dir)?;
        match &self.verb {
            Verb::List => list(&folder, &config, globals.json),
            Verb::Show { name } => {
                show(&model_json(&folder.show(name)?), globals.json);
                Ok(())
            }
            Verb::Pull { name, .. } => {
                crate::serve::log_to_terminal(globals.json);
                let installed = pull::pull(&folder, name, &pull::network(&config)?, |_| {}).await?;
                installed_json(&installed, globals.json);
                Ok(())
            }
            Verb::Verify { name } => verify(&folder, name.as_deref(), globals.json),
            Verb::Remove { name } => remove(&folder, name, globals.json),
            Verb::Import { file, name, licence, kind, hard_link } => {
                std::fs::File::open(file).map_err(FreeholdError::file("opening", file))?;
                let (name, licence, kind) = (name.clone(), licence.clone(), kind.map(Kind::from));
                let import = Import { path: file.clone(), name, licence, kind, hard_link: *hard_link };
                let installed = with_bar("importing", |hear| folder.import(&import, SystemClock.now(), hear))?;
                installed_json(&installed, globals.json);
                Ok(())
            }
        }
    }

    fn flags(&self) -> Vec<Flag> {
        let offline = matches!(self.verb, Verb::Pull { offline: true, .. });
        let flag = Flag { key: "offline", flag: "--offline", value: Toml::Boolean(true) };
        offline.then_some(flag).into_iter().collect()
    }
}

fn list(folder: &ModelFolder, config: &Config, as_json: bool) -> Result<(), FreeholdError> {
    let models = folder.list()?;
    if as_json {
        let data: Vec<Value> = models.iter().map(model_json).collect();
        output::document(&json!({"folder": folder.path(), "data": data}));
        return Ok(());
    }
    output::table(
        &["name", "for", "size", "licence", "state"],
        models.iter().map(|model| row(model, config)).collect(),
    );
    Ok(())
}

fn row(model: &Model, config: &Config) -> Vec<String> {
    let bytes = model.installed.as_ref().map(|record| record.bytes).or(model.entry.as_ref().map(|entry| entry.bytes));
    let licence = model.installed.as_ref().map(|record| record.licence.clone());
    let licence = licence.or(model.entry.as_ref().map(|entry| entry.licence.clone())).unwrap_or_default();
    let default = model.name == config.models.chat || model.name == config.models.embedding;
    let state = match (&model.fault, &model.installed) {
        (Some(_), _) => "damaged: pull or import it again",
        (None, Some(_)) => "installed",
        (None, None) => "can be pulled",
    };
    let state = if default { format!("{state}, default") } else { state.to_owned() };
    vec![model.name.clone(), kind_name(model.kind).to_owned(), bytes.map_or_else(String::new, size), licence, state]
}

fn size(bytes: u64) -> String {
    format!("{} MB", bytes.div_ceil(1_000_000))
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Chat => "chat",
        Kind::Embedding => "embedding",
    }
}

fn model_json(model: &Model) -> Value {
    json!({
        "name": model.name,
        "kind": model.kind,
        "installed": model.installed,
        "registry": model.entry,
        "fault": model.fault,
    })
}

fn show(model: &Value, as_json: bool) {
    if as_json {
        return output::document(model);
    }
    let mut shown = json!({"name": model["name"], "kind": model["kind"]});
    for part in ["registry", "installed"] {
        for (name, value) in model[part].as_object().into_iter().flatten() {
            shown[name.as_str()] = value.clone();
        }
    }
    shown["fault"] = model["fault"].clone();
    output::fields(&shown);
}

fn installed_json(installed: &Installed, as_json: bool) {
    let record = &installed.record;
    if as_json {
        output::document(&json!({"path": installed.path, "model": record}));
    } else {
        output::line(&format!("{} is installed ({}, {}).", record.name, size(record.bytes), record.licence));
    }
}

fn verify(folder: &ModelFolder, name: Option<&str>, as_json: bool) -> Result<(), FreeholdError> {
    let all = || folder.list().map(|models| models.into_iter().filter(|model| model.installed.is_some()));
    let names: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => all()?.map(|model| model.name).collect(),
    };
    for name in names {
        let installed = with_bar("verifying", |hear| folder.verify(&name, hear))?;
        let sha256 = &installed.record.sha256;
        if as_json {
            output::line(&json!({"name": name, "ok": true, "sha256": sha256}).to_string());
        } else {
            output::line(&format!("{name}: every byte is as promised (sha256 {sha256})."));
        }
    }
    Ok(())
}

fn remove(folder: &ModelFolder, name: &str, as_json: bool) -> Result<(), FreeholdError> {
    folder.remove(name)?;
    if as_json {
        output::document(&json!({"name": name, "removed": true}));
    } else {
        output::line(&format!("{name} is removed."));
    }
    Ok(())
}

/// Runs blocking work with a bar that is gone afterwards.
fn with_bar<T>(
    label: &str,
    work: impl FnOnce(&dyn Fn(Progress)) -> Result<T, weights::WeightsError>,
) -> Result<T, FreeholdError> {
    let bar = progress::bytes(label, Some(0));
    let result = work(&|progress| {
        bar.set_length(progress.bytes_total.unwrap_or(0));
        bar.set_position(progress.bytes_done);
    });
    bar.finish_and_clear();
    Ok(result?)
}
