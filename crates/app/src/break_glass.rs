//! Break-glass (docs/access.md, rule 6): one person asks that somebody may read some documents for a while, another agrees, and
//! the owners of their sources are told. It stands in for the lists of those documents and for nothing else.

use std::collections::BTreeSet;

use access::{Caller, Directory};
use domain::{BreakGlassId, DocumentId, PersonId, Principal, Role, Timestamp};
use serde::{Deserialize, Serialize};
use store::{BreakGlassRecord, NewBreakGlass};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::listing::{Listing, Slice};
use crate::lookup;

/// The longest that one may last from when it is asked for, seconds.
const LONGEST_SECONDS: i64 = 24 * 3_600;
/// The longest that its notice may wait from when it is asked for, seconds: an owner who is never told cannot object.
const LONGEST_DELAY_SECONDS: i64 = 90 * 86_400;
/// The most documents in one.
const MOST_DOCUMENTS: usize = 100;
/// The longest reason, bytes.
const REASON_LIMIT: usize = 2_000;

/// A break-glass to be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
pub struct BreakGlassRequest {
    /// Who is to read: by id, or by a name that is unique.
    pub person: String,
    /// What: ids of documents, 1 to 100.
    #[schema(value_type = Vec<String>)]
    pub documents: Vec<DocumentId>,
    /// Why, for whoever agrees and for the owners of the documents.
    pub reason: String,
    /// From when on it opens nothing: at most 24 hours ahead.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When the owners are told, where not as soon as it is approved: at most 90 days ahead.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub notice_at: Option<Timestamp>,
    /// Why only then; needed with `notice_at`.
    pub delay_reason: Option<String>,
}

/// A break-glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BreakGlassView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: BreakGlassId,
    /// `requested`, `active`, `expired` or `ended`. Only while it is `active` it opens anything.
    pub state: String,
    /// Who may read.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// What. An owner who was told of it sees the documents of their own sources.
    #[schema(value_type = Vec<String>)]
    pub documents: BTreeSet<DocumentId>,
    /// Why; empty where who asked was erased.
    pub reason: String,
    /// Who asked for it.
    #[schema(value_type = String)]
    pub requested_by: PersonId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub requested_at: Timestamp,
    /// Who agreed.
    #[schema(value_type = Option<String>)]
    pub approved_by: Option<PersonId>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub approved_at: Option<Timestamp>,
    /// From when on it opens nothing.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// When the owners are told, where not as soon as it is approved.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub notice_at: Option<Timestamp>,
    /// Why only then.
    pub delay_reason: Option<String>,
    /// Who ended it, or took the request back; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub ended_by: Option<Principal>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

/// Where one stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Requested,
    Active,
    Expired,
    Ended,
}

impl State {
    fn of(record: &BreakGlassRecord, now: Timestamp) -> Self {
        match (record.ended_at, record.approved) {
            (Some(_), _) => Self::Ended,
            (None, _) if record.expires_at <= now => Self::Expired,
            (None, Some(_)) => Self::Active,
            (None, None) => Self::Requested,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Ended => "ended",
        }
    }
}

impl BreakGlassView {
    fn of(record: BreakGlassRecord, now: Timestamp) -> Self {
        let state = State::of(&record, now).as_str().to_owned();
        let (approved_by, approved_at) = record.approved.unzip();
        Self {
            id: record.id,
            state,
            person: record.person,
            documents: record.documents,
            reason: record.reason,
            requested_by: record.requested_by,
            requested_at: record.requested_at,
            approved_by,
            approved_at,
            expires_at: record.expires_at,
            notice_at: record.notice_at,
            delay_reason: record.delay_reason,
            ended_by: record.ended_by,
            ended_at: record.ended_at,
        }
    }
}

/// Asks for one. It opens nothing until somebody else agrees.
///
/// # Errors
/// A field is wrong, there is no such person or document, or the caller does not ask in person.
pub async fn request(app: &App, caller: &Caller, request: BreakGlassRequest) -> Result<BreakGlassView, AppError> {
    let requested_by = in_person(caller)?;
    let now = app.now();
    let BreakGlassRequest { person, documents, reason, expires_at, notice_at, delay_reason } = request;
    let person = lookup::person(&app.directory(), caller, &person)?.id;
    let documents = known(app, documents)?;
    check_reason("reason", &reason)?;
    if expires_at <= now || expires_at > now.plus_seconds(LONGEST_SECONDS) {
        return Err(AppError::invalid("expires_at", "`expires_at`: use a time within the next 24 hours"));
    }
    let delay = delay(now, notice_at, delay_reason)?;
    let id = BreakGlassId::from_uuid(app.ids.uuid(now));
    let new = NewBreakGlass { id, person, documents, reason, requested_by, expires_at, delay };
    Ok(BreakGlassView::of(app.store.request_break_glass(caller.actor(), new).await?, now))
}

/// Agrees to one: from now on it opens its documents, and their owners are told, or later where it says so.
///
/// # Errors
/// There is none of this id; the caller asked for it, is to read, or does not agree in person; it is not `requested` any
/// more; or who asked has no say any more.
pub async fn approve(app: &App, caller: &Caller, id: &str) -> Result<BreakGlassView, AppError> {
    let approver = in_person(caller)?;
    let id = find(app, id).await?.id;
    let now = app.now();
    let rule = |record: &BreakGlassRecord| agreed(&app.directory(), record, approver, now).map(|()| approver);
    let record = app.store.approve_break_glass(caller.actor(), id, rule).await?;
    Ok(BreakGlassView::of(record, now))
}

/// Ends one at once, or takes a request back. One that was ended stays as it is.
///
/// # Errors
/// There is none of this id.
pub async fn end(app: &App, caller: &Caller, id: &str) -> Result<BreakGlassView, AppError> {
    let id = find(app, id).await?.id;
    let record = app.store.end_break_glass(caller.actor(), id).await?;
    Ok(BreakGlassView::of(record, app.now()))
}

/// One of them: for whoever looks after security, who may read, and owners who were told.
///
/// # Errors
/// There is none of this id, or it is not for the caller.
pub async fn get(app: &App, caller: &Caller, id: &str) -> Result<BreakGlassView, AppError> {
    let (record, now) = (find(app, id).await?, app.now());
    if caller.has(Role::Security) || caller.person() == Some(record.person) {
        return Ok(BreakGlassView::of(record, now));
    }
    let is_told = record.approved.is_some_and(|(_, at)| record.notice_at.unwrap_or(at) <= now);
    let theirs = caller.person().filter(|_| is_told).and_then(|owner| record.owners.get(&owner).cloned());
    let documents = theirs.ok_or_else(AppError::not_found)?;
    Ok(BreakGlassView::of(BreakGlassRecord { documents, ..record }, now))
}

/// All of them for whoever looks after security; for others those by which they may read. Newest first.
///
/// # Errors
/// The listing is wrong, or the state cannot be read.
pub async fn list(app: &App, caller: &Caller, listing: &Listing) -> Result<Slice<BreakGlassView>, AppError> {
    let unknown = |_| AppError::invalid("after", "`after`: use the last id of the page before (brk_...)");
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let (limit, now) = (listing.limit()?, app.now());
    let whose = match caller.person() {
        _ if caller.has(Role::Security) => None,
        Some(person) => Some(person),
        None => return Ok(Slice { data: Vec::new(), has_more: false }),
    };
    let page = app.store.break_glasses(whose, after, limit).await?;
    Ok(Slice { data: page.data, has_more: page.has_more }.map(|record| BreakGlassView::of(record, now)))
}

async fn find(app: &App, id: &str) -> Result<BreakGlassRecord, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    app.store.break_glass(id).await?.ok_or_else(AppError::not_found)
}

/// Asking and agreeing are acts of two people: nobody does either in another's name.
fn in_person(caller: &Caller) -> Result<PersonId, AppError> {
    caller.require_in_person()?;
    let message = "a service cannot ask for a break-glass or agree to one: use a person's key or session";
    caller.person().ok_or_else(|| AppError::Forbidden { message: message.to_owned(), code: "person_needed" })
}

/// The rule of the second person.
fn agreed(
    directory: &Directory,
    record: &BreakGlassRecord,
    approver: PersonId,
    now: Timestamp,
) -> Result<(), AppError> {
    if approver == record.requested_by || approver == record.person {
        let message = "a second person agrees: neither who asked for it nor who is to read";
        return Err(AppError::Forbidden { message: message.to_owned(), code: "second_person_needed" });
    }
    let state = State::of(record, now);
    let asker = Principal::Person(record.requested_by);
    let asker_stands = directory.is_active(asker) && directory.roles(asker).contains(&Role::Security);
    let message = match state {
        State::Requested if asker_stands => return Ok(()),
        State::Requested => "who asked for it has not the role `security` any more: ask for it anew".to_owned(),
        _ => format!("it is {} already: ask for another one", state.as_str()),
    };
    Err(AppError::Conflict { message, code: "not_requested" })
}

/// The documents, all of which are here. Whoever looks after security may know which are (`explain` says so too).
fn known(app: &App, documents: Vec<DocumentId>) -> Result<BTreeSet<DocumentId>, AppError> {
    if documents.is_empty() || documents.len() > MOST_DOCUMENTS {
        return Err(AppError::invalid("documents", format!("`documents`: name 1 to {MOST_DOCUMENTS}")));
    }
    let snapshot = app.snapshot();
    if let Some(place) = documents.iter().position(|document| snapshot.version(*document).is_none()) {
        let param = format!("documents[{place}]");
        let message = format!("`{param}`: there is no document of this id");
        return Err(AppError::invalid(param, message));
    }
    Ok(documents.into_iter().collect())
}

fn check_reason(param: &str, reason: &str) -> Result<(), AppError> {
    if reason.trim().is_empty() || reason.len() > REASON_LIMIT || reason.contains('\0') {
        return Err(AppError::invalid(param, format!("`{param}`: say why, in at most {REASON_LIMIT} bytes")));
    }
    Ok(())
}

/// When the owners are told and why only then: both, or neither.
fn delay(
    now: Timestamp,
    notice_at: Option<Timestamp>,
    reason: Option<String>,
) -> Result<Option<(Timestamp, String)>, AppError> {
    match (notice_at, reason) {
        (None, None) => Ok(None),
        (Some(at), Some(reason)) => {
            check_reason("delay_reason", &reason)?;
            if at <= now || at > now.plus_seconds(LONGEST_DELAY_SECONDS) {
                return Err(AppError::invalid("notice_at", "`notice_at`: use a time within the next 90 days"));
            }
            Ok(Some((at, reason)))
        }
        (Some(_), None) => Err(AppError::invalid("delay_reason", "`delay_reason`: say why the owners are told later")),
        (None, Some(_)) => Err(AppError::invalid("notice_at", "`notice_at`: say when the owners are told")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{administrator, directory, person};
    use access::Change;
    use uuid::Uuid;

    fn now() -> Timestamp {
        Timestamp::from_micros(1_000_000_000)
    }

    /// Asked for by the administrator (99), for person 1.
    fn record(asker: PersonId) -> BreakGlassRecord {
        BreakGlassRecord {
            id: BreakGlassId::from_uuid(Uuid::from_u128(1)),
            person: person(1).id,
            documents: BTreeSet::new(),
            reason: "why".to_owned(),
            requested_by: asker,
            requested_at: now(),
            expires_at: now().plus_seconds(60),
            notice_at: None,
            delay_reason: None,
            approved: None,
            owners: store::Owners::new(),
            ended_at: None,
            ended_by: None,
        }
    }

    #[test]
    fn a_second_person_agrees_to_what_is_asked_for_still() {
        let (directory, admin) = administrator(directory([Change::PutPerson(person(1)), Change::PutPerson(person(2))]));
        let asker = admin.person().unwrap();
        let code = |record: &BreakGlassRecord, approver, seconds| {
            agreed(&directory, record, approver, now().plus_seconds(seconds)).map_err(|error| error.code())
        };
        let asked = record(asker);
        assert_eq!(code(&asked, person(2).id, 59), Ok(()));
        for approver in [asker, person(1).id] {
            assert_eq!(code(&asked, approver, 0), Err("second_person_needed"));
        }
        assert_eq!(code(&asked, person(2).id, 60), Err("not_requested"), "it expired");
        let approved = BreakGlassRecord { approved: Some((person(2).id, now())), ..asked.clone() };
        let ended = BreakGlassRecord { ended_at: Some(now()), ..asked };
        for over in [approved, ended, record(person(2).id)] {
            assert_eq!(code(&over, person(3).id, 0), Err("not_requested"));
        }
    }

    #[test]
    fn a_delay_has_a_time_and_a_reason() {
        let (soon, why) = (now().plus_seconds(60), || Some("an investigation".to_owned()));
        let param = |at, reason| delay(now(), at, reason).map_err(|error| error.param().map(str::to_owned));
        assert_eq!(param(None, None), Ok(None));
        assert_eq!(param(Some(soon), why()), Ok(Some((soon, "an investigation".to_owned()))));
        assert_eq!(param(Some(soon), None), Err(Some("delay_reason".to_owned())));
        assert_eq!(param(Some(soon), Some(" ".to_owned())), Err(Some("delay_reason".to_owned())));
        for at in [None, Some(now()), Some(now().plus_seconds(LONGEST_DELAY_SECONDS + 1))] {
            assert_eq!(param(at, why()), Err(Some("notice_at".to_owned())));
        }
    }
}
