//! From rows of history to what decisions depend on: the newest at the start, any past epoch for replay.
//!
//! INVARIANT: sources and what is said of documents are applied in the order of their epochs. A default list that changed
//! in between means another for older versions (docs/access.md, rule 8).

use std::sync::Arc;

use access::{Collection, Edit, Policies};
use domain::DocumentId;

use super::{DocumentRights, PolicyRecord, SourceRecord};
use crate::break_glass::load_break_glass;
use crate::database::{Database, Row, Sql, values};
use crate::error::StoreError;

/// Rows in memory at once.
const PAGE: u64 = 20_000;

/// Applies everything up to an epoch; of documents only these, where some are named.
pub(crate) async fn load_knowledge(
    database: &Database,
    collection: &mut Collection,
    epoch: u64,
    documents: Option<&[DocumentId]>,
) -> Result<(), StoreError> {
    let policies = "SELECT body FROM policies WHERE from_epoch <= $1 AND (to_epoch IS NULL OR to_epoch > $1)";
    if let Some(row) = database.fetch_optional((policies, values![epoch])).await? {
        collection.apply(epoch, Edit::SetPolicies(Arc::new(policies_of(&row)?)));
    }
    let select = "SELECT from_epoch, body FROM sources WHERE from_epoch <= $1 ORDER BY from_epoch";
    let rows = database.fetch_all((select, values![epoch])).await?;
    let sources = rows.iter().map(|row| Ok((row.count("from_epoch")?, row.json::<SourceRecord>("body")?)));
    let mut sources = sources.collect::<Result<Vec<_>, StoreError>>()?.into_iter().peekable();
    let mut after = 0;
    while documents.is_none_or(|documents| !documents.is_empty()) {
        let rows = database.fetch_all(rights_after(after, epoch, documents)).await?;
        for row in &rows {
            after = row.count("from_epoch")?;
            while let Some((_, source)) = sources.next_if(|(at, _)| *at < after) {
                collection.apply(epoch, Edit::PutSource(source.id, source.standing));
            }
            let (document, source) = (row.parsed("document_id")?, row.parsed("source_id")?);
            collection.apply(epoch, row.json::<DocumentRights>("body")?.edit(document, source));
        }
        if (rows.len() as u64) < PAGE {
            break;
        }
    }
    for (_, source) in sources {
        collection.apply(epoch, Edit::PutSource(source.id, source.standing));
    }
    load_break_glass(database, collection, epoch).await
}

/// The policies that an epoch put.
pub(crate) async fn policies_put_at(database: &Database, epoch: u64) -> Result<Option<PolicyRecord>, StoreError> {
    let select = "SELECT body FROM policies WHERE from_epoch = $1";
    let row = database.fetch_optional((select, values![epoch])).await?;
    row.map(|row| row.json("body")).transpose()
}

fn rights_after(after: u64, epoch: u64, documents: Option<&[DocumentId]>) -> Sql {
    let mut select = Sql::from(
        "SELECT r.document_id, r.from_epoch, r.body, d.source_id FROM document_rights r \
         JOIN documents d ON d.id = r.document_id WHERE r.from_epoch > ",
    );
    select.bind(after).push(" AND r.from_epoch <= ").bind(epoch);
    if let Some(documents) = documents {
        select.push(" AND r.document_id IN ").bind_list(documents.iter().copied());
    }
    select.push(" ORDER BY r.from_epoch LIMIT ").bind(PAGE);
    select
}

fn policies_of(row: &Row) -> Result<Policies, StoreError> {
    let PolicyRecord { cedar, attributes } = row.json("body")?;
    Policies::parse(&cedar, attributes).map_err(|error| row.damaged("body", &error))
}
