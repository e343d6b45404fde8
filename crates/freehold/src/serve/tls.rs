//! TLS at the door: reads the certificate chain and its key, and says which of the two is wrong, and why.

use std::path::Path;
use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::error::FreeholdError;

/// What the listener speaks: HTTP/1.1 under this certificate.
///
/// # Errors
/// [`FreeholdError::File`] where a file cannot be read, [`FreeholdError::Config`] where one is not what it should be or
/// the two do not belong together.
pub(super) fn config(cert: &Path, key: &Path) -> Result<RustlsConfig, FreeholdError> {
    let (chain, private_key) = (read_chain(cert)?, read_key(key)?);
    let built = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, private_key);
    let mut config = built.map_err(|error| unusable(cert, key, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, FreeholdError> {
    let pem = std::fs::read(path).map_err(FreeholdError::file("reading the certificate", path))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(FreeholdError::Config {
            place: "server.tls_cert".to_owned(),
            problem: format!("there is no certificate in {}", path.display()),
            mend: "name a PEM file that begins with -----BEGIN CERTIFICATE-----: this server's own certificate first, \
                   then those of its issuers"
                .to_owned(),
        });
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, FreeholdError> {
    let pem = std::fs::read(path).map_err(FreeholdError::file("reading the private key", path))?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| FreeholdError::Config {
        place: "server.tls_key".to_owned(),
        problem: format!("there is no private key without a passphrase in {}", path.display()),
        mend: "name a PEM file that begins with -----BEGIN PRIVATE KEY-----; `openssl pkey -in KEY -out NEW` takes a \
               passphrase off"
            .to_owned(),
    })
}

fn unusable(cert: &Path, key: &Path, error: &rustls::Error) -> FreeholdError {
    let (cert, key) = (cert.display(), key.display());
    let (problem, mend) = match error {
        rustls::Error::InconsistentKeys(_) => (
            format!("{key} is not the key of the certificate {cert}"),
            format!(
                "name the pair that was made together: `openssl pkey -pubout -in {key}` and `openssl x509 -pubkey -noout \
                 -in {cert}` print the same for it"
            ),
        ),
        other => (
            format!("the certificate {cert} cannot be used: {other}"),
            "copy the file again, whole, or ask whoever issued it for a new one (ECDSA, Ed25519 or RSA)".to_owned(),
        ),
    };
    FreeholdError::Config { place: "server.tls_cert, server.tls_key".to_owned(), problem, mend }
}
