//! `serve`, read aloud: open the installation, take the port, let people in, bring up the models, wait for a signal,
//! let running replies finish, leave.

mod control;
mod demo;
mod engines;
mod first_byte;
mod installation;
mod listen;
mod log;
mod panics;
mod process;
mod tls;
mod upkeep;

use std::time::Duration;

pub(crate) use control::{noted_address, socket_path};
pub(crate) use engines::embedded_names;
pub(crate) use installation::Installation;
pub(crate) use log::{to_parent as log_to_parent, to_terminal as log_to_terminal};
pub(crate) use process::install_crypto;

use crate::config::{Config, Loaded};
use crate::error::FreeholdError;
use control::{ControlSocket, run_dir};
use engines::Engines;
use listen::Listener;
use process::Signals;

/// How long the records of ended requests may take to become durable at the end.
const FLUSH: Duration = Duration::from_secs(10);

/// Runs the door until a signal ends it; with the demo company, where that is wanted.
///
/// # Errors
/// Whatever keeps it from starting, and the loss of its models' weights.
pub(crate) fn serve(loaded: Loaded, demo: bool) -> Result<(), FreeholdError> {
    log::start(&loaded.config.log);
    install_crypto();
    process::raise_file_limit();
    let runtime = process::runtime()?;
    let ended = runtime.block_on(run(&loaded.config, demo));
    // Blocking work that nobody waits for any more, such as hashing a file, must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn run(config: &Config, demo: bool) -> Result<(), FreeholdError> {
    let mut signals = Signals::new()?;
    let installation = Installation::open(config).await?;
    let listener = Listener::bind(config)?;
    let url = listener.url();
    let control = ControlSocket::bind(&config.data.dir)?;
    control::note_address(&config.data.dir, &url)?;
    let app = installation.app.clone();
    let door = listener.serve(listen::router(app.clone(), config));
    let control = control.serve(server::control_router(app.clone()));
    tracing::info!(%url, data = %config.data.dir.display(), "the door is open; models follow");

    if demo {
        demo::load(&app, &config.data.dir).await?;
    }
    app::upstreams::ask_lengths(&app);
    let mut engines = Engines::start(config, app.clone());
    let ended = tokio::select! {
        () = upkeep::upkeep(app) => Ok(()),
        () = signals.next() => Ok(()),
        error = engines.failed() => Err(error),
    };

    tracing::info!(grace_seconds = config.server.shutdown_grace().as_secs(), "stopping: running replies may finish");
    // Who follows a job need not wait for its end: it ends now.
    app::jobs::stop(&installation.app);
    let in_order = async {
        tokio::join!(door.stop(config.server.shutdown_grace()), control.stop());
        if tokio::time::timeout(FLUSH, installation.close()).await.is_err() {
            tracing::error!("records of the last requests were still being written when the time was up");
        }
        engines.stop().await;
    };
    tokio::select! {
        () = in_order => tracing::info!("stopped"),
        () = signals.next() => tracing::warn!("stopped at once"),
    }
    ended
}
