//! Signing in by a one-time link, and out again.

use std::sync::Arc;

use app::App;
use app::links::{self, MadeLink, NewLink, SESSION_SECONDS, SignedIn};
use axum::Json;
use axum::extract::State;
use axum::response::{AppendHeaders, IntoResponse, Response};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;

use crate::body::Payload;
use crate::caller::{self, By, SESSION_COOKIE};
use crate::door::Door;
use crate::error::Answer;
use crate::query::{Made, Parameters};

/// The cookie that a page reads and sends back in `X-CSRF-Token`.
const CSRF_COOKIE: &str = "fh_csrf";

/// The secret of a link.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinkToken {
    /// The secret of the link.
    token: String,
}

/// Make a one-time sign-in link for a person, who gets a notice of it.
#[utoipa::path(
    post, path = "/api/v1/sign_in_links", tag = "Sessions", request_body = NewLink,
    responses((status = 201, body = MadeLink), (status = 404, description = "Nobody whom you may see"))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    By(asker): By,
    Payload(new): Payload<NewLink>,
) -> Answer<Made<MadeLink>> {
    Ok(Made(links::create(&app, &asker.caller, &new).await?))
}

/// Use a sign-in link: sets the session's cookie. A browser gets a page, anything else JSON.
#[utoipa::path(
    get, path = "/sign-in", tag = "Sessions", params(LinkToken), security(()),
    responses((status = 200, body = SignedIn), (status = 403, description = "The link does not work any more"))
)]
pub(crate) async fn sign_in(
    State(door): State<Door>,
    method: Method,
    headers: HeaderMap,
    Parameters(LinkToken { token }): Parameters<LinkToken>,
) -> Answer<Response> {
    if method == Method::HEAD {
        // Scanners of mail ask like this: it must not use the link up.
        return Ok(StatusCode::METHOD_NOT_ALLOWED.into_response());
    }
    let signed_in = links::sign_in(&door.app, &token).await?;
    let secure = if door.options.secure_cookies { "; Secure" } else { "" };
    let common = format!("Path=/; Max-Age={SESSION_SECONDS}; SameSite=Strict{secure}");
    let cookies = AppendHeaders([
        (SET_COOKIE, format!("{SESSION_COOKIE}={}; HttpOnly; {common}", signed_in.cookie)),
        (SET_COOKIE, format!("{CSRF_COOKIE}={}; {common}", signed_in.csrf_token)),
    ]);
    let private = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    ];
    Ok((cookies, private, page_or_json(&headers, signed_in)).into_response())
}

/// Sign out: end the session that this request came with.
#[utoipa::path(
    delete, path = "/api/v1/sessions/current", tag = "Sessions",
    responses((status = 204), (status = 404, description = "The request came with a key, not with a session"))
)]
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    By(asker): By,
    caller::SignedIn(session): caller::SignedIn,
) -> Answer<Response> {
    links::sign_out(&app, &asker.caller, session).await?;
    let gone = |name| (SET_COOKIE, format!("{name}=; Path=/; Max-Age=0; SameSite=Strict"));
    Ok((http::StatusCode::NO_CONTENT, AppendHeaders([gone(SESSION_COOKIE), gone(CSRF_COOKIE)])).into_response())
}

fn page_or_json(headers: &HeaderMap, signed_in: SignedIn) -> Response {
    let wants = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !wants.contains("text/html") {
        return Json(signed_in).into_response();
    }
    let name = escaped(&signed_in.display_name);
    axum::response::Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Freehold</title>\
         <p>You are signed in as <strong>{name}</strong> until {} (UTC).</p></html>\n",
        signed_in.expires_at
    ))
    .into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
