//! The door's own listener: plain HTTP, or TLS where certificate files are named.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::App;
use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::{Router, ServiceExt};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper::body::Incoming;
use hyper_util::rt::TokioTimer;
use server::ServerOptions;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tower::Layer;
use tower::util::MapRequestLayer;

use super::first_byte::FirstByte;
use super::tls;
use crate::config::Config;
use crate::error::FreeholdError;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1_024;

/// The door's routes, with what the settings say about them.
pub(super) fn router(app: Arc<App>, config: &Config) -> Router {
    let options = ServerOptions {
        body_limit_bytes: config.server.body_limit_bytes,
        body_idle_timeout: config.server.body_idle_timeout(),
        body_timeout: config.server.body_timeout(),
        open_metrics: config.server.metrics_open,
        secure_cookies: config.server.is_encrypted(),
    };
    server::router(app, options)
}

/// The bound listener.
pub(super) struct Listener {
    listener: std::net::TcpListener,
    address: SocketAddr,
    tls: Option<RustlsConfig>,
    base_path: String,
    header_timeout: Duration,
}

impl Listener {
    /// Takes the port and reads the certificate.
    pub(super) fn bind(config: &Config) -> Result<Self, FreeholdError> {
        let wanted = config.server.listen;
        let listener = bind(wanted).map_err(|source| FreeholdError::Listen { address: wanted.to_string(), source })?;
        let address = listener.local_addr().unwrap_or(wanted);
        let tls = match config.server.tls() {
            Some((cert, key)) => Some(tls::config(cert, key)?),
            None => None,
        };
        let (base_path, header_timeout) = (config.server.base_path.clone(), config.server.header_timeout());
        Ok(Self { listener, address, tls, base_path, header_timeout })
    }

    /// Where it is.
    pub(super) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.address, self.base_path)
    }

    /// Answers from now on.
    pub(super) fn serve(self, router: Router) -> Door {
        let handle = Handle::new();
        let serving = tokio::spawn({
            let handle = handle.clone();
            async move {
                if let Err(error) = self.answer(router, handle).await {
                    tracing::error!(%error, "the listener is lost");
                }
            }
        });
        Door { handle, serving }
    }

    async fn answer(self, router: Router, handle: Handle<SocketAddr>) -> io::Result<()> {
        let base_path = self.base_path;
        let without_base = move |request: Request<Incoming>| strip_base(request, &base_path);
        let service = MapRequestLayer::new(without_base).layer(router);
        let service = ServiceExt::<Request<Incoming>>::into_make_service(service);
        let patience = self.header_timeout;
        let mut server = axum_server::from_tcp(self.listener)?.handle(handle).http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(patience);
        let plain = NoDelayAcceptor::new();
        match self.tls {
            Some(tls) => {
                let inner = RustlsAcceptor::new(tls).handshake_timeout(patience).acceptor(plain);
                server.acceptor(FirstByte { inner, patience }).serve(service).await
            }
            None => server.acceptor(FirstByte { inner: plain, patience }).serve(service).await,
        }
    }
}

/// `SO_REUSEADDR`, so that the port can be taken again at once after a crash; never shared with a living process.
fn bind(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Takes the base path off. A request without it passes as it is: a proxy may have taken it off already, and probes
/// ask for `/healthz` directly.
fn strip_base<B>(mut request: Request<B>, base_path: &str) -> Request<B> {
    if base_path.is_empty() {
        return request;
    }
    let whole = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let rest = match whole.strip_prefix(base_path) {
        Some("") => "/".to_owned(),
        Some(rest) if rest.starts_with('/') => rest.to_owned(),
        Some(rest) if rest.starts_with('?') => format!("/{rest}"),
        _ => return request,
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = rest.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// The door while it answers.
pub(super) struct Door {
    handle: Handle<SocketAddr>,
    serving: JoinHandle<()>,
}

impl Door {
    /// Takes no more connections, lets running replies go on for so long, then cuts them.
    pub(super) async fn stop(self, grace: Duration) {
        self.handle.graceful_shutdown(Some(grace));
        let _ = self.serving.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(uri: &str) -> String {
        let request = Request::builder().uri(uri).body(axum::body::Body::empty()).unwrap();
        strip_base(request, "/ai").uri().to_string()
    }

    #[test]
    fn the_base_path_is_taken_off_where_it_stands() {
        for (uri, expected) in [
            ("/ai/v1/models?x=1", "/v1/models?x=1"),
            ("/ai", "/"),
            ("/ai?x=1", "/?x=1"),
            ("/aid", "/aid"),
            ("/healthz", "/healthz"),
        ] {
            assert_eq!(stripped(uri), expected, "{uri}");
        }
    }
}
