//! [`Door`]: what every route shares. One for each listener; the application behind it is one.

use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::extract::FromRef;

use crate::requests::RequestCounters;

/// How the door behaves.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The largest body that is read, bytes.
    pub body_limit_bytes: usize,
    /// The longest wait for the next piece of a body.
    pub body_idle_timeout: Duration,
    /// The longest time for a whole body.
    pub body_timeout: Duration,
    /// Whether `/metrics` answers without a key; closed, it needs the role `operator`.
    pub open_metrics: bool,
    /// Whether cookies are for encrypted connections only: set where TLS ends here or at a proxy in front.
    pub secure_cookies: bool,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            body_limit_bytes: 32 << 20,
            body_idle_timeout: Duration::from_secs(15),
            body_timeout: Duration::from_secs(300),
            open_metrics: true,
            secure_cookies: false,
        }
    }
}

/// Through what a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A listener that anybody may reach.
    Network,
    /// A socket file that only the installation's own user can open.
    ControlSocket,
}

/// What every route shares.
#[derive(Clone)]
pub struct Door {
    pub(crate) app: Arc<App>,
    pub(crate) options: Arc<ServerOptions>,
    pub(crate) entrance: Entrance,
    pub(crate) requests: Arc<RequestCounters>,
}

impl Door {
    pub(crate) fn new(app: Arc<App>, options: ServerOptions, entrance: Entrance) -> Self {
        Self { app, options: Arc::new(options), entrance, requests: Arc::default() }
    }
}

impl FromRef<Door> for Arc<App> {
    fn from_ref(door: &Door) -> Self {
        door.app.clone()
    }
}
