//! The process around the engine: a Unix socket, and the three ways to end: the parent is gone, SIGTERM, a
//! failure of the model thread.

use std::future::Future;
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::options::EngineOptions;
use crate::routes;

/// How long running answers may take to end once the engine is told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// Serves until the parent process is gone (standard input ends) or SIGTERM arrives.
///
/// # Errors
/// Where the model cannot be loaded, the socket cannot be opened, or the model thread fails.
pub fn run(options: EngineOptions) -> Result<(), EngineError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| EngineError::system("the runtime cannot start", error))?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())
            .map_err(|error| EngineError::system("signals cannot be received", error))?;
        let parent = parent_gone()?;
        let stop = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = parent => {}
            }
        };
        serve(options, stop).await
    })
}

/// Serves until `stop` completes; then running answers have a grace period to end.
///
/// # Errors
/// As [`run`].
pub async fn serve(options: EngineOptions, stop: impl Future<Output = ()> + Send) -> Result<(), EngineError> {
    let listener = listen(&options.socket)?;
    let socket = options.socket.clone();
    let own = number_of(&socket);
    let engine = Arc::new(Engine::default());
    let mut model_ended = engine.start(options)?;
    let (drain, drained) = oneshot::channel::<()>();
    let serving = axum::serve(listener, routes::router(Arc::clone(&engine))).with_graceful_shutdown(async {
        // An error means that the sender is gone: the end as well.
        let _ = drained.await;
    });
    let mut serving = tokio::spawn(serving.into_future());
    let result = tokio::select! {
        () = stop => {
            engine.stop();
            // No new connections; open streams go on.
            let _ = drain.send(());
            let loaded = engine.is_loaded();
            let _ = tokio::time::timeout(GRACE, &mut serving).await;
            match loaded {
                true => tokio::time::timeout(GRACE, &mut model_ended).await.map_or(Ok(()), reason),
                // A load cannot be interrupted; the process ends around it.
                false => Ok(()),
            }
        }
        result = &mut model_ended => reason(result),
    };
    serving.abort();
    // Another engine may have taken the path over while this one let its answers finish.
    if number_of(&socket) == own {
        // The file may be gone already.
        let _ = std::fs::remove_file(&socket);
    }
    result
}

/// Why the model thread ended; one that panicked says nothing.
fn reason(end: Result<Result<(), EngineError>, oneshot::error::RecvError>) -> Result<(), EngineError> {
    end.unwrap_or_else(|_| Err(EngineError::Computation("the model thread panicked".to_owned())))
}

/// Opens the socket for this user only, replacing what a killed engine left behind.
fn listen(path: &Path) -> Result<UnixListener, EngineError> {
    let failed = |error: std::io::Error| EngineError::system(format!("cannot listen on {}", path.display()), error);
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                let reason = "another engine listens there; stop it or choose another path";
                return Err(EngineError::system(format!("cannot listen on {}", path.display()), reason));
            }
            std::fs::remove_file(path).map_err(failed)?;
        }
        Ok(_) => {
            let reason = "a file of another kind is there; choose another path";
            return Err(EngineError::system(format!("cannot listen on {}", path.display()), reason));
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Which file a path leads to now.
fn number_of(path: &Path) -> Option<u64> {
    std::fs::symlink_metadata(path).ok().map(|found| found.ino())
}

/// Completes when standard input ends. A plain thread, because a read of standard input cannot be cancelled.
fn parent_gone() -> Result<oneshot::Receiver<()>, EngineError> {
    let (gone, receiver) = oneshot::channel();
    std::thread::Builder::new()
        .name("parent".to_owned())
        .spawn(move || {
            let mut buffer = [0; 64];
            while matches!(std::io::stdin().read(&mut buffer), Ok(count) if count > 0) {}
            // The server may have ended first.
            let _ = gone.send(());
        })
        .map_err(|error| EngineError::system("the thread that watches the parent cannot start", error))?;
    Ok(receiver)
}
