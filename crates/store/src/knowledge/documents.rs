//! Documents come in: which of them are new, which have a new version, which are as they were.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Actor, Directory, Listing};
use domain::{Attributes, DocumentId, SourceId, Timestamp};
use sha2::{Digest, Sha256};

use super::records::{DocumentRights, VersionRow, VersionToKeep};
use super::{Amendment, DocumentContent, DocumentVersion};
use crate::database::{Database, Row, Sql};
use crate::error::StoreError;
use crate::identity::hex;
use crate::store::Store;

/// A document as a source gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// The id that it gets if it is not here yet.
    pub id: DocumentId,
    /// Its id at the source.
    pub external_id: String,
    /// Its title.
    pub title: String,
    /// What it says.
    pub content: DocumentContent,
    /// Where people find it.
    pub url: Option<String>,
    /// When it was last changed at the source.
    pub updated_at: Option<Timestamp>,
    /// What the source calls this version.
    pub source_version: Option<String>,
    /// Its list; [`Listing::Unchanged`] where none came.
    pub listing: Listing,
    /// How sensitive it is said to be.
    pub sensitivity: Option<String>,
    /// What policies may name.
    pub attributes: Attributes,
}

/// What became of a document that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PutDocument {
    /// Its id.
    pub document: DocumentId,
    /// Its current version.
    pub version: u32,
    /// The epoch at which what is known of it last changed.
    pub epoch: u64,
}

/// What is known of a document when it comes in again.
#[derive(Debug, Clone)]
struct Known {
    document: DocumentId,
    version: u32,
    text_hash: String,
    about: DocumentVersion,
    rights: DocumentRights,
    epoch: u64,
}

/// What is to be done about one document.
enum Outcome {
    Same(PutDocument),
    Amend(Amendment, u32),
}

impl Store {
    /// Takes documents in, all of them in one transaction, each with an epoch of its own. A document is new, gets a new
    /// version, or only what is said of its rights changes; one that is older than what is here, or the same, changes
    /// nothing. No two may have the same external id.
    ///
    /// # Errors
    /// Where the state cannot be read or written: then nothing of them is kept.
    pub async fn put_documents(
        &self,
        actor: Option<Actor>,
        source: SourceId,
        documents: Vec<NewDocument>,
    ) -> Result<Vec<PutDocument>, StoreError> {
        let writer = self.writer().await?;
        let external_ids: Vec<&str> = documents.iter().map(|document| document.external_id.as_str()).collect();
        let mut known = known(self.database(), source, &external_ids).await?;
        let now = self.now();
        let (mut outcomes, mut amendments) = (Vec::with_capacity(documents.len()), Vec::new());
        for document in documents {
            match outcome(source, known.remove(&document.external_id), document, now) {
                Outcome::Same(put) => outcomes.push(put),
                Outcome::Amend(amendment, version) => {
                    let Amendment::Rights { document, .. } = &amendment else { continue };
                    let epoch = writer.epoch() + amendments.len() as u64 + 1;
                    outcomes.push(PutDocument { document: *document, version, epoch });
                    amendments.push(amendment);
                }
            }
        }
        writer.amend(self, actor, amendments).await?;
        Ok(outcomes)
    }

    /// Says something else of the rights of a document that is here.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn set_rights(
        &self,
        actor: Option<Actor>,
        (document, source): (DocumentId, SourceId),
        rights: DocumentRights,
    ) -> Result<Arc<Directory>, StoreError> {
        let writer = self.writer().await?;
        let amendment = Amendment::Rights { document, source, rights: Box::new(rights), version: None };
        writer.amend(self, actor, vec![amendment]).await
    }
}

fn outcome(source: SourceId, known: Option<Known>, new: NewDocument, now: Timestamp) -> Outcome {
    let NewDocument {
        id,
        external_id,
        title,
        content,
        url,
        updated_at,
        source_version,
        listing,
        sensitivity,
        attributes,
    } = new;
    let text_hash = hash_of(&title, &content.text, url.as_deref());
    let characters = content.text.chars().count() as u64;
    let about = DocumentVersion { title, url, updated_at, source_version, characters, created_at: now };
    let Some(known) = known else {
        let rights = DocumentRights::Put { version: 1, listing, sensitivity, attributes };
        let kept = VersionRow { external_id, is_new_document: true, version: about, content, text_hash };
        return amend((id, source), rights, Some(kept));
    };
    let is_older = known.about.updated_at.zip(updated_at).is_some_and(|(here, new)| new < here);
    let put = PutDocument { document: known.document, version: known.version, epoch: known.epoch };
    if is_older {
        return Outcome::Same(put);
    }
    let is_same = known.text_hash == text_hash
        || (about.source_version.is_some() && known.about.source_version == about.source_version);
    let version = if is_same { known.version } else { known.version + 1 };
    let rights = DocumentRights::Put { version, listing, sensitivity, attributes };
    if is_same && says_the_same(&known.rights, &rights) {
        return Outcome::Same(put);
    }
    let kept = VersionRow { external_id, is_new_document: false, version: about, content, text_hash };
    amend((known.document, source), rights, (!is_same).then_some(kept))
}

fn amend((document, source): (DocumentId, SourceId), rights: DocumentRights, kept: Option<VersionRow>) -> Outcome {
    let version = match &rights {
        DocumentRights::Put { version, .. } => *version,
        _ => 0,
    };
    let version_to_keep = kept.map(|kept| Box::new(VersionToKeep(kept)));
    Outcome::Amend(Amendment::Rights { document, source, rights: Box::new(rights), version: version_to_keep }, version)
}

/// Whether a write changes nothing of what was said last.
fn says_the_same(before: &DocumentRights, now: &DocumentRights) -> bool {
    match (before, now) {
        (
            DocumentRights::Put { sensitivity, attributes, .. },
            DocumentRights::Put { listing: Listing::Unchanged, sensitivity: next, attributes: more, .. },
        ) => (sensitivity, attributes) == (next, more),
        _ => before == now,
    }
}

/// What makes a version another: title, text and address.
fn hash_of(title: &str, text: &str, url: Option<&str>) -> String {
    let mut hasher = Sha256::new();
    for part in [title, text, url.unwrap_or_default()] {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hex(&hasher.finalize())
}

async fn known(
    database: &Database,
    source: SourceId,
    external_ids: &[&str],
) -> Result<HashMap<String, Known>, StoreError> {
    let mut found = HashMap::new();
    for part in external_ids.chunks(500) {
        let mut select = Sql::from(
            "SELECT d.id, d.external_id, v.version, v.text_hash, v.body AS about, r.body AS rights, r.from_epoch \
             FROM documents d \
             JOIN document_versions v ON v.document_id = d.id AND v.version = \
                 (SELECT MAX(n.version) FROM document_versions n WHERE n.document_id = d.id) \
             JOIN document_rights r ON r.document_id = d.id AND r.to_epoch IS NULL WHERE d.source_id = ",
        );
        select.bind(source).push(" AND d.external_id IN ").bind_list(part.iter().copied());
        for row in database.fetch_all(select).await? {
            found.insert(row.text("external_id")?.to_owned(), known_of(&row)?);
        }
    }
    Ok(found)
}

fn known_of(row: &Row) -> Result<Known, StoreError> {
    Ok(Known {
        document: row.parsed("id")?,
        version: u32::try_from(row.count("version")?).map_err(|error| row.damaged("version", &error))?,
        text_hash: row.text("text_hash")?.to_owned(),
        about: row.json("about")?,
        rights: row.json("rights")?,
        epoch: row.count("from_epoch")?,
    })
}
