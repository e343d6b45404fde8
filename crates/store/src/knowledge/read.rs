//! What is known, read: content leaves sealed.

use access::{Collection, Sealed, Snapshot};
use domain::{DocumentId, Provenance, Source, SourceId};

use super::history::version_id;
use super::{DocumentContent, DocumentVersion, PolicyRecord, SourceRecord, load_knowledge};
use crate::database::{Row, Sql, values};
use crate::error::StoreError;
use crate::store::{Page, Store, bounded};

/// What is known of a document's version besides its text; under seal, for a title is content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its id.
    pub document: DocumentId,
    /// Where it comes from.
    pub source: SourceId,
    /// Its id there.
    pub external_id: String,
    /// Its version, counted from 1.
    pub version: u32,
    /// What that is.
    pub about: DocumentVersion,
}

/// The text of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredText {
    /// Of which version.
    pub about: StoredDocument,
    /// What it says.
    pub content: DocumentContent,
}

impl Store {
    /// All sources as they stand, oldest first, without those that were removed.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn sources(&self) -> Result<Vec<SourceRecord>, StoreError> {
        let select = "SELECT body FROM sources WHERE to_epoch IS NULL ORDER BY id";
        let rows = self.database().fetch_all(select).await?;
        let sources = rows.iter().map(|row| row.json("body")).collect::<Result<Vec<SourceRecord>, _>>()?;
        Ok(sources.into_iter().filter(|source| source.removed_at.is_none()).collect())
    }

    /// The policies in force, as they were uploaded.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn policies(&self) -> Result<PolicyRecord, StoreError> {
        let row = self.database().fetch_optional("SELECT body FROM policies WHERE to_epoch IS NULL").await?;
        row.map_or_else(|| Ok(PolicyRecord::default()), |row| row.json("body"))
    }

    /// The document of a source with this id there: its id, and nothing of its content.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn document_named(&self, source: SourceId, external_id: &str) -> Result<Option<DocumentId>, StoreError> {
        let select = "SELECT id FROM documents WHERE source_id = $1 AND external_id = $2";
        let row = self.database().fetch_optional((select, values![source, external_id])).await?;
        row.map(|row| row.parsed("id")).transpose()
    }

    /// The documents of a source that are there: ids, and nothing of their content; after one of them, in the order of their ids.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn documents_of(
        &self,
        source: SourceId,
        after: Option<DocumentId>,
        limit: u32,
    ) -> Result<Page<(DocumentId, String)>, StoreError> {
        let limit = bounded(limit);
        let mut select = Sql::from(
            "SELECT d.id, d.external_id FROM documents d \
             JOIN document_rights r ON r.document_id = d.id AND r.to_epoch IS NULL \
             WHERE r.kind IN ('put_document', 'set_list') AND d.source_id = ",
        );
        select.bind(source);
        if let Some(after) = after {
            select.push(" AND d.id > ").bind(after);
        }
        select.push(" ORDER BY d.id LIMIT ").bind(limit + 1);
        let rows = self.database().fetch_all(select).await?;
        let found = rows.iter().map(|row| Ok((row.parsed("id")?, row.text("external_id")?.to_owned())));
        Ok(Page::cut(found.collect::<Result<_, StoreError>>()?, limit))
    }

    /// The newest version of a document, without its text.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn document(&self, document: DocumentId) -> Result<Option<Sealed<StoredDocument>>, StoreError> {
        let found = self.newest(document).await?;
        Ok(found.map(|stored| seal(document, stored.version, stored)))
    }

    /// The newest version of a document with its text.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn document_text(&self, document: DocumentId) -> Result<Option<Sealed<StoredText>>, StoreError> {
        let Some(about) = self.newest(document).await? else { return Ok(None) };
        let select = "SELECT COALESCE(a.body, b.body) AS body FROM document_versions v \
            LEFT JOIN contents_a a ON a.id = v.id LEFT JOIN contents_b b ON b.id = v.id WHERE v.id = $1";
        let id = version_id(document, about.version);
        let row = self.database().fetch_optional((select, values![id])).await?;
        let Some(content) = row.map(|row| row.maybe_json("body")).transpose()?.flatten() else { return Ok(None) };
        Ok(Some(seal(document, about.version, StoredText { about, content })))
    }

    async fn newest(&self, document: DocumentId) -> Result<Option<StoredDocument>, StoreError> {
        let select = "SELECT d.id, d.source_id, d.external_id, v.version, v.body FROM documents d \
            JOIN document_versions v ON v.document_id = d.id WHERE d.id = $1 ORDER BY v.version DESC LIMIT 1";
        self.database().fetch_optional((select, values![document])).await?.as_ref().map(stored).transpose()
    }

    /// What decisions about some documents depended on at an epoch, from the rows of history; an epoch to come is the
    /// newest one.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn snapshot_at(&self, epoch: u64, documents: &[DocumentId]) -> Result<Snapshot, StoreError> {
        let epoch = epoch.min(self.directory().epoch());
        let mut collection = Collection::new(self.directory_at(epoch).await?);
        load_knowledge(self.database(), &mut collection, epoch, Some(documents)).await?;
        Ok(collection.snapshot())
    }
}

pub(super) fn seal<T>(document: DocumentId, version: u32, value: T) -> Sealed<T> {
    let mut provenance = Provenance::default();
    provenance.add(Source::Document { document, version });
    Sealed::new(value, None, provenance)
}

pub(super) fn stored(row: &Row) -> Result<StoredDocument, StoreError> {
    Ok(StoredDocument {
        document: row.parsed("id")?,
        source: row.parsed("source_id")?,
        external_id: row.text("external_id")?.to_owned(),
        version: u32::try_from(row.count("version")?).map_err(|error| row.damaged("version", &error))?,
        about: row.json("body")?,
    })
}
