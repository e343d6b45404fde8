//! What is known, copied into the open tables: versions of documents, what was said of their rights, passages, vectors.
//! The state keeps it, for it serves from there. What was erased is not copied, and its number is passed over.
//!
//! INVARIANT: numbers are taken within the one write transaction, so that what is committed later has a higher one.

use domain::DocumentId;
use lake::Table;
use serde_json::{Value as Json, json};

use super::HotRecord;
use crate::database::{Row, values};
use crate::error::StoreError;
use crate::knowledge::{DocumentContent, DocumentVersion, PassageName, vectors_in};
use crate::store::Store;

/// Versions (or writes, or models of a version) in one batch, at most.
const MOST_ROWS: u32 = 500;
/// Bytes in one batch, roughly; one that is larger is a batch by itself.
const MOST_BYTES: i64 = 8 << 20;

/// How large a row is for each kind: number and size, in the order of numbers.
const SIZES_OF_VERSIONS: &str = "SELECT v.epoch AS number, \
    CAST(COALESCE(LENGTH(a.body), LENGTH(b.body), 0) AS BIGINT) AS size FROM document_versions v \
    LEFT JOIN contents_a a ON a.id = v.id LEFT JOIN contents_b b ON b.id = v.id \
    WHERE v.epoch > $1 ORDER BY v.epoch LIMIT $2";
const SIZES_OF_LISTS: &str = "SELECT from_epoch AS number, CAST(LENGTH(body) AS BIGINT) AS size FROM document_rights \
    WHERE from_epoch > $1 ORDER BY from_epoch LIMIT $2";
// A passage with its text is about a thousand bytes.
const SIZES_OF_CUTS: &str = "SELECT cut_number AS number, passages * 1000 AS size FROM document_versions \
    WHERE cut_number > $1 ORDER BY cut_number LIMIT $2";
const SIZES_OF_VECTORS: &str = "SELECT n.number, \
    CAST(COALESCE(LENGTH(a.body), LENGTH(b.body), 0) AS BIGINT) AS size FROM document_vectors n \
    LEFT JOIN contents_a a ON a.id = n.id LEFT JOIN contents_b b ON b.id = n.id \
    WHERE n.number > $1 ORDER BY n.number LIMIT $2";

const VERSIONS: &str = "SELECT v.epoch AS number, v.id, v.document_id, v.version, v.body, d.source_id, d.external_id, \
    COALESCE(a.body, b.body) AS content FROM document_versions v JOIN documents d ON d.id = v.document_id \
    LEFT JOIN contents_a a ON a.id = v.id LEFT JOIN contents_b b ON b.id = v.id \
    WHERE v.epoch > $1 AND v.epoch <= $2 AND NOT EXISTS (SELECT 1 FROM document_rights e \
        WHERE e.document_id = v.document_id AND e.kind = 'erase_document') ORDER BY v.epoch";
const LISTS: &str = "SELECT r.from_epoch AS number, r.document_id, r.kind, r.version, r.body, d.source_id, e.at \
    FROM document_rights r JOIN documents d ON d.id = r.document_id JOIN epochs e ON e.epoch = r.from_epoch \
    WHERE r.from_epoch > $1 AND r.from_epoch <= $2 AND NOT EXISTS (SELECT 1 FROM document_rights x \
        WHERE x.document_id = r.document_id AND x.kind = 'erase_document') ORDER BY r.from_epoch";
const CUTS: &str = "SELECT v.cut_number AS number, v.id, v.document_id, v.version, v.body, v.passages, d.source_id \
    FROM document_versions v JOIN documents d ON d.id = v.document_id \
    WHERE v.cut_number > $1 AND v.cut_number <= $2 AND NOT EXISTS (SELECT 1 FROM document_rights e \
        WHERE e.document_id = v.document_id AND e.kind = 'erase_document') ORDER BY v.cut_number";
const VECTORS: &str = "SELECT n.number, n.id, n.model, v.document_id, v.version, v.body, d.source_id, \
    COALESCE(a.body, b.body) AS vectors FROM document_vectors n JOIN document_versions v ON v.id = n.version_id \
    JOIN documents d ON d.id = v.document_id \
    LEFT JOIN contents_a a ON a.id = n.id LEFT JOIN contents_b b ON b.id = n.id \
    WHERE n.number > $1 AND n.number <= $2 AND NOT EXISTS (SELECT 1 FROM document_rights e \
        WHERE e.document_id = v.document_id AND e.kind = 'erase_document') ORDER BY n.number";

impl Store {
    /// Copies all that is known and not in the tables yet; answers how many rows.
    pub(super) async fn copy_known(&self) -> Result<u64, StoreError> {
        let mut copied = 0;
        while let Some(rows) = self.copy_versions().await? {
            copied += rows;
        }
        while let Some(rows) = self.copy_lists().await? {
            copied += rows;
        }
        while let Some(rows) = self.copy_passages().await? {
            copied += rows;
        }
        while let Some(rows) = self.copy_vectors().await? {
            copied += rows;
        }
        Ok(copied)
    }

    /// A batch; answers how many rows, none at the end.
    async fn copy_versions(&self) -> Result<Option<u64>, StoreError> {
        let pair = [Table::DocumentContents, Table::Documents];
        let after = self.rolled_through(pair);
        let Some(through) = self.batch(SIZES_OF_VERSIONS, after).await? else { return Ok(None) };
        let rows = self.database().fetch_all((VERSIONS, values![after, through])).await?;
        let records = rows.iter().map(version).collect::<Result<Vec<_>, _>>()?;
        self.append_through(pair, records, through).await.map(Some)
    }

    async fn copy_lists(&self) -> Result<Option<u64>, StoreError> {
        let after = self.lake().watermark(Table::DocumentLists);
        let Some(through) = self.batch(SIZES_OF_LISTS, after).await? else { return Ok(None) };
        let rows = self.database().fetch_all((LISTS, values![after, through])).await?;
        let records = rows.iter().map(list).collect::<Result<Vec<_>, _>>()?;
        self.append_known(Table::DocumentLists, records, (after, through)).await.map(Some)
    }

    async fn copy_passages(&self) -> Result<Option<u64>, StoreError> {
        let after = self.lake().watermark(Table::Passages);
        let Some(through) = self.batch(SIZES_OF_CUTS, after).await? else { return Ok(None) };
        let mut records = Vec::new();
        for row in self.database().fetch_all((CUTS, values![after, through])).await? {
            records.extend(self.places(&row).await?);
        }
        self.append_known(Table::Passages, records, (after, through)).await.map(Some)
    }

    async fn copy_vectors(&self) -> Result<Option<u64>, StoreError> {
        let after = self.lake().watermark(Table::Vectors);
        let Some(through) = self.batch(SIZES_OF_VECTORS, after).await? else { return Ok(None) };
        let mut records = Vec::new();
        for row in self.database().fetch_all((VECTORS, values![after, through])).await? {
            records.extend(vectors(&row)?);
        }
        self.append_known(Table::Vectors, records, (after, through)).await.map(Some)
    }

    /// The number up to which the next batch goes; none where there is nothing more.
    async fn batch(&self, sizes: &'static str, after: i64) -> Result<Option<i64>, StoreError> {
        let (mut through, mut bytes) = (None, 0);
        for row in self.database().fetch_all((sizes, values![after, MOST_ROWS])).await? {
            bytes += row.number("size")?;
            if through.is_some() && bytes > MOST_BYTES {
                break;
            }
            through = Some(row.number("number")?);
        }
        Ok(through)
    }

    async fn append_known(
        &self,
        table: Table,
        records: Vec<Json>,
        (after, through): (i64, i64),
    ) -> Result<u64, StoreError> {
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.lake().append(table, records, (after, through)).await?;
        Ok(count)
    }

    /// Where the passages of a version begin and end.
    async fn places(&self, row: &Row) -> Result<Vec<Json>, StoreError> {
        let (document, version) = (row.parsed::<DocumentId>("document_id")?, version_number(row)?);
        let count = u32::try_from(row.number("passages")?).map_err(|error| row.damaged("passages", &error))?;
        let names: Vec<PassageName> = (0..count).map(|number| PassageName { document, version, number }).collect();
        let texts = self.passage_texts(&names).await?;
        let known = known(row)?;
        let places = names.iter().filter_map(|name| Some((name.number, texts.get(name)?)));
        let place = |(number, passage): (u32, &crate::knowledge::PassageText)| {
            let mut record = known.clone();
            record["id"] = format!("{document}:{version}:{number}").into();
            record["number"] = number.into();
            (record["start"], record["end"], record["page"]) =
                (passage.start.into(), passage.end.into(), json!(passage.page));
            record
        };
        Ok(places.map(place).collect())
    }
}

/// What rows of a version have in common.
fn known(row: &Row) -> Result<Json, StoreError> {
    let about = row.json::<DocumentVersion>("body")?;
    Ok(json!({
        "document": row.text("document_id")?, "version": row.number("version")?, "source": row.text("source_id")?,
        "created_at": about.created_at.to_string(),
    }))
}

fn version_number(row: &Row) -> Result<u32, StoreError> {
    u32::try_from(row.number("version")?).map_err(|error| row.damaged("version", &error))
}

fn version(row: &Row) -> Result<HotRecord, StoreError> {
    let (mut entry, about) = (known(row)?, row.json::<DocumentVersion>("body")?);
    entry["id"] = row.text("id")?.into();
    let mut content = entry.clone();
    entry["epoch"] = row.number("number")?.into();
    entry["updated_at"] = json!(about.updated_at.map(|at| at.to_string()));
    entry["characters"] = about.characters.into();
    let said = row.maybe_json::<DocumentContent>("content")?.map(|said| {
        content["source_version"] = json!(about.source_version);
        (content["title"], content["url"]) = (about.title.into(), json!(about.url));
        (content["text"], content["structure"]) = (said.text.into(), json!(said.structure));
        content
    });
    let external_id = row.text("external_id")?;
    let content = said.map(|mut content| {
        content["external_id"] = external_id.into();
        content
    });
    Ok(HotRecord { number: row.number("number")?, entry, content })
}

fn list(row: &Row) -> Result<Json, StoreError> {
    let (document, epoch) = (row.text("document_id")?, row.number("number")?);
    let version = Some(row.number("version")?).filter(|version| *version > 0);
    Ok(json!({
        "id": format!("{document}:{epoch}"), "at": row.time("at")?.to_string(), "source": row.text("source_id")?,
        "document": document, "from_epoch": epoch, "kind": row.text("kind")?, "version": version,
        "rights": row.json::<Json>("body")?,
    }))
}

fn vectors(row: &Row) -> Result<Vec<Json>, StoreError> {
    let (known, id, model) = (known(row)?, row.text("id")?, row.text("model")?);
    let vectors = vectors_in(row, "vectors")?.into_iter().enumerate();
    let record = |(number, vector): (usize, Vec<f32>)| {
        let mut record = known.clone();
        (record["id"], record["number"]) = (format!("{id}:{number}").into(), number.into());
        (record["model"], record["vector"]) = (model.into(), json!(vector));
        record
    };
    Ok(vectors.map(record).collect())
}
