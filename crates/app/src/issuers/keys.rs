//! The public keys of issuers: given in the settings, or fetched and kept. A key id that is not known causes one fetch
//! a minute at most, so that made-up tokens do not make this server call out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::Timestamp;
use jsonwebtoken::Algorithm;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde_json::Value;

use super::Issuer;
use super::token::{Unverified, refused};
use crate::error::AppError;

/// The shortest time between two fetches from one address, seconds.
const FETCH_PAUSE_SECONDS: i64 = 60;
/// Keys older than this are fetched anew, so that those an issuer withdrew stop working, seconds.
const REFRESH_SECONDS: i64 = 3600;
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
const SIZE_LIMIT: usize = 1 << 20;
/// 2,048 to 8,192 bits in base64url.
const MODULUS: std::ops::RangeInclusive<usize> = 342..=1366;

/// The keys of all issuers, as far as they were needed.
#[derive(Debug, Default)]
pub struct KeySets {
    client: Option<reqwest::Client>,
    fetched: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Fetched>>>>,
}

#[derive(Debug, Default)]
struct Fetched {
    keys: Vec<Jwk>,
    tried_at: Option<Timestamp>,
}

impl Fetched {
    fn is_older_than(&self, seconds: i64, now: Timestamp) -> bool {
        self.tried_at.is_none_or(|then| then.plus_seconds(seconds) <= now)
    }
}

impl KeySets {
    /// Fetches through this client; without one only keys that stand in the settings are known.
    #[must_use]
    pub fn new(client: impl Into<Option<reqwest::Client>>) -> Self {
        Self { client: client.into(), fetched: Mutex::default() }
    }

    /// The issuer's key for a token.
    pub(super) async fn key(&self, issuer: &Issuer, token: &Unverified, now: Timestamp) -> Result<Jwk, AppError> {
        let unknown = || refused("its key is not among the issuer's");
        let Some(url) = &issuer.jwks_url else {
            let keys = issuer.jwks.as_ref().map(read).unwrap_or_default();
            return choose(&keys, token).cloned().ok_or_else(unknown);
        };
        let entry = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).entry(url.clone()).or_default().clone();
        let mut set = entry.lock().await;
        let known = choose(&set.keys, token).is_some();
        let pause = if known { REFRESH_SECONDS } else { FETCH_PAUSE_SECONDS };
        if set.is_older_than(pause, now) {
            set.tried_at = Some(now);
            match self.fetch(url).await {
                Ok(keys) => set.keys = keys,
                Err(error) if known => tracing::warn!(issuer = issuer.issuer, %error, "its keys are used as last read"),
                Err(error) => return Err(error),
            }
        }
        choose(&set.keys, token).cloned().ok_or_else(unknown)
    }

    async fn fetch(&self, url: &str) -> Result<Vec<Jwk>, AppError> {
        let client = self.client.as_ref().ok_or_else(|| {
            unavailable("this server runs offline: put the issuer's keys into the settings under `jwks`".to_owned())
        })?;
        let failed =
            |error: reqwest::Error| unavailable(format!("its keys cannot be fetched ({})", error.without_url()));
        let request = client.get(url).timeout(FETCH_TIMEOUT).send();
        let mut response = request.await.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&piece);
            if body.len() > SIZE_LIMIT {
                return Err(unavailable("its key set is larger than 1 MiB".to_owned()));
            }
        }
        let set = serde_json::from_slice(&body).map_err(|_| unavailable("its key set is not JSON".to_owned()))?;
        Ok(read(&set))
    }
}

fn unavailable(reason: String) -> AppError {
    let message = format!("the issuer of the token in 'Freehold-On-Behalf-Of' cannot be asked: {reason}");
    AppError::Unavailable { message, code: "issuer_unavailable" }
}

/// The usable keys of a set: those of other kinds are skipped, as RFC 7517 asks.
pub(super) fn read(set: &Value) -> Vec<Jwk> {
    let keys = set.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let parsed = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
    parsed.filter(|key| algorithm(key).is_some()).collect()
}

/// The one algorithm that a key is for, if it is one that is believed.
fn algorithm(key: &Jwk) -> Option<Algorithm> {
    if key.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
        return None;
    }
    let (algorithm, name) = match &key.algorithm {
        AlgorithmParameters::RSA(rsa) if MODULUS.contains(&rsa.n.len()) => (Algorithm::RS256, KeyAlgorithm::RS256),
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
        }
        _ => return None,
    };
    key.common.key_algorithm.is_none_or(|named| named == name).then_some(algorithm)
}

/// The key with the token's id; without one, the only key for its algorithm.
fn choose<'k>(keys: &'k [Jwk], token: &Unverified) -> Option<&'k Jwk> {
    let mut fitting = keys.iter().filter(|key| algorithm(key) == Some(token.algorithm));
    match &token.key_id {
        Some(id) => fitting.find(|key| key.common.key_id.as_ref() == Some(id)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SET: &str = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "use": "sig", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "EC", "crv": "P-256", "alg": "ES256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;

    #[test]
    fn usable_keys_are_read_and_others_skipped() {
        let set: Value = serde_json::from_str(SET).unwrap();
        assert_eq!(read(&set).len(), 2);
        assert!(read(&serde_json::json!({"keys": [{"kty": "oct", "k": "AAAA"}, 4, null]})).is_empty());
    }

    proptest! {
        #[test]
        fn a_key_set_of_any_or_mutated_bytes_holds_only_usable_keys(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            place in 0..SET.len(),
            by in any::<u8>(),
        ) {
            let mut mutated = SET.as_bytes().to_vec();
            mutated[place] = by;
            for bytes in [bytes, mutated] {
                let keys = serde_json::from_slice(&bytes).map(|set| read(&set)).unwrap_or_default();
                prop_assert!(keys.iter().all(|key| algorithm(key).is_some()));
            }
        }
    }
}
