//! Who asks, decided before anything else of a request is read: a key, a session's cookie, or the control socket;
//! then on whose behalf; then whether the route is for them.

use access::{Caller, OnBehalfOf, SecretHash, hash_secret};
use app::{AppError, Asker, issuers};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use domain::{Capture, ErrorKind, Outcome};
use http::request::Parts;
use http::{Method, StatusCode};

use crate::door::{Door, Entrance};
use crate::error::Refusal;
use crate::query::header;
use crate::routes::Route;
use crate::routes::openai::traced;

/// The name of the session's cookie.
pub(crate) const SESSION_COOKIE: &str = "fh_session";
const CSRF_HEADER: &str = "x-csrf-token";
const PURPOSE_LIMIT: usize = 256;

/// Who asks: what a handler passes to a verb.
pub struct By(pub Asker);

/// The session that a request came with, if a cookie opened the door.
#[derive(Clone, Copy)]
pub(crate) struct SignedIn(pub(crate) Option<SecretHash>);

/// Lets a request through to its handler if the route is open or for one of the caller's roles.
pub(crate) async fn authorise(
    State((door, route)): State<(Door, &'static Route)>,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    if route.is_open(&door.options) {
        return Ok(next.run(request).await);
    }
    let (mut parts, body) = request.into_parts();
    let (asker, session) = match identify(&door, &parts).await {
        Ok(known) => known,
        Err(Unheard { refusal, holder: None }) => return Err(refusal),
        Err(Unheard { refusal, holder: Some(holder) }) => {
            return Ok(refused_exchange(&door, &holder, route.is_exchange(), refusal).await);
        }
    };
    let of_a_source = route.is_of_a_source();
    if let Err(missing) = asker.caller.require_for_route(route.roles, of_a_source) {
        let name = format!("{} {}", route.method, route.path);
        app::decisions::turned_from_route(&door.app, &asker, name, (route.roles, of_a_source)).await;
        return Ok(refused_exchange(&door, &asker, route.is_exchange(), missing.into()).await);
    }
    parts.extensions.insert(asker);
    parts.extensions.insert(session);
    Ok(next.run(Request::from_parts(parts, body)).await)
}

/// A refusal on the way to a model leaves a trace, like every other end of an exchange.
pub(crate) async fn refused_exchange(door: &Door, asker: &Asker, is_exchange: bool, refusal: Refusal) -> Response {
    let outcome = if refusal.status().is_server_error() { Outcome::Failed } else { Outcome::Refused };
    let trace = if is_exchange { app::turn_away(&door.app, asker, outcome, refusal.code()).await } else { None };
    traced(refusal, trace)
}

/// Where no route fits: whoever shows no key learns that first.
pub(crate) async fn unknown_route(State(door): State<Door>, request: Request) -> Refusal {
    let message = "there is no such route: GET /openapi.json lists them all";
    match identify(&door, &request.into_parts().0).await {
        Ok(_) => Refusal::new(ErrorKind::NotFound, "unknown_route", message),
        Err(unheard) => unheard.refusal,
    }
}

/// Where the path fits and the method does not.
pub(crate) async fn unknown_method(State(door): State<Door>, request: Request) -> Refusal {
    let message = "this route does not take that method: the header 'Allow' names those it takes";
    match identify(&door, &request.into_parts().0).await {
        Ok(_) => {
            Refusal::new(ErrorKind::Invalid, "method_not_allowed", message).with_status(StatusCode::METHOD_NOT_ALLOWED)
        }
        Err(unheard) => unheard.refusal,
    }
}

/// A request that is turned away before it is known on whose behalf it is.
struct Unheard {
    refusal: Refusal,
    /// Who showed a good key or session: the refusal is theirs, whomever they wanted to act for.
    holder: Option<Asker>,
}

async fn identify(door: &Door, parts: &Parts) -> Result<(Asker, SignedIn), Unheard> {
    let known = authenticate(door, parts).map_err(|refusal| Unheard { refusal, holder: None });
    let (caller, session) = known?;
    match asker(door, parts, caller.clone()).await {
        Ok(asker) => Ok((asker, SignedIn(session))),
        Err(refusal) => Err(Unheard { refusal, holder: Some(holder(parts, caller)) }),
    }
}

async fn asker(door: &Door, parts: &Parts, caller: Caller) -> Result<Asker, Refusal> {
    let caller = match header(parts, "freehold-on-behalf-of")? {
        Some(whom) => on_behalf_of(door, parts, caller, whom).await?,
        None => caller,
    };
    Ok(Asker { caller, purpose: purpose(parts)?, capture: capture(parts)? })
}

/// For themselves, with what can be read of their headers. A capture mode that cannot be read may have been meant to
/// keep little: counts only.
fn holder(parts: &Parts, caller: Caller) -> Asker {
    let capture = capture(parts).unwrap_or(Some(Capture::Usage));
    Asker { caller, purpose: purpose(parts).unwrap_or_default(), capture }
}

fn authenticate(door: &Door, parts: &Parts) -> Result<(Caller, Option<SecretHash>), Refusal> {
    let directory = door.app.directory();
    if door.entrance == Entrance::ControlSocket {
        return Ok((app::admin::local_caller(&directory)?, None));
    }
    if let Some(secret) = bearer(parts)? {
        return Ok((access::authenticate(&directory, secret, door.app.now())?, None));
    }
    let Some(cookie) = cookie(parts, SESSION_COOKIE) else { return Err(access::AccessError::MissingKey.into()) };
    let hash = hash_secret(cookie);
    let caller = access::session_caller(&directory, &hash, door.app.now())?;
    let token = header(parts, CSRF_HEADER)?.map(hash_secret);
    let expected = directory.session(&hash).map(|session| session.csrf_hash);
    if writes(&parts.method) && (token.is_none() || token != expected) {
        return Err(csrf_missing());
    }
    Ok((caller, Some(hash)))
}

fn bearer(parts: &Parts) -> Result<Option<&str>, Refusal> {
    let Some(value) = header(parts, "authorization")? else { return Ok(None) };
    match value.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(access::AccessError::MissingKey.into()),
    }
}

/// The first cookie of this name in any `Cookie` header.
fn cookie<'p>(parts: &'p Parts, name: &str) -> Option<&'p str> {
    let headers = parts.headers.get_all(http::header::COOKIE).into_iter();
    let mut pairs = headers.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

fn writes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

fn csrf_missing() -> Refusal {
    let message = "a write from a signed-in browser needs the header 'X-CSRF-Token' with the value of the cookie \
                   'fh_csrf': reload the page, or use an API key";
    Refusal::new(ErrorKind::Forbidden, "csrf_token_missing", message)
}

/// On behalf of whom the header names; a refusal is recorded as a decision.
async fn on_behalf_of(door: &Door, parts: &Parts, caller: Caller, whom: &str) -> Result<Caller, AppError> {
    let acting = act_for(door, caller.clone(), whom).await;
    if let Err(AppError::Access(access::AccessError::ActForDenied)) = &acting {
        app::decisions::turned_from_person(&door.app, &holder(parts, caller), whom.parse().ok()).await;
    }
    acting
}

/// `per_...` or a token of a configured issuer.
async fn act_for(door: &Door, caller: Caller, whom: &str) -> Result<Caller, AppError> {
    let directory = door.app.directory();
    let whom = if whom.starts_with(domain::PersonId::PREFIX) {
        OnBehalfOf::Person(whom.parse().map_err(|_| access::AccessError::ActForDenied)?)
    } else {
        issuers::verify(&door.app, &caller, whom).await?
    };
    Ok(access::act_for(&directory, caller, &whom)?)
}

fn capture(parts: &Parts) -> Result<Option<Capture>, Refusal> {
    let Some(text) = header(parts, "freehold-capture")? else { return Ok(None) };
    let refused = |()| {
        let message = format!("'{text}' is not a capture mode: use none, usage, redacted or full");
        Refusal::new(ErrorKind::Invalid, "invalid_value", message).with_param("Freehold-Capture")
    };
    text.parse().map(Some).map_err(refused)
}

fn purpose(parts: &Parts) -> Result<Option<String>, Refusal> {
    let Some(text) = header(parts, "freehold-purpose")? else { return Ok(None) };
    if text.is_empty() || text.len() > PURPOSE_LIMIT {
        let message = format!("a purpose has 1 to {PURPOSE_LIMIT} characters");
        return Err(Refusal::new(ErrorKind::Invalid, "invalid_value", message).with_param("Freehold-Purpose"));
    }
    Ok(Some(text.to_owned()))
}

impl FromRequestParts<Door> for By {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        // INVARIANT: `authorise` puts it there for every route that is not open.
        parts.extensions.get::<Asker>().cloned().map(Self).ok_or_else(|| Refusal::internal(None))
    }
}

impl FromRequestParts<Door> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or(Self(None)))
    }
}
