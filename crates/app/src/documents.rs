//! Documents: taken in from an application, and read by who may.

use std::collections::BTreeMap;
use std::time::Duration;

use access::{Caller, Listing as DocumentListing, open};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::{Action, AttributeValue, Attributes, DocumentId, Resource, SourceId, Timestamp};
use knowledge::parse::{Declared, clean_title};
use serde::{Deserialize, Serialize};
use store::{DocumentContent, DocumentRights, DocumentVersion, NewDocument, PutDocument, SourceRecord, StoredDocument};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::app::App;
use crate::decisions;
use crate::error::AppError;
use crate::exchange::Asker;
use crate::listing::{Listing, Slice};
use crate::parsers;
use crate::sources::{self, ListOfAccess};

/// The longest external id, bytes of UTF-8.
const EXTERNAL_ID_LIMIT: usize = 512;
/// Documents in one transaction.
const LINES_AT_ONCE: usize = 200;
/// The longest text, code points.
const TEXT_LIMIT: usize = 8 << 20;
/// When a refusal leaves, from its beginning: longer than deciding takes.
const REFUSED_AFTER: Duration = Duration::from_millis(3);
/// The longest of the short fields, bytes.
const SHORT_LIMIT: usize = 2_048;

/// A document as an application sends it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub struct DocumentRequest {
    /// Its title. Control characters and line breaks become spaces.
    pub title: String,
    /// Its text; or else `content_base64`.
    pub text: Option<String>,
    /// A file: PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, EML or plain text.
    pub content_base64: Option<String>,
    /// What the file is; told from its bytes and the external id where it is absent.
    pub media_type: Option<String>,
    /// Where people find it.
    pub url: Option<String>,
    /// When it was last changed at its source: what is older than what is here changes nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    /// What its source calls this version: the same again makes no new one.
    pub source_version: Option<String>,
    /// How sensitive it is.
    pub sensitivity: Option<String>,
    /// What policies may name: strings, whole numbers, booleans, lists of strings.
    #[schema(value_type = Option<std::collections::BTreeMap<String, serde_json::Value>>)]
    pub attributes: Option<Attributes>,
    /// Its list. A document that is here keeps the one it has; a new one gets its source's default.
    pub access: Option<ListOfAccess>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentPut {
    /// Its id.
    #[schema(value_type = String)]
    pub id: DocumentId,
    /// Its current version, counted from 1.
    pub version: u32,
    /// The epoch at which what is known of it last changed.
    pub epoch: u64,
}

impl From<PutDocument> for DocumentPut {
    fn from(put: PutDocument) -> Self {
        Self { id: put.document, version: put.version, epoch: put.epoch }
    }
}

/// A document as who may read it sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DocumentView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: DocumentId,
    /// Where it comes from.
    #[schema(value_type = String)]
    pub source: SourceId,
    /// Its id there.
    pub external_id: String,
    /// Its current version, counted from 1.
    pub version: u32,
    /// What that is.
    #[serde(flatten)]
    #[schema(value_type = serde_json::Value)]
    pub about: DocumentVersion,
}

/// A document's text as who may read it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentText {
    /// Its id.
    #[schema(value_type = String)]
    pub id: DocumentId,
    /// Its current version, counted from 1.
    pub version: u32,
    /// The text.
    pub text: String,
}

/// A document of a source: its ids, and nothing of its content, for whoever operates the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentListed {
    /// Its id.
    #[schema(value_type = String)]
    pub id: DocumentId,
    /// Its id at its source.
    pub external_id: String,
}

/// An epoch at which something took hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Epoch {
    /// The epoch.
    pub epoch: u64,
}

/// Takes a document in: new, a new version, or what is said of it anew.
///
/// # Errors
/// No such source, or a field is wrong; nothing is kept then.
pub async fn put(
    app: &App,
    caller: &Caller,
    (source, external_id): (&str, &str),
    request: DocumentRequest,
) -> Result<DocumentPut, AppError> {
    let source = sources::pushed(app, caller, source).await?;
    let new = read(app, external_id, request).await?;
    let put = app.store.put_documents(Some(caller.actor()), source.id, vec![new]).await?;
    app.documents_changed();
    put.first().copied().map(DocumentPut::from).ok_or_else(AppError::not_found)
}

/// What became of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinePut {
    /// The document's id at its source, where the line says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `ok` or `error`.
    pub status: String,
    /// The document's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub id: Option<DocumentId>,
    /// What is wrong with the line, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Takes many documents in: NDJSON, each line as [`put`] takes it, with its `external_id`. A wrong line is told beside its
/// name, and the others go on.
///
/// # Errors
/// No such source, or the state cannot be written: lines before that are kept.
pub async fn put_lines(app: &App, caller: &Caller, source: &str, body: &[u8]) -> Result<Vec<LinePut>, AppError> {
    let source = sources::pushed(app, caller, source).await?;
    let mut results: Vec<LinePut> = Vec::new();
    let mut waiting: Vec<(usize, NewDocument)> = Vec::new();
    let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    for (number, line) in lines.enumerate() {
        let (external_id, read) = read_line(app, line).await;
        let error = read.as_ref().err().map(ToString::to_string);
        let status = if error.is_none() { "ok" } else { "error" }.to_owned();
        results.push(LinePut { external_id, status, id: None, error });
        if let Ok(document) = read {
            // A document that comes twice has its second version after the first.
            let comes_twice = waiting.iter().any(|(_, other)| other.external_id == document.external_id);
            if comes_twice || waiting.len() >= LINES_AT_ONCE {
                keep(app, caller, source.id, &mut waiting, &mut results).await?;
            }
            waiting.push((number, document));
        }
    }
    keep(app, caller, source.id, &mut waiting, &mut results).await?;
    Ok(results)
}

async fn read_line(app: &App, line: &[u8]) -> (Option<String>, Result<NewDocument, AppError>) {
    let mut fields: serde_json::Map<String, serde_json::Value> = match wire::strict::parse(line) {
        Ok(fields) => fields,
        Err(wrong) => return (None, Err(wrong.into())),
    };
    let Some(external_id) = fields.remove("external_id").and_then(|id| id.as_str().map(str::to_owned)) else {
        let missing = AppError::invalid("external_id", "`external_id` is missing: name the document by its id");
        return (None, Err(missing));
    };
    let rest = serde_json::Value::Object(fields).to_string();
    let document = match wire::strict::parse(rest.as_bytes()) {
        Ok(request) => read(app, &external_id, request).await,
        Err(wrong) => Err(wrong.into()),
    };
    (Some(external_id), document)
}

async fn keep(
    app: &App,
    caller: &Caller,
    source: SourceId,
    waiting: &mut Vec<(usize, NewDocument)>,
    results: &mut [LinePut],
) -> Result<(), AppError> {
    let (numbers, documents): (Vec<usize>, Vec<NewDocument>) = std::mem::take(waiting).into_iter().unzip();
    if documents.is_empty() {
        return Ok(());
    }
    let put = app.store.put_documents(Some(caller.actor()), source, documents).await?;
    app.documents_changed();
    for (number, put) in numbers.into_iter().zip(put) {
        if let Some(result) = results.get_mut(number) {
            result.id = Some(put.document);
        }
    }
    Ok(())
}

async fn read(app: &App, external_id: &str, request: DocumentRequest) -> Result<NewDocument, AppError> {
    check_external_id(external_id)?;
    let content = content(app, external_id, &request).await?;
    let DocumentRequest { title, url, updated_at, source_version, sensitivity, attributes, access, .. } = request;
    for (param, value) in [("url", &url), ("source_version", &source_version), ("sensitivity", &sensitivity)] {
        if value.as_ref().is_some_and(|value| value.len() > SHORT_LIMIT || value.chars().any(char::is_control)) {
            let message = format!("`{param}`: use at most {SHORT_LIMIT} bytes without control characters");
            return Err(AppError::invalid(param, message));
        }
    }
    let attributes = attributes.unwrap_or_default();
    check_attributes(app, &attributes)?;
    Ok(NewDocument {
        id: DocumentId::from_uuid(app.ids.uuid(app.now())),
        external_id: external_id.to_owned(),
        title: clean_title(&title).unwrap_or_default(),
        content,
        url,
        updated_at,
        source_version,
        listing: match access {
            Some(list) => DocumentListing::Given(list.read("access")?),
            None => DocumentListing::Unchanged,
        },
        sensitivity,
        attributes,
    })
}

/// The text as it was sent, or what the parser reads in a file.
async fn content(app: &App, external_id: &str, request: &DocumentRequest) -> Result<DocumentContent, AppError> {
    let content = match (&request.text, &request.content_base64) {
        (Some(text), None) => DocumentContent { text: text.clone(), structure: None },
        (None, Some(base64)) => {
            let wrong = |_| AppError::invalid("content_base64", "`content_base64` is not base64: encode the file anew");
            let bytes = STANDARD.decode(base64).map_err(wrong)?;
            let declared = Declared { media_type: request.media_type.clone(), name: Some(external_id.to_owned()) };
            let parsed = app.parsers()?.parse(&bytes, &declared).await.map_err(|error| parsers::refused(&error))?;
            DocumentContent { structure: serde_json::to_value(&parsed.blocks).ok(), text: parsed.text }
        }
        _ => return Err(AppError::invalid("text", "send one of `text` and `content_base64`")),
    };
    if content.text.chars().count() > TEXT_LIMIT {
        let message = format!("the text is longer than {TEXT_LIMIT} characters: send it in parts");
        return Err(AppError::invalid("text", message));
    }
    Ok(content)
}

fn check_external_id(external_id: &str) -> Result<(), AppError> {
    if external_id.is_empty() || external_id.len() > EXTERNAL_ID_LIMIT {
        let message =
            format!("an external id has 1 to {EXTERNAL_ID_LIMIT} bytes of UTF-8, percent-encoded in the path");
        return Err(AppError::invalid("external_id", message));
    }
    Ok(())
}

fn check_attributes(app: &App, attributes: &BTreeMap<String, AttributeValue>) -> Result<(), AppError> {
    let Some((name, kind)) = app.snapshot().policies().mistyped(attributes).map(|(name, kind)| (name.to_owned(), kind))
    else {
        return Ok(());
    };
    let param = format!("attributes.{name}");
    let message = format!("`{param}`: the policies declare it as {kind:?}: send that, or declare it anew");
    Err(AppError::invalid(param, message))
}

/// Gives a document another list.
///
/// # Errors
/// No such source or document, or the list is wrong.
pub async fn set_list(
    app: &App,
    caller: &Caller,
    (source, external_id): (&str, &str),
    list: ListOfAccess,
) -> Result<Epoch, AppError> {
    let (source, document) = find(app, caller, (source, external_id)).await?;
    let listing = DocumentListing::Given(list.read("access")?);
    let rights = DocumentRights::List { listing };
    let directory = app.store.set_rights(Some(caller.actor()), (document, source.id), rights).await?;
    Ok(Epoch { epoch: directory.epoch() })
}

/// Retires a document: from now on it is not found.
///
/// # Errors
/// No such source or document.
pub async fn retire(app: &App, caller: &Caller, source: &str, external_id: &str) -> Result<Epoch, AppError> {
    let (source, document) = find(app, caller, (source, external_id)).await?;
    let rights = DocumentRights::Retire { tombstone: source.on_delete };
    let directory = app.store.set_rights(Some(caller.actor()), (document, source.id), rights).await?;
    app.documents_changed();
    Ok(Epoch { epoch: directory.epoch() })
}

async fn find(
    app: &App,
    caller: &Caller,
    (source, external_id): (&str, &str),
) -> Result<(SourceRecord, DocumentId), AppError> {
    let source = sources::pushed(app, caller, source).await?;
    let document = app.store.document_named(source.id, external_id).await?.ok_or_else(AppError::not_found)?;
    Ok((source, document))
}

/// The documents of a source, in the order of their making: ids alone.
///
/// # Errors
/// No such source, or the listing is wrong.
pub async fn list(
    app: &App,
    caller: &Caller,
    source: &str,
    listing: &Listing,
) -> Result<Slice<DocumentListed>, AppError> {
    let source = sources::find(app, caller, source).await?;
    let unknown = |_| AppError::invalid("after", "`after`: use the last id of the page before (doc_...)");
    let after = listing.after.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let page = app.store.documents_of(source.id, after, listing.limit()?).await?;
    let slice = Slice { data: page.data, has_more: page.has_more };
    Ok(slice.map(|(id, external_id)| DocumentListed { id, external_id }))
}

/// A document that the asker may read.
///
/// # Errors
/// Not found, also where the asker may not read it.
pub async fn document(app: &App, asker: &Asker, id: &str) -> Result<DocumentView, AppError> {
    let document = may_read(app, asker, id).await?;
    let access = asker.access(app);
    let sealed = app.store.document(document).await?.ok_or_else(AppError::not_found)?;
    let StoredDocument { document: id, source, external_id, version, about } = open(&access, sealed)?.into_inner();
    Ok(DocumentView { id, source, external_id, version, about })
}

/// The text of a document that the asker may read.
///
/// # Errors
/// As [`document`].
pub async fn text(app: &App, asker: &Asker, id: &str) -> Result<DocumentText, AppError> {
    let document = may_read(app, asker, id).await?;
    let sealed = app.store.document_text(document).await?.ok_or_else(AppError::not_found)?;
    let provenance = sealed.facts().1;
    let stored = open(&asker.access(app), sealed)?.into_inner();
    let shown = vec![(provenance.clone(), stored.content.text.clone())];
    app.shown.remember(app, asker.caller.principal(), shown).await?;
    // That took a while: what leaves is what may leave now.
    if !asker.access(app).reading_all(&provenance).allowed {
        return Err(AppError::not_found());
    }
    Ok(DocumentText { id: stored.about.document, version: stored.about.version, text: stored.content.text })
}

/// Whether the asker may read the current version; the decision is recorded, the same for what never was.
async fn may_read(app: &App, asker: &Asker, id: &str) -> Result<DocumentId, AppError> {
    let began = Instant::now();
    let document: DocumentId = id.parse().map_err(|_| AppError::not_found())?;
    let snapshot = app.snapshot();
    let is_live = snapshot.ordinal(document).and_then(|ordinal| snapshot.class_of(ordinal)).is_some();
    let version = snapshot.version(document).filter(|_| is_live).unwrap_or(0);
    let resource = Resource::Document { document, version, facts: None };
    let decision = decisions::decide_at(app, &snapshot, decisions::question(asker, Action::Read, resource));
    app.store.record_decision(&decision).await?;
    if decision.verdict.allowed {
        return Ok(document);
    }
    // Looking at the list of a hidden document takes a little longer than finding none: a refusal leaves at its own time.
    tokio::time::sleep_until(began + REFUSED_AFTER).await;
    Err(AppError::not_found())
}
