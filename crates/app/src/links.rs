//! One-time sign-in links: somebody entitled makes one for a person, whose browser turns it into a session. A link
//! made for somebody else is told to that person (`notices`).

use access::{AccessError, Caller, Change, Directory, SecretHash, Session, hash_secret};
use domain::{LinkId, PersonId, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use store::SignInLink;
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::lookup;

/// How long a link works, seconds.
pub const LINK_SECONDS: i64 = 3600;
/// How long a session lasts, seconds.
pub const SESSION_SECONDS: i64 = 12 * 3600;

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewLink {
    /// Whom it signs in, by id or by a name that is unique.
    pub person: String,
}

/// A link that was made. The URL is shown here and never again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MadeLink {
    /// Its id.
    #[schema(value_type = String)]
    pub id: LinkId,
    /// The path and query to open in a browser, after the address of this server. It works once.
    pub url: String,
    /// When it stops working by itself.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// What a browser gets when a link is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SignedIn {
    /// Who is signed in.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// The name to show.
    pub display_name: String,
    /// When the session ends.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// The token that writes must carry in the header `X-CSRF-Token`.
    pub csrf_token: String,
    /// The secret of the session's cookie.
    #[serde(skip)]
    pub cookie: String,
}

/// Makes a sign-in link for a person.
///
/// # Errors
/// There is no such person, or they are not active.
pub async fn create(app: &App, caller: &Caller, new: &NewLink) -> Result<MadeLink, AppError> {
    caller.require_in_person()?;
    if !caller.narrowed_to().is_empty() {
        return Err(AccessError::Narrowed.into());
    }
    let person = lookup::person(&app.directory(), caller, &new.person)?;
    if !person.active {
        let message = "this person is not active: activate them first".to_owned();
        return Err(AppError::Conflict { message, code: "person_inactive" });
    }
    let (now, secret) = (app.now(), app.ids.secret());
    let link = SignInLink {
        id: LinkId::from_uuid(app.ids.uuid(now)),
        person: person.id,
        made_by: Some(caller.principal()),
        created_at: now,
        expires_at: now.plus_seconds(LINK_SECONDS),
        used_at: None,
    };
    app.store.add_link(&link, &hash_secret(&secret)).await?;
    Ok(MadeLink { id: link.id, url: format!("/sign-in?token={secret}"), expires_at: link.expires_at })
}

/// Turns a link into a session. The link is used up first: of two who try at once, one gets in.
///
/// # Errors
/// The link is unknown, used or expired, or its person is not active; the door does not say which.
pub async fn sign_in(app: &App, token: &str) -> Result<SignedIn, AppError> {
    let link = app.store.use_link(&hash_secret(token)).await?.ok_or_else(refused)?;
    let (cookie, csrf_token) = (app.ids.secret(), app.ids.secret());
    let expires_at = app.now().plus_seconds(SESSION_SECONDS);
    let session =
        Session { hash: hash_secret(&cookie), csrf_hash: hash_secret(&csrf_token), person: link.person, expires_at };
    let now = app.now();
    let plan = |directory: &Directory| {
        if !directory.is_active(Principal::Person(link.person)) {
            return Err(refused());
        }
        // Sessions that are over go whenever somebody signs in, so that they do not pile up.
        let over = directory.sessions().filter(|session| session.expires_at <= now);
        let mut changes: Vec<Change> = over.map(|session| Change::EndSession(session.hash)).collect();
        changes.push(Change::AddSession(session));
        Ok(changes)
    };
    let directory = app.store.commit(Some(Principal::Person(link.person).into()), plan).await?;
    let person = directory.person(link.person).ok_or_else(refused)?;
    Ok(SignedIn { person: person.id, display_name: person.display_name.clone(), expires_at, csrf_token, cookie })
}

/// Ends the session that a request came with.
///
/// # Errors
/// The request came with a key, or the session is over already.
pub async fn sign_out(app: &App, caller: &Caller, session: Option<SecretHash>) -> Result<(), AppError> {
    let plan = |directory: &Directory| {
        let session = session.and_then(|hash| directory.session(&hash)).ok_or_else(AppError::not_found)?;
        Ok::<_, AppError>(vec![Change::EndSession(session.hash)])
    };
    app.store.commit(Some(caller.actor()), plan).await?;
    Ok(())
}

fn refused() -> AppError {
    let message = "this sign-in link does not work (any more): it works once and for an hour; ask for a new one";
    AppError::Forbidden { message: message.to_owned(), code: "invalid_sign_in_link" }
}
