//! The models that this machine serves by itself: their weights are fetched where they are missing, an engine is kept
//! running for each, and the catalog and the door's readiness follow what the engines say.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use app::{App, Part};
use models::{ModelConfig, ModelKind, Prefixes, UpstreamConfig, UpstreamState};
use tokio::task::JoinHandle;
use weights::folder::Record;
use weights::gguf::GgufFile;
use weights::{Held, Kind, ModelFolder, Network, Progress, Stage};

use crate::config::Config;
use crate::error::FreeholdError;
use crate::pull;
use crate::supervisor::{EngineSpec, EngineState, Supervisor};

/// The models that need an engine here: the defaults and those to keep loaded, but for those that an upstream of the
/// settings serves.
pub(crate) fn embedded_names(config: &Config) -> Vec<String> {
    let wanted = [&config.models.chat, &config.models.embedding].into_iter().chain(&config.models.load);
    let mut names: Vec<String> = Vec::new();
    for name in wanted {
        let elsewhere = config.upstreams.iter().flat_map(|upstream| &upstream.models).any(|model| model.name == *name);
        if !elsewhere && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

/// The engines, on their way or running.
pub(super) struct Engines {
    bringing_up: Option<JoinHandle<Result<Supervisor, FreeholdError>>>,
    running: Option<Supervisor>,
}

impl Engines {
    /// Begins to bring them up.
    pub(super) fn start(config: &Config, app: Arc<App>) -> Self {
        let bringing_up = tokio::spawn(bring_up(config.clone(), app));
        Self { bringing_up: Some(bringing_up), running: None }
    }

    /// Resolves when an engine can never run because its weights cannot be had. An engine that dies comes back.
    pub(super) async fn failed(&mut self) -> FreeholdError {
        if let Some(bringing_up) = &mut self.bringing_up {
            let ended = bringing_up.await;
            self.bringing_up = None;
            match ended {
                Ok(Ok(supervisor)) => self.running = Some(supervisor),
                Ok(Err(error)) => return error,
                Err(error) => {
                    let mend = "report this with the log of this server".to_owned();
                    return FreeholdError::Failed {
                        problem: format!("bringing up the models broke off: {error}"),
                        mend,
                    };
                }
            }
        }
        std::future::pending().await
    }

    /// Ends them all.
    pub(super) async fn stop(self) {
        if let Some(bringing_up) = self.bringing_up {
            // Its engines go with it.
            bringing_up.abort();
            let _ = bringing_up.await;
        }
        if let Some(supervisor) = self.running {
            supervisor.stop().await;
        }
    }
}

async fn bring_up(config: Config, app: Arc<App>) -> Result<Supervisor, FreeholdError> {
    let folder = ModelFolder::open(&config.models.dir)?;
    let network = pull::network(&config)?;
    let run_dir = super::run_dir(&config.data.dir);
    let names = embedded_names(&config);
    let ready = Arc::new(Ready::new(&config, app));
    names.iter().for_each(|name| ready.wait(name, "waiting for its turn"));
    ready.rest_is_elsewhere(&names);
    let mut supervisor = Supervisor::new();
    for name in names {
        let (held, model) = weights(&folder, &name, &network, &ready).await?;
        let engine = Engine::new(&config, &run_dir, held.path(), model);
        ready.app.models.put(engine.upstream.clone())?;
        let ready = ready.clone();
        supervisor.keep(engine.spec.clone(), move |state| {
            let _kept_from_removal = &held;
            engine.follow(&ready, state);
        });
    }
    Ok(supervisor)
}

async fn weights(
    folder: &ModelFolder,
    name: &str,
    network: &Network,
    ready: &Arc<Ready>,
) -> Result<(Held, ModelConfig), FreeholdError> {
    let (told, told_name) = (ready.clone(), name.to_owned());
    let tell = move |progress: &Progress| {
        let percent = progress.fraction() * 100.0;
        match progress.stage {
            Stage::Fetching => told.wait(&told_name, &format!("fetching weights: {percent:.0} %")),
            _ => told.wait(&told_name, "preparing weights"),
        }
    };
    let installed = pull::pull(folder, name, network, tell).await?;
    let publisher = folder.registry().find(name).and_then(|entry| entry.publisher.clone());
    let (folder, name) = (folder.clone(), name.to_owned());
    let looked_at = tokio::task::spawn_blocking(move || {
        let held = folder.hold(&name)?;
        let quantization = GgufFile::open(held.path())?.header().summary().quantization;
        Ok((held, model(&installed.record, quantization, publisher)))
    });
    looked_at.await.unwrap_or_else(|error| {
        let mend = "start the server again".to_owned();
        Err(FreeholdError::Failed { problem: format!("checking the weights broke off: {error}"), mend })
    })
}

/// An engine as the supervisor and as the catalog know it.
struct Engine {
    spec: EngineSpec,
    upstream: UpstreamConfig,
}

impl Engine {
    fn new(config: &Config, run_dir: &Path, file: &Path, model: ModelConfig) -> Self {
        let models = &config.models;
        let spec = EngineSpec {
            name: model.name.clone(),
            model: file.to_owned(),
            socket: run_dir.join(format!("{}.sock", model.name)),
            embeddings: model.kind == ModelKind::Embedding,
            slots: models.slots,
            context: models.context,
            threads: models.threads,
            prefixes: model.prefixes.as_ref().map(|prefixes| (prefixes.query.clone(), prefixes.passage.clone())),
        };
        let mut upstream = UpstreamConfig::embedded(&spec.name, spec.socket.clone(), vec![model]);
        if !spec.embeddings {
            // The door lets callers take turns; a few requests beyond the slots keep the engine from waiting for it.
            upstream.max_concurrent = 2 * spec.slots as usize;
        }
        Self { spec, upstream }
    }

    /// Tells the catalog and the door.
    fn follow(&self, ready: &Ready, state: EngineState) {
        let name = &self.spec.name;
        let told = match state {
            EngineState::Loading(progress) => {
                ready.wait(name, &format!("loading: {:.0} %", progress * 100.0));
                ready.app.models.set_state(name, UpstreamState::Loading)
            }
            EngineState::Down { why, wait } => {
                ready.wait(name, &format!("it ended and is started again in {} ms", wait.as_millis()));
                ready.app.models.set_state(name, UpstreamState::Down { reason: why })
            }
            EngineState::Ready(props) => {
                let mut upstream = self.upstream.clone();
                for model in &mut upstream.models {
                    model.context_length = Some(props.context_length);
                    model.dimensions = props.embedding_dimensions;
                }
                let models = &ready.app.models;
                let told = models.put(upstream).and_then(|()| models.set_state(name, UpstreamState::Ready));
                ready.answers(name);
                told
            }
        };
        if let Err(error) = told {
            tracing::error!(model = name, %error, "the catalog does not follow an engine");
        }
    }
}

fn model(record: &Record, quantization: &str, publisher: Option<String>) -> ModelConfig {
    let embeds = record.kind == Kind::Embedding;
    let kind = if embeds { ModelKind::Embedding } else { ModelKind::Chat };
    let prefixes = record.prefixes.as_ref().filter(|_| embeds);
    ModelConfig {
        context_length: u32::try_from(record.context_length).ok(),
        prefixes: prefixes.map(|found| Prefixes { query: found.query.clone(), passage: found.passage.clone() }),
        license: Some(record.licence.clone()),
        sha256: Some(record.sha256.clone()),
        quantization: Some(quantization.to_owned()),
        owned_by: publisher,
        ..ModelConfig::new(&record.name, kind)
    }
}

/// What the door says about itself: it is ready when the default chat model and the default embeddings answer.
struct Ready {
    app: Arc<App>,
    chat: String,
    embedding: String,
    said: AtomicBool,
}

impl Ready {
    fn new(config: &Config, app: Arc<App>) -> Self {
        let (chat, embedding) = (config.models.chat.clone(), config.models.embedding.clone());
        Self { app, chat, embedding, said: AtomicBool::new(false) }
    }

    fn parts_of<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'static str> + 'n {
        let parts = [("chat", &self.chat), ("embeddings", &self.embedding)];
        parts.into_iter().filter(move |(_, model)| *model == name).map(|(part, _)| part)
    }

    fn wait(&self, name: &str, why: &str) {
        self.parts_of(name).for_each(|part| self.app.readiness.set(part, Part::Waiting(format!("{name}: {why}"))));
    }

    fn answers(&self, name: &str) {
        self.parts_of(name).for_each(|part| self.app.readiness.set(part, Part::Ready));
        self.say();
    }

    /// What an upstream of the settings serves is not waited for.
    fn rest_is_elsewhere(&self, embedded: &[String]) {
        for name in [&self.chat, &self.embedding] {
            if !embedded.contains(name) {
                self.answers(name);
            }
        }
    }

    fn say(&self) {
        let both = self.app.readiness.parts().len() == 2 && self.app.readiness.is_ready();
        if both && !self.said.swap(true, Ordering::Relaxed) {
            tracing::info!(chat = self.chat, embedding = self.embedding, "ready: questions are answered");
        }
    }
}
