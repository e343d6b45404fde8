//! The control socket in the data folder: the same routes, for whoever may open the file (mode 0600).

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use tokio::task::JoinHandle;

use crate::error::FreeholdError;

/// How long a running command may go on when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Where the control socket of a data folder is.
pub(crate) fn socket_path(dir: &Path) -> PathBuf {
    dir.join("control.sock")
}

/// The folder of what belongs to the running server: the engines' sockets, and its address.
pub(super) fn run_dir(dir: &Path) -> PathBuf {
    dir.join("run")
}

fn address_path(dir: &Path) -> PathBuf {
    run_dir(dir).join("address")
}

/// The address that the server running on a data folder has last noted.
pub(crate) fn noted_address(dir: &Path) -> Option<String> {
    std::fs::read_to_string(address_path(dir)).ok().map(|text| text.trim().to_owned())
}

/// Makes the folder and notes the address in it.
pub(super) fn note_address(dir: &Path, url: &str) -> Result<(), FreeholdError> {
    let run_dir = run_dir(dir);
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&run_dir);
    made.map_err(FreeholdError::file("making the folder", &run_dir))?;
    let path = address_path(dir);
    std::fs::write(&path, format!("{url}\n")).map_err(FreeholdError::file("writing", &path))
}

/// The bound socket.
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Binds it. The caller holds the folder, so a socket that is there was left behind by a server that is gone.
    pub(super) fn bind(dir: &Path) -> Result<Self, FreeholdError> {
        let path = socket_path(dir);
        let failed = |action| FreeholdError::file(action, &path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("removing the old socket")(error));
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).map_err(failed("binding the control socket"))?;
        let private = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600));
        private.and_then(|()| listener.set_nonblocking(true)).map_err(failed("preparing the control socket"))?;
        Ok(Self { listener, path })
    }

    /// Answers on it from now on.
    pub(super) fn serve(self, router: Router) -> Control {
        let handle = Handle::new();
        let serving = tokio::spawn({
            let handle = handle.clone();
            async move {
                let served = match axum_server::from_unix(self.listener) {
                    Ok(server) => server.handle(handle).serve(router.into_make_service()).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = served {
                    tracing::error!(%error, "the control socket is lost");
                }
            }
        });
        Control { handle, serving, path: self.path }
    }
}

/// The socket while it answers.
pub(super) struct Control {
    handle: Handle<SocketAddr>,
    serving: JoinHandle<()>,
    path: PathBuf,
}

impl Control {
    /// Stops answering and removes the file.
    pub(super) async fn stop(self) {
        self.handle.graceful_shutdown(Some(GRACE));
        let _ = self.serving.await;
        let _ = std::fs::remove_file(&self.path);
    }
}
