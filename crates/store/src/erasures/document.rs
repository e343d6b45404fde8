//! Erasure of a document: its text, passages and vectors go, all versions of them, and so does what its source calls it;
//! ids, counts and lists stay, so that past decisions can be given again. What was made from it is closed by what the
//! snapshot says of the document (docs/access.md, rule 7), and is only listed here.

use std::collections::BTreeMap;

use domain::{DocumentId, DocumentState, SourceId};

use crate::contents;
use crate::database::{Sql, json, values};
use crate::error::StoreError;
use crate::knowledge::{Amendment, DocumentRights, DocumentVersion};
use crate::retention::ids_of;
use crate::store::Store;

/// How many ids of what was made from a document an erasure lists.
pub const MOST_QUARANTINED: usize = 1_000;

impl Store {
    /// Where a document comes from; none where there is no such document.
    pub(crate) async fn source_of(&self, document: DocumentId) -> Result<Option<SourceId>, StoreError> {
        let select = "SELECT source_id FROM documents WHERE id = $1";
        let row = self.database().fetch_optional((select, values![document])).await?;
        row.map(|row| row.parsed("source_id")).transpose()
    }

    /// From here on nobody reads it, nor what was made from it; its source may call another document as it did this one.
    pub(super) async fn close_document(&self, document: DocumentId) -> Result<(), StoreError> {
        let Some(source) = self.source_of(document).await? else { return Ok(()) };
        let erase = self.amend::<StoreError>(None, |snapshot| {
            let facts = snapshot.version(document).and_then(|version| snapshot.facts(document, version));
            if facts.is_some_and(|facts| facts.state == DocumentState::Erased) {
                return Ok(Vec::new());
            }
            Ok(vec![Amendment::Rights { document, source, rights: Box::new(DocumentRights::Erase), version: None }])
        });
        erase.await.map(drop)
    }

    /// All that the state holds of its content. Answers what went, by what it was.
    pub(super) async fn remove_document(&self, document: DocumentId) -> Result<BTreeMap<String, u64>, StoreError> {
        // First, so that whoever cuts it just now finds it cut already, and keeps nothing.
        let versions = self.blank_versions(document).await?;
        let mut texts = 0;
        let named = format!("{document}:%");
        let mut select = Sql::from("SELECT id FROM contents_a WHERE id LIKE ");
        select.bind(named.as_str()).push(" UNION ALL SELECT id FROM contents_b WHERE id LIKE ").bind(named);
        while let Some((mut writing, ids)) = self.next_of(Some(&select)).await? {
            texts += contents::remove(&mut writing, &ids).await?;
            writing.commit().await?;
        }
        Ok(BTreeMap::from([("versions".to_owned(), versions), ("texts".to_owned(), texts)]))
    }

    /// What a version was called, and a hash by which its text could be guessed, go from every version.
    async fn blank_versions(&self, document: DocumentId) -> Result<u64, StoreError> {
        let mut writing = self.database().write().await?;
        let select = "SELECT id, body FROM document_versions WHERE document_id = $1";
        let versions = writing.fetch_all((select, values![document])).await?;
        for row in &versions {
            let blank = blank(&row.json("body")?);
            let update = "UPDATE document_versions SET body = $1, text_hash = '', passages = COALESCE(passages, 0) \
                WHERE id = $2";
            writing.execute((update, values![json(&blank)?, row.text("id")?])).await?;
            let delete = "DELETE FROM document_vectors WHERE version_id = $1";
            writing.execute((delete, values![row.text("id")?])).await?;
        }
        writing.execute(("DELETE FROM index_failures WHERE document_id = $1", values![document])).await?;
        writing.commit().await?;
        Ok(versions.len() as u64)
    }

    /// What was made from it, by ids: exchanges, then replies, then conversations.
    pub(super) async fn made_from(&self, document: DocumentId) -> Result<Vec<String>, StoreError> {
        let named = format!("%\"{document}\"%");
        let mut exchanges = self.lake().made_from(document).await?;
        exchanges.extend(self.ids_like("SELECT id FROM traces WHERE record LIKE $1", &named).await?);
        let replies = "SELECT id FROM responses WHERE provenance LIKE $1 ORDER BY id";
        let conversations = "SELECT DISTINCT conversation_id AS id FROM conversation_items WHERE provenance LIKE $1 \
            ORDER BY conversation_id";
        let mut made: Vec<String> = exchanges.into_iter().collect();
        for select in [replies, conversations] {
            made.extend(self.ids_like(select, &named).await?);
        }
        made.truncate(MOST_QUARANTINED);
        Ok(made)
    }

    async fn ids_like(&self, select: &'static str, pattern: &str) -> Result<Vec<String>, StoreError> {
        ids_of(&self.database().fetch_all((select, values![pattern])).await?)
    }
}

fn blank(version: &DocumentVersion) -> DocumentVersion {
    DocumentVersion {
        title: String::new(),
        url: None,
        updated_at: None,
        source_version: None,
        characters: 0,
        created_at: version.created_at,
    }
}
