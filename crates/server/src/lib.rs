//! HTTP: routes, who may call them, and the only error envelope.
//!
//! [`routes::ROUTES`] is the one table of what can be called and by whom; the router is built from it, so a route that
//! is not in it does not exist. A handler extracts, converts, calls one verb of `app` and renders. No rules live here.

mod body;
mod caller;
mod door;
mod envelope;
mod error;
mod exposition;
mod openapi;
mod query;
mod requests;
pub mod routes;
mod stream;

use std::sync::Arc;

use app::App;
use axum::Router;

pub use caller::By;
pub use door::{Door, ServerOptions};
pub use error::Refusal;
pub use openapi::{ErrorDetail, ErrorEnvelope, openapi};

/// The routes for the listener: who asks is decided by a key or a session.
pub fn router(app: Arc<App>, options: ServerOptions) -> Router {
    routes::build(Door::new(app, options, door::Entrance::Network))
}

/// The same routes for the control socket, whose file only the installation's own user can open: the caller is the
/// person `admin`.
pub fn control_router(app: Arc<App>) -> Router {
    routes::build(Door::new(app, ServerOptions::default(), door::Entrance::ControlSocket))
}
