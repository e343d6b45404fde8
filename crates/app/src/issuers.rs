//! Tokens of an outside issuer (OpenID Connect) that name the person for whom a service acts: signature, issuer,
//! audience and times are checked, then (issuer, subject) is looked up as (source, external id).
//!
//! INVARIANT: nothing is fetched for a caller whose key may not act for others.

mod keys;
mod token;

use access::{AccessError, Caller, OnBehalfOf};
use domain::{Principal, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;

pub use keys::KeySets;

/// An issuer whose tokens name people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The issuer, exactly as its tokens name it under `iss`; the `source` of the people it names.
    pub issuer: String,
    /// The audience that its tokens must have.
    pub audience: String,
    /// Where its public keys are. Give this or `jwks`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_url: Option<String>,
    /// Its public keys themselves (RFC 7517, `{"keys": [...]}`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub jwks: Option<Value>,
}

/// Checks a token that a service sends on behalf of somebody.
///
/// # Errors
/// The caller's key may not act for others, no configured issuer made the token, or something in it does not hold.
pub async fn verify(app: &App, caller: &Caller, token: &str) -> Result<OnBehalfOf, AppError> {
    if !may_act_for(app, caller) {
        return Err(AccessError::ActForDenied.into());
    }
    let unread = token::Unverified::read(token)?;
    let settings = app.settings.get();
    let issuer = settings.issuers.iter().find(|issuer| issuer.issuer == unread.issuer);
    let issuer = issuer.ok_or_else(|| token::refused("its issuer is not one of the settings' `issuers`"))?;
    let key = app.key_sets.key(issuer, &unread, app.now()).await?;
    let subject = token::check(issuer, &key, (token, &unread), app.now())?;
    Ok(OnBehalfOf::External(issuer.issuer.clone(), subject))
}

fn may_act_for(app: &App, caller: &Caller) -> bool {
    let directory = app.directory();
    let key = caller.key().and_then(|key| directory.key(key));
    matches!(caller.principal(), Principal::Service(_)) && key.is_some_and(|key| key.scopes.contains(&Scope::ActFor))
}

/// Refuses an issuer that cannot work or would not be safe.
pub(crate) fn check(issuer: &Issuer) -> Result<(), String> {
    if issuer.issuer.is_empty() || issuer.audience.is_empty() {
        return Err("give `issuer` and `audience`, as its tokens have them under `iss` and `aud`".to_owned());
    }
    match (&issuer.jwks_url, &issuer.jwks) {
        (Some(url), None) if is_safe(url) => Ok(()),
        (Some(_), None) => {
            Err("`jwks_url` must begin with https:// (or name this machine), so that nobody on the way \
                                can put in keys of their own"
                .to_owned())
        }
        (None, Some(jwks)) if !keys::read(jwks).is_empty() => Ok(()),
        (None, Some(_)) => Err("`jwks` holds no RS256, ES256 or EdDSA key: paste the issuer's whole JWKS".to_owned()),
        _ => Err("give `jwks_url` or `jwks`, one of the two".to_owned()),
    }
}

fn is_safe(url: &str) -> bool {
    let Ok(url) = url.parse::<reqwest::Url>() else { return false };
    let names_somebody = !url.username().is_empty() || url.password().is_some();
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    !names_somebody && (url.scheme() == "https" || (url.scheme() == "http" && is_local))
}
