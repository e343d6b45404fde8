//! Rows of history of what is known: what is written for an amendment, and what the epoch log says must be there.

use domain::DocumentId;

use super::{Amendment, DocumentContent, VersionRow};
use crate::database::{Insert, Value, json, values};
use crate::error::StoreError;

static INSERT_SOURCES: Insert = Insert::new("INSERT INTO sources (id, from_epoch, body) VALUES", 3);
static INSERT_RIGHTS: Insert =
    Insert::new("INSERT INTO document_rights (document_id, from_epoch, kind, version, body) VALUES", 5);
static INSERT_DOCUMENTS: Insert = Insert::new("INSERT INTO documents (id, source_id, external_id) VALUES", 3);
static INSERT_VERSIONS: Insert =
    Insert::new("INSERT INTO document_versions (id, document_id, version, epoch, text_hash, body) VALUES", 6);
static INSERT_POLICIES: Insert = Insert::new("INSERT INTO policies (from_epoch, body) VALUES", 2);

const CLOSE_SOURCE: &str = "UPDATE sources SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const CLOSE_RIGHTS: &str = "UPDATE document_rights SET to_epoch = $1 WHERE document_id = $2 AND to_epoch IS NULL";
/// What its source calls it is content; the source may call another document so now. Nobody can know the hash of an epoch
/// before it, so nothing else is called so.
const UNNAME_DOCUMENT: &str =
    "UPDATE documents SET external_id = 'erased:' || (SELECT hash FROM epochs WHERE epoch = $1) WHERE id = $2";
const CLOSE_POLICIES: &str = "UPDATE policies SET to_epoch = $1 WHERE to_epoch IS NULL";

/// One thing to write, in order.
#[derive(Debug)]
pub(crate) enum KnowledgeRow {
    Close(&'static str, Vec<Value>),
    Insert(&'static Insert, Vec<Value>),
    /// What stands beside history.
    Run(&'static str, Vec<Value>),
    /// What a version says, under its id.
    Content(String, DocumentContent),
}

impl KnowledgeRow {
    /// What an amendment at this epoch leaves; nothing for one of identity.
    pub(crate) fn of(epoch: u64, amendment: &Amendment) -> Result<Vec<Self>, StoreError> {
        Ok(match amendment {
            Amendment::Identity(_) => Vec::new(),
            Amendment::Glass(change) => change.rows(epoch)?,
            Amendment::Source(source) => vec![
                Self::Close(CLOSE_SOURCE, values![epoch, source.id]),
                Self::Insert(&INSERT_SOURCES, values![source.id, epoch, json(source)?]),
            ],
            Amendment::Policies(record, _) => vec![
                Self::Close(CLOSE_POLICIES, values![epoch]),
                Self::Insert(&INSERT_POLICIES, values![epoch, json(record)?]),
            ],
            Amendment::Rights { document, source, rights, version } => {
                let number = match &**rights {
                    super::DocumentRights::Put { version, .. } => *version,
                    _ => 0,
                };
                let row = values![*document, epoch, rights.kind(), number, json(rights)?];
                let mut rows = vec![Self::Close(CLOSE_RIGHTS, values![epoch, *document])];
                rows.push(Self::Insert(&INSERT_RIGHTS, row));
                if matches!(**rights, super::DocumentRights::Erase) {
                    rows.push(Self::Close(UNNAME_DOCUMENT, values![epoch, *document]));
                }
                if let Some(kept) = version {
                    let VersionRow { external_id, is_new_document, version, content, text_hash } = &kept.0;
                    if *is_new_document {
                        rows.push(Self::Insert(&INSERT_DOCUMENTS, values![*document, *source, external_id.as_str()]));
                    }
                    let id = version_id(*document, number);
                    let row = values![id.as_str(), *document, number, epoch, text_hash.as_str(), json(version)?];
                    rows.push(Self::Insert(&INSERT_VERSIONS, row));
                    rows.push(Self::Content(id, content.clone()));
                }
                rows
            }
        })
    }
}

/// The id of a version, under which its text is kept.
pub(crate) fn version_id(document: DocumentId, version: u32) -> String {
    format!("{document}:{version}")
}

/// Which row of history an entry of the epoch log replaces: table and what.
pub(crate) fn expected<'a>(kind: &str, ids: &[&'a str]) -> Option<(&'static str, &'a str)> {
    match (kind, ids) {
        ("put_source", [id]) => Some(("sources", id)),
        ("put_document" | "set_list" | "retire_document" | "erase_document", [id]) => Some(("document_rights", id)),
        ("put_policies", _) => Some(("policies", "policies")),
        _ => None,
    }
}
