//! What is known of a source's documents, to compare with what is there now.

use std::collections::BTreeMap;

use access::{Actor, Listing};
use domain::{AccessList, Attributes, DocumentId, SourceId, Timestamp};

use super::{Amendment, DocumentRights, DocumentVersion};
use crate::database::{Row, Sql};
use crate::error::StoreError;
use crate::store::Store;

/// Rows in memory at once.
const PAGE: u64 = 5_000;

/// A document of a source that is there, as it was put last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDocument {
    /// Its id.
    pub document: DocumentId,
    /// What the source called the version.
    pub source_version: Option<String>,
    /// When it was last changed at the source.
    pub updated_at: Option<Timestamp>,
    /// Its list; none where the source's default holds.
    pub access: Option<AccessList>,
    /// How sensitive it was said to be. None also where only its list was set since.
    pub sensitivity: Option<String>,
    /// What policies may name. None also where only its list was set since.
    pub attributes: Attributes,
}

impl Store {
    /// The documents of a source that are there, by their ids at the source.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn known_documents(&self, source: SourceId) -> Result<BTreeMap<String, KnownDocument>, StoreError> {
        let (mut found, mut after) = (BTreeMap::new(), String::new());
        loop {
            let mut select = Sql::from(
                "SELECT d.id, d.external_id, v.body AS about, r.body AS rights FROM documents d \
                 JOIN document_versions v ON v.document_id = d.id AND v.version = \
                     (SELECT MAX(n.version) FROM document_versions n WHERE n.document_id = d.id) \
                 JOIN document_rights r ON r.document_id = d.id AND r.to_epoch IS NULL \
                 WHERE r.kind IN ('put_document', 'set_list') AND d.source_id = ",
            );
            select.bind(source).push(" AND d.id > ").bind(after.as_str()).push(" ORDER BY d.id LIMIT ").bind(PAGE);
            let rows = self.database().fetch_all(select).await?;
            for row in &rows {
                found.insert(row.text("external_id")?.to_owned(), known(row)?);
            }
            match rows.last() {
                Some(last) if rows.len() as u64 == PAGE => last.text("id")?.clone_into(&mut after),
                _ => return Ok(found),
            }
        }
    }

    /// Says something else of the rights of documents of a source, all of them in one transaction.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn set_rights_of(
        &self,
        actor: Option<Actor>,
        source: SourceId,
        rights: Vec<(DocumentId, DocumentRights)>,
    ) -> Result<(), StoreError> {
        let amendments = rights.into_iter().map(|(document, rights)| Amendment::Rights {
            document,
            source,
            rights: Box::new(rights),
            version: None,
        });
        self.writer().await?.amend(self, actor, amendments.collect()).await.map(drop)
    }
}

fn known(row: &Row) -> Result<KnownDocument, StoreError> {
    let DocumentVersion { source_version, updated_at, .. } = row.json("about")?;
    let (listing, sensitivity, attributes) = match row.json("rights")? {
        DocumentRights::Put { listing, sensitivity, attributes, .. } => (listing, sensitivity, attributes),
        DocumentRights::List { listing } => (listing, None, Attributes::new()),
        DocumentRights::Retire { .. } | DocumentRights::Erase => (Listing::Unchanged, None, Attributes::new()),
    };
    let access = match listing {
        Listing::Given(list) => Some(list),
        Listing::SourceDefault | Listing::Unchanged => None,
    };
    Ok(KnownDocument { document: row.parsed("id")?, source_version, updated_at, access, sensitivity, attributes })
}
