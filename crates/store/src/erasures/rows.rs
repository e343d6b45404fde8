//! Erasures as rows, and which rows of the state an erasure takes.

use domain::Principal;
use lake::Erasee;

use super::{BATCH, Erasure};
use crate::actor::actor_of;
use crate::database::{Row, Sql};
use crate::error::StoreError;
use crate::traces::without_nul;

/// Its kind and its name, as they are kept while it runs.
pub(super) fn words_of(erasee: &Erasee) -> (&'static str, String) {
    match erasee {
        Erasee::Principal(principal) => ("principal", principal.to_string()),
        Erasee::Subject(subject) => ("subject", subject.clone()),
        Erasee::Document(document) => ("document", document.to_string()),
    }
}

pub(super) fn erasee_of(row: &Row) -> Result<Erasee, StoreError> {
    match row.text("kind")? {
        "principal" => Ok(Erasee::Principal(row.parsed("whom")?)),
        "document" => Ok(Erasee::Document(row.parsed("whom")?)),
        _ => Ok(Erasee::Subject(row.text("whom")?.to_owned())),
    }
}

/// The exchanges that go; none of a document's, for what was made from it stays.
pub(super) fn exchanges_of(erasee: &Erasee) -> Option<Sql> {
    match erasee {
        Erasee::Principal(principal) => {
            // Also what was made from their words.
            let mut select = Sql::from("SELECT id FROM traces WHERE owner = ");
            select.bind(*principal).push(" OR record LIKE ").bind(format!("%\"{principal}\"%"));
            Some(select)
        }
        Erasee::Subject(subject) => {
            let mut select = Sql::from("SELECT id FROM traces WHERE subject = ");
            select.bind(without_nul(subject));
            Some(select)
        }
        Erasee::Document(_) => None,
    }
}

pub(super) fn feedback_of(erasee: &Erasee) -> Option<Sql> {
    match erasee {
        Erasee::Principal(principal) => {
            let mut select = Sql::from("SELECT id FROM feedback WHERE owner = ");
            select.bind(*principal).push(" OR author = ").bind(*principal);
            Some(select)
        }
        Erasee::Subject(subject) => {
            let mut select = Sql::from("SELECT id FROM feedback WHERE subject = ");
            select.bind(without_nul(subject));
            Some(select)
        }
        Erasee::Document(_) => None,
    }
}

/// Theirs, and those that name them.
pub(super) fn decisions_of(principal: Principal) -> Sql {
    let mut select = Sql::from("SELECT id FROM decisions WHERE record LIKE ");
    select.bind(format!("%\"{principal}\"%")).push(" LIMIT ").bind(BATCH);
    select
}

/// All of an erasure.
pub(super) const SELECT: &str =
    "SELECT id, kind, whom, state, removed, quarantined, actor, via, created_at, finished_at FROM erasures";

pub(super) fn erasure(row: &Row) -> Result<Erasure, StoreError> {
    let kind = row.text("kind")?;
    let (is_person, is_document) = (kind == "principal", kind == "document");
    Ok(Erasure {
        id: row.parsed("id")?,
        person: if is_person { row.maybe_parsed("whom")? } else { None },
        document: if is_document { row.maybe_parsed("whom")? } else { None },
        done: row.text("state")? == "done",
        removed: row.json("removed")?,
        quarantined: row.maybe_json("quarantined")?.unwrap_or_default(),
        actor: actor_of(row)?,
        created_at: row.time("created_at")?,
        finished_at: row.maybe_time("finished_at")?,
    })
}
