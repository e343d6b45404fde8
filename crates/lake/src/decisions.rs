//! Decisions out of the tables, newest first. They hold ids and rules, and no content.

use domain::{Decision, DecisionId, Principal, TraceId};
use iceberg::expr::{Predicate, Reference};
use iceberg::spec::Datum;

use crate::error::LakeError;
use crate::lake::Lake;
use crate::scan::{equals, may_hold, newest};
use crate::tables::Table;
use crate::traces::read;

/// Which decisions to list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DecisionQuery {
    /// Only this one.
    pub id: Option<DecisionId>,
    /// Only those older than this one: the last of the page before.
    pub after: Option<DecisionId>,
    /// How many, from 1 to 1,000.
    pub limit: u32,
    /// Only those of this person or service.
    pub owner: Option<Principal>,
    /// Only those about this exchange.
    pub trace: Option<TraceId>,
    /// Only those that said so.
    pub allowed: Option<bool>,
}

impl Lake {
    /// Decisions, newest first: at most the query's limit.
    ///
    /// # Errors
    /// A damaged table, or a disk that cannot be read.
    pub async fn decisions(&self, query: DecisionQuery) -> Result<Vec<Decision>, LakeError> {
        self.reading(move |lake| async move {
            let live = lake.live(Table::Decisions);
            let id = query.id.map(|id| id.to_string());
            let owner = query.owner.map(|owner| owner.to_string());
            let files = live.files().filter(|file| {
                id.as_ref().is_none_or(|id| may_hold(&live, file, "id", id))
                    && owner.as_ref().is_none_or(|owner| may_hold(&live, file, "owner", owner))
            });
            let found = newest(&live, files.collect(), &matching(&query), query.limit).await?;
            found.into_iter().map(|record| read(Table::Decisions, record)).collect()
        })
        .await
    }
}

fn matching(query: &DecisionQuery) -> Predicate {
    let parts = [
        query.id.map(|id| equals("id", &id.to_string())),
        query.after.map(|after| Reference::new("id").less_than(Datum::string(after))),
        query.owner.map(|owner| equals("owner", &owner.to_string())),
        query.trace.map(|trace| equals("trace", &trace.to_string())),
        query.allowed.map(|allowed| Reference::new("allowed").equal_to(Datum::bool(allowed))),
    ];
    parts.into_iter().flatten().fold(Predicate::AlwaysTrue, Predicate::and)
}
