//! What indexes are made from: which documents changed since an epoch, the passages of a version, their vectors.

use std::collections::HashMap;

use access::Sealed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::DocumentId;
use lake::Table;
use serde::{Deserialize, Serialize};

use super::history::version_id;
use super::read::{StoredDocument, seal, stored};
use crate::database::{Row, Sql, Value, Writing, json, values};
use crate::error::StoreError;
use crate::store::Store;

/// Rows in one query.
const PAGE: usize = 500;

/// A document that an index is to look at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexChange {
    /// When it changed.
    pub epoch: u64,
    /// Which.
    pub document: DocumentId,
}

/// A passage as it is kept: a piece of a version's text, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassageText {
    /// Where it begins in the text, code points.
    pub start: u32,
    /// Where it ends, code points.
    pub end: u32,
    /// What stands there.
    pub text: String,
    /// The headings above it, the highest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headings: Vec<String>,
    /// The names of the columns, where it begins within a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The page, sheet or slide on which it begins, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// The name of a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PassageName {
    /// Of which document.
    pub document: DocumentId,
    /// Of which of its versions.
    pub version: u32,
    /// Which passage of that, from 0.
    pub number: u32,
}

/// A passage with what is known of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPassage {
    /// Which.
    pub name: PassageName,
    /// Its document, as of that version.
    pub about: StoredDocument,
    /// What it says.
    pub passage: PassageText,
}

/// Why a document could not be made findable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFailure {
    /// Which document.
    pub document: DocumentId,
    /// Which of its versions.
    pub version: u32,
    /// A code, without words of the document.
    pub code: String,
}

impl Store {
    /// The documents that were put or taken away after an epoch, in the order of their epochs.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn changes_to_index(&self, after: u64, limit: u32) -> Result<Vec<IndexChange>, StoreError> {
        let select = "SELECT from_epoch, document_id FROM document_rights \
            WHERE from_epoch > $1 AND kind <> 'set_list' ORDER BY from_epoch LIMIT $2";
        let rows = self.database().fetch_all((select, values![after, limit])).await?;
        rows.iter()
            .map(|row| Ok(IndexChange { epoch: row.count("from_epoch")?, document: row.parsed("document_id")? }))
            .collect()
    }

    /// How many documents were put after an epoch and are still as that put left them.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn put_after(&self, epoch: u64) -> Result<u64, StoreError> {
        let select = "SELECT COUNT(DISTINCT document_id) AS number FROM document_rights \
            WHERE from_epoch > $1 AND kind = 'put_document'";
        let row = self.database().fetch_optional((select, values![epoch])).await?;
        row.map_or(Ok(0), |row| row.count("number"))
    }

    /// The hash of the epoch log at an epoch; none where there is no such epoch here.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn epoch_hash(&self, epoch: u64) -> Result<Option<String>, StoreError> {
        let select = "SELECT hash FROM epochs WHERE epoch = $1";
        let row = self.database().fetch_optional((select, values![epoch])).await?;
        row.map(|row| row.text("hash").map(str::to_owned)).transpose()
    }

    /// Keeps into what versions were cut, all of them in one transaction. What is there already stays.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn keep_passages(&self, cuts: &[(DocumentId, u32, Vec<PassageText>)]) -> Result<(), StoreError> {
        let mut writing = self.database().write().await?;
        let newest = "SELECT COALESCE(MAX(cut_number), 0) AS number FROM document_versions";
        let mut number = next_number(&mut writing, newest, self.lake().watermark(Table::Passages)).await?;
        for (document, version, passages) in cuts {
            let id = version_id(*document, *version);
            let mark = "UPDATE document_versions SET passages = $1, cut_number = $2 WHERE id = $3 AND passages IS NULL";
            if writing.execute((mark, values![passages.len() as u64, number, id.as_str()])).await? == 0 {
                continue;
            }
            number += 1;
            let rows = (0_u32..).zip(passages).map(|(number, passage)| {
                let id = passage_id(&PassageName { document: *document, version: *version, number });
                Ok(values![id, json(passage)?])
            });
            let rows: Vec<Vec<Value>> = rows.collect::<Result<_, StoreError>>()?;
            self.contents().insert(&mut writing, &rows).await?;
        }
        writing.commit().await
    }

    /// All passages of a version, in order; none where it was not cut yet.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn passages_of(
        &self,
        document: DocumentId,
        version: u32,
    ) -> Result<Option<Sealed<Vec<PassageText>>>, StoreError> {
        let select = "SELECT passages FROM document_versions WHERE id = $1";
        let row = self.database().fetch_optional((select, values![version_id(document, version)])).await?;
        let Some(count) = row.map(|row| row.maybe_number("passages")).transpose()?.flatten() else { return Ok(None) };
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let names: Vec<PassageName> = (0..count).map(|number| PassageName { document, version, number }).collect();
        let mut texts = self.passage_texts(&names).await?;
        let found: Option<Vec<PassageText>> = names.iter().map(|name| texts.remove(name)).collect();
        Ok(found.map(|passages| seal(document, version, passages)))
    }

    /// These passages, each under the seal of its document; without those that are not here.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn passages(&self, names: &[PassageName]) -> Result<Vec<Sealed<StoredPassage>>, StoreError> {
        let mut texts = self.passage_texts(names).await?;
        let abouts = self.abouts(names).await?;
        let found = names.iter().filter_map(|name| {
            let about = abouts.get(&(name.document, name.version))?.clone();
            let passage = texts.remove(name)?;
            Some(seal(name.document, name.version, StoredPassage { name: *name, about, passage }))
        });
        Ok(found.collect())
    }

    pub(crate) async fn passage_texts(
        &self,
        names: &[PassageName],
    ) -> Result<HashMap<PassageName, PassageText>, StoreError> {
        const FROM: [&str; 2] =
            ["SELECT id, body FROM contents_a WHERE id IN ", "SELECT id, body FROM contents_b WHERE id IN "];
        let by_id: HashMap<String, PassageName> = names.iter().map(|name| (passage_id(name), *name)).collect();
        let ids: Vec<&String> = by_id.keys().collect();
        let mut found = HashMap::with_capacity(names.len());
        for part in ids.chunks(PAGE) {
            for from in FROM {
                let mut select = Sql::from(from);
                select.bind_list(part.iter().map(|id| id.as_str()));
                for row in self.database().fetch_all(select).await? {
                    if let Some(name) = by_id.get(row.text("id")?) {
                        found.insert(*name, row.json("body")?);
                    }
                }
            }
        }
        Ok(found)
    }

    async fn abouts(&self, names: &[PassageName]) -> Result<HashMap<(DocumentId, u32), StoredDocument>, StoreError> {
        let mut ids: Vec<String> = names.iter().map(|name| version_id(name.document, name.version)).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = HashMap::with_capacity(ids.len());
        for part in ids.chunks(PAGE) {
            let mut select = Sql::from(
                "SELECT d.id, d.source_id, d.external_id, v.version, v.body FROM document_versions v \
                 JOIN documents d ON d.id = v.document_id WHERE v.id IN ",
            );
            select.bind_list(part.iter().map(String::as_str));
            for row in self.database().fetch_all(select).await? {
                let about = stored(&row)?;
                found.insert((about.document, about.version), about);
            }
        }
        Ok(found)
    }

    /// Keeps the vectors of a version's passages, in their order, as a model made them. What is there already stays; of a
    /// document that was erased meanwhile, nothing is kept.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn keep_vectors(
        &self,
        (document, version): (DocumentId, u32),
        model: &str,
        vectors: &[Vec<f32>],
    ) -> Result<(), StoreError> {
        if self.vectors_body(document, version, model).await?.is_some() {
            return Ok(());
        }
        let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
        let body = StoredVectors { dimensions: vectors.first().map_or(0, Vec::len), base64: STANDARD.encode(bytes) };
        let (id, of_version) = (vectors_id(document, version, model), version_id(document, version));
        let mut writing = self.database().write().await?;
        let erased = "SELECT from_epoch FROM document_rights WHERE document_id = $1 AND kind = 'erase_document'";
        if !writing.fetch_all((erased, values![document])).await?.is_empty() {
            return writing.commit().await;
        }
        let newest = "SELECT COALESCE(MAX(number), 0) AS number FROM document_vectors";
        let number = next_number(&mut writing, newest, self.lake().watermark(Table::Vectors)).await?;
        let note = "INSERT INTO document_vectors (number, id, version_id, model) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (id) DO NOTHING";
        if writing.execute((note, values![number, id.as_str(), of_version, model])).await? > 0 {
            self.contents().add(&mut writing, id, &body).await?;
        }
        writing.commit().await
    }

    /// The vectors of a version's passages, in their order, as a model made them; none where it did not yet.
    ///
    /// # Errors
    /// Where the state cannot be read, or they are damaged.
    pub async fn vectors_of(
        &self,
        (document, version): (DocumentId, u32),
        model: &str,
    ) -> Result<Option<Sealed<Vec<Vec<f32>>>>, StoreError> {
        let Some(row) = self.vectors_body(document, version, model).await? else { return Ok(None) };
        Ok(Some(seal(document, version, vectors_in(&row, "body")?)))
    }

    async fn vectors_body(&self, document: DocumentId, version: u32, model: &str) -> Result<Option<Row>, StoreError> {
        let select = "SELECT body FROM contents_a WHERE id = $1 UNION ALL SELECT body FROM contents_b WHERE id = $1";
        self.database().fetch_optional((select, values![vectors_id(document, version, model)])).await
    }

    /// Notes that a version could not be made findable.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn note_index_failure(&self, failure: &IndexFailure) -> Result<(), StoreError> {
        let put = "INSERT INTO index_failures (document_id, version, code, failed_at) VALUES ($1, $2, $3, $4) \
            ON CONFLICT (document_id) DO UPDATE SET version = excluded.version, code = excluded.code, \
            failed_at = excluded.failed_at";
        let IndexFailure { document, version, code } = failure;
        let mut writing = self.database().write().await?;
        writing.execute((put, values![*document, *version, code.as_str(), self.now()])).await?;
        writing.commit().await
    }

    /// Forgets what could not be made findable: of one document, or of all.
    ///
    /// # Errors
    /// Where the state cannot be written.
    pub async fn clear_index_failures(&self, document: Option<DocumentId>) -> Result<(), StoreError> {
        let mut delete = Sql::from("DELETE FROM index_failures");
        if let Some(document) = document {
            delete.push(" WHERE document_id = ").bind(document);
        }
        let mut writing = self.database().write().await?;
        writing.execute(delete).await?;
        writing.commit().await
    }

    /// What could not be made findable, the newest first.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn index_failures(&self, limit: u32) -> Result<Vec<IndexFailure>, StoreError> {
        let select = "SELECT document_id, version, code FROM index_failures ORDER BY failed_at DESC LIMIT $1";
        let rows = self.database().fetch_all((select, values![limit])).await?;
        let failure = |row: &Row| {
            let version = u32::try_from(row.count("version")?).map_err(|error| row.damaged("version", &error))?;
            Ok(IndexFailure { document: row.parsed("document_id")?, version, code: row.text("code")?.to_owned() })
        };
        rows.iter().map(failure).collect()
    }

    /// How many documents could not be made findable.
    ///
    /// # Errors
    /// Where the state cannot be read.
    pub async fn count_index_failures(&self) -> Result<u64, StoreError> {
        let row = self.database().fetch_optional("SELECT COUNT(*) AS number FROM index_failures").await?;
        row.map_or(Ok(0), |row| row.count("number"))
    }
}

/// 32-bit numbers, little endian, one vector after the other.
#[derive(Debug, Serialize, Deserialize)]
struct StoredVectors {
    dimensions: usize,
    base64: String,
}

/// The vectors in a column.
pub(crate) fn vectors_in(row: &Row, column: &str) -> Result<Vec<Vec<f32>>, StoreError> {
    let Some(body) = row.maybe_json::<StoredVectors>(column)? else { return Ok(Vec::new()) };
    let bytes = STANDARD.decode(&body.base64).map_err(|error| row.damaged(column, &error))?;
    let floats: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    Ok(floats.chunks(body.dimensions.max(1)).map(<[f32]>::to_vec).collect())
}

/// The number after all in the state and all that was ever copied.
async fn next_number(writing: &mut Writing, newest: &'static str, copied: i64) -> Result<i64, StoreError> {
    let rows = writing.fetch_all(newest).await?;
    let newest = rows.first().map_or(Ok(0), |row| row.number("number"))?;
    Ok(newest.max(copied) + 1)
}

fn passage_id(name: &PassageName) -> String {
    format!("{}:p:{}", version_id(name.document, name.version), name.number)
}

fn vectors_id(document: DocumentId, version: u32, model: &str) -> String {
    format!("{}:v:{model}", version_id(document, version))
}
