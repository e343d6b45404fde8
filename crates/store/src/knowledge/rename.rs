//! Lists that name somebody by where they come from name them by id once they are erased: an address must not survive
//! there, and who was denied stays denied.

use access::{Listing, Person};
use domain::{AccessList, ListToken, Token};

use super::{DocumentRights, SourceRecord};
use crate::database::{Writing, json, values};
use crate::error::StoreError;

/// Rewrites every row of history, also of past epochs, that names this person otherwise than by id.
pub(crate) async fn name_by_id(writing: &mut Writing, person: &Person) -> Result<(), StoreError> {
    let called = ListToken::External { source: person.source.clone(), external_id: person.external_id.clone() };
    let by_id = ListToken::Id(Token::Person(person.id));
    let rename = |list: &mut AccessList| {
        for tokens in [&mut list.allow, &mut list.deny] {
            if tokens.remove(&called) {
                tokens.insert(by_id.clone());
            }
        }
    };
    // As it stands in JSON; what only looks like it is read and stays as it is.
    let pattern = format!("%{}%", like(&json(&person.external_id)?));
    let select = "SELECT document_id, from_epoch, body FROM document_rights WHERE body LIKE $1 ESCAPE '!'";
    for row in writing.fetch_all((select, values![pattern.as_str()])).await? {
        let mut rights = row.json::<DocumentRights>("body")?;
        if let DocumentRights::Put { listing: Listing::Given(list), .. }
        | DocumentRights::List { listing: Listing::Given(list) } = &mut rights
        {
            rename(list);
        }
        let update = "UPDATE document_rights SET body = $1 WHERE document_id = $2 AND from_epoch = $3";
        let place = (row.text("document_id")?, row.number("from_epoch")?);
        writing.execute((update, values![json(&rights)?, place.0, place.1])).await?;
    }
    let select = "SELECT id, from_epoch, body FROM sources WHERE body LIKE $1 ESCAPE '!'";
    for row in writing.fetch_all((select, values![pattern])).await? {
        let mut source = row.json::<SourceRecord>("body")?;
        source.standing.default_list.iter_mut().for_each(rename);
        let update = "UPDATE sources SET body = $1 WHERE id = $2 AND from_epoch = $3";
        writing.execute((update, values![json(&source)?, row.text("id")?, row.number("from_epoch")?])).await?;
    }
    Ok(())
}

/// Text that stands for itself in a pattern.
fn like(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
