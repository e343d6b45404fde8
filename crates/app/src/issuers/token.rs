//! One token: what it claims before it is believed, and the check that makes it believed. Pure.

use domain::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

use super::Issuer;
use crate::error::AppError;

/// The algorithms that are believed. Never `none`, and never one whose key would be shared with the issuer.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
/// The longest token that is read, bytes.
const LENGTH_LIMIT: usize = 16 << 10;
/// How far the clocks of the issuer and this machine may differ, seconds.
const LEEWAY_SECONDS: i64 = 60;

/// What a token claims of itself: enough to find its issuer and key, believed by nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unverified {
    pub(super) issuer: String,
    pub(super) key_id: Option<String>,
    pub(super) algorithm: Algorithm,
}

#[derive(Deserialize)]
struct IssuerClaim {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
}

impl Unverified {
    /// Reads a token without believing it.
    pub(super) fn read(token: &str) -> Result<Self, AppError> {
        if token.len() > LENGTH_LIMIT {
            return Err(refused("it is longer than 16 KiB"));
        }
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| refused("it is neither an id (per_...) nor a signed JWT of a known algorithm"))?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(refused("its algorithm is not RS256, ES256 or EdDSA"));
        }
        let claims: IssuerClaim = jsonwebtoken::dangerous::insecure_decode_claims(token)
            .map_err(|_| refused("it names no issuer under `iss`"))?;
        Ok(Self { issuer: claims.iss, key_id: header.kid, algorithm: header.alg })
    }
}

/// The subject of a token whose signature, issuer, audience and times hold.
pub(super) fn check(
    issuer: &Issuer,
    key: &Jwk,
    (token, unread): (&str, &Unverified),
    now: Timestamp,
) -> Result<String, AppError> {
    let key = DecodingKey::from_jwk(key).map_err(|_| refused("the issuer's key cannot be used"))?;
    // INVARIANT: the key was chosen for this algorithm, and it is one of `ALGORITHMS`.
    let mut rules = Validation::new(unread.algorithm);
    rules.set_issuer(&[&issuer.issuer]);
    rules.set_audience(&[&issuer.audience]);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // Times are checked below, against this installation's own clock.
    rules.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &rules).map_err(|error| refused(reason(&error)))?.claims;
    let seconds = now.seconds() as f64;
    if claims.exp + LEEWAY_SECONDS as f64 <= seconds {
        return Err(refused("it has expired"));
    }
    if claims.nbf.is_some_and(|begin| begin - LEEWAY_SECONDS as f64 > seconds) {
        return Err(refused("it is not valid yet"));
    }
    Ok(claims.sub)
}

fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature does not hold",
        ErrorKind::InvalidAudience => "its audience is another",
        ErrorKind::InvalidIssuer => "its issuer is another",
        ErrorKind::MissingRequiredClaim(_) => "it lacks one of `exp`, `iss`, `aud` and `sub`",
        _ => "it cannot be read",
    }
}

/// The one refusal, with what to mend.
pub(super) fn refused(reason: &str) -> AppError {
    let message =
        format!("the token in 'Freehold-On-Behalf-Of' is not accepted: {reason}; get a new one from the issuer");
    AppError::Forbidden { message, code: "act_for_denied" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn algorithms_without_a_public_key_are_not_read() {
        // {"alg":"none"} and {"alg":"HS256"}, each with {"iss":"x"}.
        for token in ["eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.", "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA"] {
            assert_eq!(Unverified::read(token).unwrap_err().code(), "act_for_denied");
        }
        let read = Unverified::read("eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJ4In0.AAAA").unwrap();
        assert_eq!(read, Unverified { issuer: "x".to_owned(), key_id: None, algorithm: Algorithm::EdDSA });
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_or_an_error(text in "([A-Za-z0-9_-]{0,40}\\.){0,3}.{0,40}") {
            let _ = Unverified::read(&text);
        }
    }
}
