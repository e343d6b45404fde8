//! Keeps one engine process for each base model running: starts it, waits until it is ready, watches it, starts it
//! again when it ends. A crash of an engine never touches this process; the end of this process ends every engine.

mod backoff;
mod child;
mod probe;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use wire::engine::EngineProps;

use backoff::Backoff;
use child::Engine;
use probe::{Answer, Probe};

/// How often a loading engine is asked.
const LOADING_INTERVAL: Duration = Duration::from_millis(50);
/// How often a running engine is asked; this many silences in a row and it counts as stuck.
const WATCH_INTERVAL: Duration = Duration::from_secs(10);
const SILENCES: u32 = 3;

/// One engine to keep running.
#[derive(Debug, Clone)]
pub(crate) struct EngineSpec {
    /// The model's name.
    pub(crate) name: String,
    /// Its file.
    pub(crate) model: PathBuf,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// Whether it embeds instead of generating.
    pub(crate) embeddings: bool,
    /// How many requests it answers at once.
    pub(crate) slots: u32,
    /// Context of a request in tokens; none: the engine decides.
    pub(crate) context: Option<u32>,
    /// Threads; none: the engine decides.
    pub(crate) threads: Option<u32>,
    /// What an embedding model wants before a query and before a passage.
    pub(crate) prefixes: Option<(String, String)>,
}

/// How an engine is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EngineState {
    /// Its process runs; the model is being loaded, 0 to 1.
    Loading(f32),
    /// It takes requests.
    Ready(Box<EngineProps>),
    /// It ended, or could not be started; it is started again after the wait.
    Down {
        /// Why, for people.
        why: String,
        /// How long until it is started again.
        wait: Duration,
    },
}

/// The engines that are kept running.
#[derive(Debug)]
pub(crate) struct Supervisor {
    engines: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Supervisor {
    /// Keeps nothing running yet.
    pub(crate) fn new() -> Self {
        Self { engines: JoinSet::new(), stop: watch::Sender::new(false) }
    }

    /// Keeps one more engine running; `report` is called whenever its state changes.
    pub(crate) fn keep(&mut self, spec: EngineSpec, report: impl Fn(EngineState) + Send + Sync + 'static) {
        let stop = self.stop.subscribe();
        self.engines.spawn(async move { keep_running(&spec, &report, stop).await });
    }

    /// Ends all engines, in order where they let us, and returns when they are gone.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        while self.engines.join_next().await.is_some() {}
    }
}

/// How one life of an engine ended.
enum End {
    /// We were told to stop.
    Stopped,
    /// It died, or was killed for being stuck; healthy for so long before.
    Died { why: String, healthy_for: Option<Duration> },
}

async fn keep_running(
    spec: &EngineSpec,
    report: &(dyn Fn(EngineState) + Send + Sync),
    mut stop: watch::Receiver<bool>,
) {
    let mut backoff = Backoff::new();
    loop {
        let End::Died { why, healthy_for } = live(spec, report, &mut stop).await else { return };
        let wait = backoff.after(healthy_for);
        tracing::warn!(model = %spec.name, %why, wait_ms = wait.as_millis(), "an engine ended and is started again");
        report(EngineState::Down { why, wait });
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// One life of an engine: from its start to its end.
async fn live(
    spec: &EngineSpec,
    report: &(dyn Fn(EngineState) + Send + Sync),
    stop: &mut watch::Receiver<bool>,
) -> End {
    report(EngineState::Loading(0.0));
    let started = remove_stale(spec).and_then(|()| Engine::start(spec));
    let mut engine = match started {
        Ok(engine) => engine,
        Err(error) => return End::Died { why: format!("it could not be started: {error}"), healthy_for: None },
    };
    let probe = match Probe::new(&spec.socket) {
        Ok(probe) => probe,
        Err(error) => return End::Died { why: error.to_string(), healthy_for: None },
    };
    let life = Life { name: &spec.name, pid: engine.id(), probe };
    let mut ready_since = None;
    let why = tokio::select! {
        () = stopped(stop) => None,
        status = engine.ended() => Some(status.map_or_else(|error| error.to_string(), |status| status.to_string())),
        why = follow(&life, report, &mut ready_since) => Some(why),
    };
    let Some(why) = why else {
        engine.stop().await;
        return End::Stopped;
    };
    if engine.id().is_some() {
        engine.kill().await;
    }
    End::Died { why, healthy_for: ready_since.map(|since: Instant| since.elapsed()) }
}

/// A socket that an earlier life left behind.
fn remove_stale(spec: &EngineSpec) -> io::Result<()> {
    match std::fs::remove_file(&spec.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// One process of an engine, as its log names it.
struct Life<'s> {
    name: &'s str,
    pid: Option<u32>,
    probe: Probe,
}

/// Waits until the engine is ready, then watches it; returns why it counts as stuck.
async fn follow(
    life: &Life<'_>,
    report: &(dyn Fn(EngineState) + Send + Sync),
    ready_since: &mut Option<Instant>,
) -> String {
    let begun = Instant::now();
    loop {
        match life.probe.health().await {
            Answer::Ready => break,
            Answer::Loading(progress) => report(EngineState::Loading(progress)),
            Answer::Silent => {}
        }
        tokio::time::sleep(LOADING_INTERVAL).await;
    }
    let props = match life.probe.props().await {
        Ok(props) => props,
        Err(error) => return format!("it is ready but does not say what it serves: {error}"),
    };
    *ready_since = Some(Instant::now());
    let ms = begun.elapsed().as_millis();
    tracing::info!(model = life.name, pid = life.pid, context = props.context_length, ms, "an engine is ready");
    report(EngineState::Ready(Box::new(props)));
    watch_until_stuck(&life.probe).await
}

async fn watch_until_stuck(probe: &Probe) -> String {
    let mut silences = 0;
    while silences < SILENCES {
        tokio::time::sleep(WATCH_INTERVAL).await;
        silences = if matches!(probe.health().await, Answer::Ready) { 0 } else { silences + 1 };
    }
    "it no longer answers".to_owned()
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender lives as long as the supervisor: an error means that it is gone, too.
    let _ = stop.wait_for(|stopped| *stopped).await;
}
