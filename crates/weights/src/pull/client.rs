//! The HTTP client of pulls. It trusts the system's certificates, those named by `SSL_CERT_FILE` and `PIP_CERT`, and goes
//! through the proxies of the environment.

use std::path::Path;
use std::time::Duration;

use reqwest::Certificate;

use crate::WeightsError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client fit for pulls. The program must have installed its TLS provider before.
///
/// # Errors
/// [`WeightsError::Invalid`] when there is no TLS provider or the certificates cannot be used;
/// [`WeightsError::Storage`] when the file named by `PIP_CERT` cannot be read.
pub fn http_client() -> Result<reqwest::Client, WeightsError> {
    let extra = std::env::var_os("PIP_CERT").filter(|path| !path.is_empty());
    client(extra.as_deref().map(Path::new))
}

fn client(extra_certificates: Option<&Path>) -> Result<reqwest::Client, WeightsError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        return Err(WeightsError::invalid("no TLS provider is installed: the program must install one when it starts"));
    }
    // Downgrades, an address that changes under a redirect, are caught by the checksum; loops by reqwest's own limit.
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("freehold/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true);
    if let Some(path) = extra_certificates {
        let bundle = std::fs::read(path).map_err(|cause| WeightsError::storage("read", path, cause))?;
        let refuse = |cause| WeightsError::invalid(format!("PIP_CERT names no certificates ({cause}): correct it"));
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(&bundle).map_err(refuse)?);
    }
    builder.build().map_err(|cause| {
        WeightsError::invalid(format!("cannot prepare HTTPS ({cause}): check the system's certificates"))
    })
}
