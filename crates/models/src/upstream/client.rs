//! The HTTP client of one upstream: its own connections, its own trust, no redirects and no detours.

use std::path::Path;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Url};
use wire::model::Locality;

use crate::config::{UpstreamConfig, UpstreamKind};
use crate::error::ModelsError;

/// Idle connections are kept for less time than common servers keep them, so that few are found closed.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// The host of requests over a Unix socket: a name is needed, and none is looked up.
const EMBEDDED_ADDRESS: &str = "http://engine/v1";

/// The addresses of an upstream's routes, parsed once.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) chat: Url,
    pub(crate) completion: Url,
    pub(crate) embedding: Url,
    pub(crate) models: Url,
    /// Above `/v1`: the routes that only an embedded engine has.
    pub(crate) root: Url,
}

impl Addresses {
    pub(crate) fn of(config: &UpstreamConfig) -> Result<Self, ModelsError> {
        let base = match &config.kind {
            UpstreamKind::Embedded { .. } => EMBEDDED_ADDRESS,
            UpstreamKind::Remote { base_url } => base_url.trim_end_matches('/'),
        };
        let address = |route: &str| {
            Url::parse(&format!("{base}{route}")).map_err(|error| wrong(config, "kind.remote.base_url", error))
        };
        let mut root = address("")?;
        root.set_path("/");
        Ok(Self {
            chat: address("/chat/completions")?,
            completion: address("/completions")?,
            embedding: address("/embeddings")?,
            models: address("/models")?,
            root,
        })
    }
}

/// Builds the client.
pub(super) fn build(config: &UpstreamConfig) -> Result<Client, ModelsError> {
    use_ring();
    let builder = Client::builder()
        .http1_only()
        .tcp_nodelay(true)
        .redirect(Policy::none())
        .default_headers(headers(config)?)
        .user_agent(concat!("freehold/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_millis(config.timeouts.connect_ms))
        .pool_idle_timeout(POOL_IDLE)
        .pool_max_idle_per_host(config.max_concurrent);
    let builder = trusting(with_way(builder, config), config)?;
    builder.build().map_err(|error| wrong(config, "kind", error))
}

/// How to get there. Only what leaves the organisation may go through the system's proxy.
fn with_way(builder: ClientBuilder, config: &UpstreamConfig) -> ClientBuilder {
    match (&config.kind, config.locality) {
        (UpstreamKind::Embedded { socket }, _) => builder.no_proxy().unix_socket(socket.as_path()),
        (UpstreamKind::Remote { .. }, Locality::Local) => builder.no_proxy(),
        (UpstreamKind::Remote { .. }, Locality::External) => builder,
    }
}

/// Whom to trust: the file's certificates, else the system's. Without TLS nobody's, so that a machine without
/// certificates can still speak to its own engine.
fn trusting(builder: ClientBuilder, config: &UpstreamConfig) -> Result<ClientBuilder, ModelsError> {
    match (&config.ca_file, &config.kind) {
        (Some(path), _) => Ok(builder.tls_certs_only(certificates(config, path)?)),
        (None, UpstreamKind::Remote { base_url }) if base_url.starts_with("https") => Ok(builder),
        _ => Ok(builder.tls_certs_only([])),
    }
}

fn certificates(config: &UpstreamConfig, path: &Path) -> Result<Vec<Certificate>, ModelsError> {
    let pem = std::fs::read(path).map_err(|error| wrong(config, "ca_file", error))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| wrong(config, "ca_file", error))?;
    if found.is_empty() {
        return Err(wrong(config, "ca_file", "holds no certificate in PEM form"));
    }
    Ok(found)
}

fn headers(config: &UpstreamConfig) -> Result<HeaderMap, ModelsError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
    if let Some(key) = &config.api_key {
        let key = key.reveal().map_err(|message| wrong(config, "api_key", message))?;
        headers.insert(AUTHORIZATION, secret(config, "api_key", &format!("Bearer {key}"))?);
    }
    for (name, value) in &config.headers {
        let text = value.reveal().map_err(|message| wrong(config, name, message))?;
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|error| wrong(config, name, error))?;
        let value = secret(config, name.as_str(), &text)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn secret(config: &UpstreamConfig, field: &str, text: &str) -> Result<HeaderValue, ModelsError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| wrong(config, field, "not a value a header can have"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn wrong(config: &UpstreamConfig, field: &str, message: impl ToString) -> ModelsError {
    ModelsError::Configuration {
        subject: format!("upstream '{}'", config.name),
        field: field.to_owned(),
        message: message.to_string(),
    }
}

/// TLS by ring, unless the program chose another implementation before.
fn use_ring() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker: then one is in place as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
