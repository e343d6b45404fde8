//! What belongs to the process as a whole: signals, the runtime, limits, the TLS provider.

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::FreeholdError;

/// The signals that end a server.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on these signals are ours.
    pub(super) fn new() -> Result<Self, FreeholdError> {
        let listen = |kind| signal(kind).map_err(|error| refused("signals", &error));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Resolves at the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// A runtime over half of the cores. The database's threads and the engines work beside it; and where cores are few,
/// two threads that wake each other for every request cost more than they carry.
pub(super) fn runtime() -> Result<Runtime, FreeholdError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores.div_ceil(2)).enable_all().build();
    runtime.map_err(|error| refused("an event loop", &error))
}

fn refused(what: &str, error: &std::io::Error) -> FreeholdError {
    FreeholdError::Failed {
        problem: format!("the system gave no {what}: {error}"),
        mend: "raise the limits of this process (`ulimit -n`, `ulimit -u`)".to_owned(),
    }
}

/// Each connection is an open file: take as many as the system lets us.
pub(super) fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it was");
    }
}

/// Installs the TLS provider of this process; again is no harm.
pub(crate) fn install_crypto() {
    // An error means that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
