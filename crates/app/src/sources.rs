//! Sources of documents, as whoever operates them sees them.

use access::{AccessError, Caller, SourceStanding, Tombstone};
use domain::{AccessList, ListToken, Principal, Quality, SourceId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Amendment, DocumentRights, SourceKind, SourceRecord};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::AppError;
use crate::listing::{Listing, Slice};
use crate::naming::check_name;
use crate::repeat::Repeat;
use crate::sync::{self, SyncState};

/// Documents that go in one transaction.
const AT_ONCE: usize = 500;
/// The most tokens in a list.
const MOST_TOKENS: usize = 50_000;

/// Who may, as an application says it. An empty `allow` means nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListOfAccess {
    /// `everyone`, ids (`per_...`, `grp_...`, `svc_...`), or `{source, external_id}`. Who is not here yet matches nobody.
    #[schema(value_type = Vec<serde_json::Value>)]
    pub allow: Vec<ListToken>,
    /// The same; denying wins. Who is not here yet closes the list until they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<serde_json::Value>)]
    pub deny: Vec<ListToken>,
    /// `exact`, which it is unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<String>,
}

impl ListOfAccess {
    /// The list.
    ///
    /// # Errors
    /// It is longer than lists may be, or of another quality than an application can vouch for.
    pub(crate) fn read(self, param: &str) -> Result<AccessList, AppError> {
        let Self { allow, deny, quality } = self;
        if allow.len() + deny.len() > MOST_TOKENS {
            let message = format!("`{param}` has more than {MOST_TOKENS} entries: name a group instead");
            return Err(AppError::invalid(param, message));
        }
        if quality.is_some_and(|quality| quality != "exact") {
            let message = format!("`{param}.quality`: a list that is sent is `exact`; leave it out");
            return Err(AppError::invalid(format!("{param}.quality"), message));
        }
        let quality = Quality::Exact;
        Ok(AccessList { allow: allow.into_iter().collect(), deny: deny.into_iter().collect(), quality })
    }

    pub(crate) fn show(list: &AccessList) -> Self {
        let tokens = |list: &std::collections::BTreeSet<ListToken>| list.iter().cloned().collect();
        Self { allow: tokens(&list.allow), deny: tokens(&list.deny), quality: None }
    }
}

/// A source to be made.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct NewSource {
    /// Its name, unique among sources.
    pub name: String,
    /// How documents get here: `push`, `folder`, `mbox` or `slack_export`.
    pub kind: String,
    /// Of kind `push`: nothing. Of the others: `path`, and what docs/documents.md says of each.
    pub config: Option<Value>,
    /// The list of documents that come without one; its owner alone unless given.
    pub default_access: Option<ListOfAccess>,
    /// What stays of a document that is deleted: `keep_last_list` (unless given) or `close`.
    pub on_delete: Option<String>,
}

/// A source.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceView {
    /// Its id, never reused.
    #[schema(value_type = String)]
    pub id: SourceId,
    /// Its name.
    pub name: String,
    /// How documents get here.
    #[schema(value_type = String)]
    pub kind: SourceKind,
    /// Where this server reads them and how; none of kind `push`.
    pub config: Option<Value>,
    /// Whose it is.
    #[schema(value_type = String)]
    pub owner: Principal,
    /// The list of documents that come without one; none: its owner alone.
    pub default_access: Option<ListOfAccess>,
    /// What stays of a document that is deleted.
    #[schema(value_type = String)]
    pub on_delete: Tombstone,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// How far the newest sync is; none of kind `push`, and in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncState>,
}

impl From<SourceRecord> for SourceView {
    fn from(record: SourceRecord) -> Self {
        let SourceRecord { id, name, kind, config, standing, on_delete, created_at, .. } = record;
        let SourceStanding { owner, default_list, .. } = standing;
        let default_access = default_list.as_ref().map(ListOfAccess::show);
        Self { id, name, kind, config, owner, default_access, on_delete, created_at, sync: None }
    }
}

/// Makes a source; its owner is who makes it.
///
/// # Errors
/// A field is wrong, or the name is taken.
pub async fn create(app: &App, caller: &Caller, new: NewSource, repeat: Repeat) -> Result<SourceView, AppError> {
    let id = SourceId::from_uuid(repeat.uuid(app));
    if !caller.reaches(id) {
        return Err(AccessError::Narrowed.into());
    }
    let record = record(app, caller, id, new)?;
    let sources = app.store.sources().await?;
    if let Some(made) = repeat.find(sources.iter().map(|source| source.id.uuid())) {
        let made = sources.into_iter().find(|source| source.id.uuid() == made);
        return made.map(SourceView::from).ok_or_else(AppError::not_found);
    }
    if sources.iter().any(|source| source.name == record.name) {
        let message = format!("there is a source named '{}' already: choose another name", record.name);
        return Err(AppError::Conflict { message, code: "name_taken" });
    }
    let amendment = Amendment::Source(Box::new(record.clone()));
    app.store.amend::<AppError>(Some(caller.actor()), |_| Ok(vec![amendment])).await?;
    app.syncs.source_made();
    Ok(record.into())
}

fn record(app: &App, caller: &Caller, id: SourceId, new: NewSource) -> Result<SourceRecord, AppError> {
    let NewSource { name, kind, config, default_access, on_delete } = new;
    check_name("name", &name)?;
    let kind = kind_named(&kind)?;
    let config = config.filter(|config| config.as_object().is_none_or(|fields| !fields.is_empty()));
    check_config(app, kind, config.as_ref())?;
    let on_delete = match on_delete.as_deref() {
        None | Some("keep_last_list") => Tombstone::KeepLastList,
        Some("close") => Tombstone::Close,
        Some(_) => return Err(AppError::invalid("on_delete", "`on_delete`: use `keep_last_list` or `close`")),
    };
    let default_list = default_access.map(|list| list.read("default_access")).transpose()?;
    let standing = SourceStanding { owner: caller.principal(), default_list, live: false, reconciled_at: None };
    Ok(SourceRecord { id, name, kind, config, standing, on_delete, created_at: app.now(), removed_at: None })
}

fn kind_named(name: &str) -> Result<SourceKind, AppError> {
    let kinds = [SourceKind::Push, SourceKind::Folder, SourceKind::Mbox, SourceKind::SlackExport];
    kinds
        .into_iter()
        .find(|kind| kind.as_str() == name)
        .ok_or_else(|| AppError::invalid("kind", "`kind`: use `push`, `folder`, `mbox` or `slack_export`"))
}

/// What this server reads must be said, and must not be its own data: that holds what everybody wrote.
fn check_config(app: &App, kind: SourceKind, config: Option<&Value>) -> Result<(), AppError> {
    if kind == SourceKind::Push {
        let wrong = AppError::invalid("config", "`config`: a source of kind `push` has none; leave it out");
        return config.map_or(Ok(()), |_| Err(wrong));
    }
    let reader =
        sync::reader(kind, config).map_err(|error| AppError::invalid("config", format!("`config`: {error}")))?;
    let path = reader.path();
    if !path.is_absolute() {
        return Err(AppError::invalid("config.path", "`config.path`: give it from the root, beginning with `/`"));
    }
    if app.store.keeps_data_at(path) {
        let message = "`config.path`: this server keeps its own data there: choose another folder";
        return Err(AppError::invalid("config.path", message));
    }
    Ok(())
}

/// All sources, in the order in which they were made.
///
/// # Errors
/// The listing is wrong, or the state cannot be read.
pub async fn list(app: &App, caller: &Caller, listing: &Listing) -> Result<Slice<SourceView>, AppError> {
    let sources = app.store.sources().await?;
    let sources = sources.into_iter().filter(|source| caller.reaches(source.id));
    let slice = listing.of(sources.map(|source| (source.id.uuid(), source)), SourceId::PREFIX)?;
    Ok(slice.map(SourceView::from))
}

/// One source, by id or name.
///
/// # Errors
/// There is none.
pub async fn get(app: &App, caller: &Caller, source: &str) -> Result<SourceView, AppError> {
    let record = find(app, caller, source).await?;
    let sync = (record.kind != SourceKind::Push).then(|| app.syncs.of(record.id));
    Ok(SourceView { sync, ..record.into() })
}

/// Removes a source: its documents go as if each was deleted, and nothing is read from it any more. Its name is free again.
///
/// # Errors
/// There is none, or the state cannot be written.
pub async fn remove(app: &App, caller: &Caller, source: &str) -> Result<(), AppError> {
    let source = find(app, caller, source).await?;
    let removed = SourceRecord { removed_at: Some(app.now()), ..source.clone() };
    let amendment = Amendment::Source(Box::new(removed));
    app.store.amend::<AppError>(Some(caller.actor()), |_| Ok(vec![amendment])).await?;
    app.syncs.source_made();
    // A sync that goes on puts nothing after this.
    let turn = app.syncs.turn(source.id);
    let _turn = turn.lock().await;
    let documents: Vec<_> = app.store.known_documents(source.id).await?.into_values().collect();
    let retire = |document| (document, DocumentRights::Retire { tombstone: source.on_delete });
    for part in documents.chunks(AT_ONCE) {
        let rights = part.iter().map(|known| retire(known.document)).collect();
        app.store.set_rights_of(Some(caller.actor()), source.id, rights).await?;
    }
    app.documents_changed();
    Ok(())
}

/// A source whose documents an application sends.
pub(crate) async fn pushed(app: &App, caller: &Caller, text: &str) -> Result<SourceRecord, AppError> {
    let source = find(app, caller, text).await?;
    if source.kind == SourceKind::Push {
        return Ok(source);
    }
    let message = format!("this server reads the source '{}' by itself: change its files, and sync it", source.name);
    Err(AppError::Conflict { message, code: "source_is_read" })
}

/// A source that the caller's key is for, by id or name.
pub(crate) async fn find(app: &App, caller: &Caller, text: &str) -> Result<SourceRecord, AppError> {
    let called = |source: &SourceRecord| source.name == text || source.id.to_string() == text;
    let named = |source: &SourceRecord| called(source) && caller.reaches(source.id);
    app.store.sources().await?.into_iter().find(named).ok_or_else(AppError::not_found)
}
