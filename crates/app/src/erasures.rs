//! Erasure: everything of a person, of an outside customer, or of a document goes for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use access::{Actor, Caller};
use domain::{DocumentId, ErasureId, PersonId, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Erasee, Erasure, NewAct};
use utoipa::ToSchema;

use crate::admin::ADMIN;
use crate::app::App;
use crate::error::AppError;
use crate::index;
use crate::listing::{Listing, Slice};
use crate::lookup;
use crate::people::LOCAL;

/// What is to be erased: one of the three.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub struct NewErasure {
    /// A person, by id or by a name that is unique: deactivated, with their keys and sessions, and no longer named.
    pub person: Option<String>,
    /// An outside customer of a service, as requests name them.
    pub subject: Option<String>,
    /// A document, by id: its text, passages and vectors in all versions, its title and what its source calls it.
    pub document: Option<String>,
}

/// An erasure as it is kept: what went is counted, never named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasureRecord {
    /// Its id.
    #[schema(value_type = String)]
    pub id: ErasureId,
    /// The person; none for a subject, whose name is not kept.
    #[schema(value_type = Option<String>)]
    pub person: Option<PersonId>,
    /// The document.
    #[schema(value_type = Option<String>)]
    pub document: Option<DocumentId>,
    /// `running`, or `succeeded` where no byte is left in any file of the data folder.
    pub state: String,
    /// Rows that went, by what they were.
    pub removed: BTreeMap<String, u64>,
    /// What was made from the document and is closed to everybody now: ids of exchanges, replies and conversations, at
    /// most 1,000.
    pub quarantined: Vec<String>,
    /// Jobs that make it again without.
    pub rebuilds: Vec<String>,
    /// Who asked for it; none for the installation itself.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Principal>,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When everything was gone.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

impl From<Erasure> for ErasureRecord {
    fn from(erasure: Erasure) -> Self {
        let Erasure { id, person, document, done, removed, quarantined, actor, created_at, finished_at } = erasure;
        Self {
            id,
            person,
            document,
            state: if done { "succeeded" } else { "running" }.to_owned(),
            removed,
            quarantined,
            rebuilds: Vec::new(),
            actor: actor.map(|actor| actor.principal),
            created_at,
            finished_at,
        }
    }
}

/// Erases. What was begun goes on when the caller leaves, and after a restart.
///
/// # Errors
/// Nothing, or more than one thing, is named; there is no such thing; or it is the person who runs this installation.
pub async fn erase(app: &Arc<App>, caller: &Caller, new: NewErasure) -> Result<ErasureRecord, AppError> {
    let erasee = erasee(app, caller, new)?;
    let id = ErasureId::from_uuid(app.ids.uuid(app.now()));
    let (verb, ids) = ("erase".to_owned(), vec![id.to_string()]);
    app.store.add_act(NewAct { actor: Some(caller.actor()), verb, ids, detail: Value::Null }).await?;
    let (app, actor) = (app.clone(), caller.actor());
    let erasing = tokio::spawn(async move { from_everywhere(&app, id, erasee, actor).await });
    let erased = erasing.await.map_err(|_| AppError::ShuttingDown)??;
    Ok(erased.into())
}

/// From the index first: what was begun in the state is finished after a crash, and the index must not lag behind.
async fn from_everywhere(app: &App, id: ErasureId, erasee: Erasee, actor: Actor) -> Result<Erasure, AppError> {
    let forgotten = match &erasee {
        Erasee::Document(document) => index::forget(app, *document).await?,
        Erasee::Principal(_) | Erasee::Subject(_) => None,
    };
    let erased = app.store.erase(id, erasee.clone(), Some(actor)).await?;
    drop(forgotten);
    if let Erasee::Principal(principal) = erasee {
        app.shown.forget(principal);
    }
    app.documents_changed();
    Ok(erased)
}

fn erasee(app: &App, caller: &Caller, new: NewErasure) -> Result<Erasee, AppError> {
    match new {
        NewErasure { person: Some(person), subject: None, document: None } => {
            let person = lookup::person(&app.directory(), caller, &person)?;
            if person.source == LOCAL && person.external_id == ADMIN {
                let message = "the person `admin` runs this installation from its machine and cannot be erased";
                return Err(AppError::Conflict { message: message.to_owned(), code: "person_needed" });
            }
            Ok(Erasee::Principal(Principal::Person(person.id)))
        }
        NewErasure { person: None, subject: Some(subject), document: None } if !subject.is_empty() => {
            Ok(Erasee::Subject(subject))
        }
        NewErasure { person: None, subject: None, document: Some(document) } => {
            let document: DocumentId = document.parse().map_err(|_| AppError::not_found())?;
            app.snapshot().ordinal(document).ok_or_else(AppError::not_found)?;
            Ok(Erasee::Document(document))
        }
        _ => Err(AppError::invalid("person", "name one of `person`, `subject` and `document`")),
    }
}

/// One erasure.
///
/// # Errors
/// There is none of this id.
pub async fn erasure(app: &App, id: &str) -> Result<ErasureRecord, AppError> {
    let id = id.parse().map_err(|_| AppError::not_found())?;
    Ok(app.store.erasure(id).await?.ok_or_else(AppError::not_found)?.into())
}

/// Erasures, newest first.
///
/// # Errors
/// The listing is wrong, or the state could not be read.
pub async fn erasures(app: &App, listing: &Listing) -> Result<Slice<ErasureRecord>, AppError> {
    let unknown = |_| AppError::invalid("after", "`after`: use the last id of the page before (era_...)");
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let page = app.store.erasures(after, listing.limit()?).await?;
    Ok(Slice { data: page.data, has_more: page.has_more }.map(ErasureRecord::from))
}
