//! What a change of a break-glass leaves: rows of history, what stands with the request, acts, notices.

use std::collections::BTreeSet;

use access::{Actor, Collection, Edit};
use domain::{BreakGlass, BreakGlassId, DocumentId, PersonId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{Owners, named};
use crate::acts::{self, NewAct};
use crate::database::{Database, Insert, Value, json as as_json, values};
use crate::error::StoreError;
use crate::knowledge::KnowledgeRow;
use crate::notices::{self, NewNotice};

/// The table of history.
pub(crate) const TABLE: &str = "break_glass_grants";

static INSERT_GRANTS: Insert = Insert::new("INSERT INTO break_glass_grants (id, from_epoch, body) VALUES", 3);
const CLOSE_GRANT: &str = "UPDATE break_glass_grants SET to_epoch = $1 WHERE id = $2 AND to_epoch IS NULL";
const APPROVE: &str = "UPDATE break_glass SET approved_by = $1, approved_at = $2, owners = $3 WHERE id = $4";
const END: &str = "UPDATE break_glass SET ended_by = $1, ended_at = $2 WHERE id = $3 AND ended_at IS NULL";

/// A change of a break-glass on its way into the state; made by the verbs that approve and end.
#[derive(Debug, Clone)]
pub struct GlassChange(pub(crate) Kind);

/// What the change is.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Approve(Box<Approval>),
    End { id: BreakGlassId, actor: Option<Actor>, at: Timestamp },
}

/// An approval with whom it is told to.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(super) glass: BreakGlass,
    pub(super) documents: BTreeSet<DocumentId>,
    pub(super) owners: Owners,
    pub(super) notice_at: Option<Timestamp>,
    pub(super) actor: Actor,
    pub(super) at: Timestamp,
}

/// A row of history.
#[derive(Debug, Serialize, Deserialize)]
struct Granted {
    #[serde(flatten)]
    glass: BreakGlass,
    documents: BTreeSet<DocumentId>,
}

type Statement = (&'static str, Vec<Value>);

impl GlassChange {
    /// The kind in the epoch log.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.0 {
            Kind::Approve(_) => "break_glass",
            Kind::End { .. } => "end_break_glass",
        }
    }

    /// The opaque ids that the epoch log keeps of it; of an approval who asked, who may read, and what.
    pub(crate) fn ids(&self) -> Vec<String> {
        match &self.0 {
            Kind::Approve(approval) => {
                let Approval { glass, documents, .. } = &**approval;
                let asked = [glass.id.to_string(), glass.requested_by.to_string(), glass.person.to_string()];
                asked.into_iter().chain(documents.iter().map(DocumentId::to_string)).collect()
            }
            Kind::End { id, .. } => vec![id.to_string()],
        }
    }

    /// What it means for decisions.
    pub(crate) fn edit(&self) -> Edit {
        match &self.0 {
            Kind::Approve(approval) => Edit::BreakGlass(approval.glass.clone(), approval.documents.clone()),
            Kind::End { id, .. } => Edit::EndBreakGlass(*id),
        }
    }

    /// What it leaves at its epoch.
    pub(crate) fn rows(&self, epoch: u64) -> Result<Vec<KnowledgeRow>, StoreError> {
        let of_history = match &self.0 {
            Kind::Approve(approval) => {
                let (glass, documents) = (approval.glass.clone(), approval.documents.clone());
                let body = as_json(&Granted { glass, documents })?;
                KnowledgeRow::Insert(&INSERT_GRANTS, values![approval.glass.id, epoch, body])
            }
            Kind::End { id, .. } => KnowledgeRow::Close(CLOSE_GRANT, values![epoch, *id]),
        };
        let others = self.0.statements()?.into_iter().map(|(text, values)| KnowledgeRow::Run(text, values));
        Ok(std::iter::once(of_history).chain(others).collect())
    }
}

impl Kind {
    /// What it leaves besides history.
    pub(super) fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        match self {
            Self::Approve(approval) => approval.statements(),
            Self::End { id, actor, at } => {
                let by = actor.as_ref().map(|actor| actor.principal);
                let (verb, ids) = ("end_break_glass".to_owned(), vec![id.to_string()]);
                let act = NewAct { actor: actor.clone(), verb, ids, detail: Json::Null };
                Ok(vec![(END, values![by, *at, *id]), acts::statement(act, *at)?])
            }
        }
    }
}

impl Approval {
    fn statements(&self) -> Result<Vec<Statement>, StoreError> {
        let Self { glass, documents, owners, notice_at, at, .. } = self;
        let update = values![glass.approved_by, *at, as_json(owners)?, glass.id];
        let ids = named(glass.id, glass.person, documents);
        let detail = json!({"requested_by": glass.requested_by, "expires_at": glass.expires_at});
        let mut statements = vec![(APPROVE, update), self.act("approve_break_glass", ids, detail)?];
        for owner in owners.keys() {
            statements.push(self.notice(*owner)?);
        }
        if let Some(notice_at) = notice_at {
            let told: Vec<String> = owners.keys().map(PersonId::to_string).collect();
            let ids = std::iter::once(glass.id.to_string()).chain(told).collect();
            statements.push(self.act("delay_break_glass_notice", ids, json!({"notice_at": notice_at}))?);
        }
        Ok(statements)
    }

    fn act(&self, verb: &str, ids: Vec<String>, detail: Json) -> Result<Statement, StoreError> {
        acts::statement(NewAct { actor: Some(self.actor.clone()), verb: verb.to_owned(), ids, detail }, self.at)
    }

    fn notice(&self, owner: PersonId) -> Result<Statement, StoreError> {
        let (kind, subject) = ("break_glass".to_owned(), self.glass.id.to_string());
        let notice = NewNotice { person: owner, kind, subject, actor: Some(self.actor.clone()) };
        match self.notice_at {
            Some(due_at) => notices::delayed_statement(notice, due_at),
            None => notices::statement(notice, self.at),
        }
    }
}

/// Applies every break-glass that holds at an epoch.
pub(crate) async fn load_break_glass(
    database: &Database,
    collection: &mut Collection,
    epoch: u64,
) -> Result<(), StoreError> {
    const HOLDING: &str = "SELECT body FROM break_glass_grants WHERE from_epoch <= $1 \
        AND (to_epoch IS NULL OR to_epoch > $1) ORDER BY id";
    for row in database.fetch_all((HOLDING, values![epoch])).await? {
        let Granted { glass, documents } = row.json("body")?;
        collection.apply(epoch, Edit::BreakGlass(glass, documents));
    }
    Ok(())
}
