//! [`Access`]: what one caller may do at one epoch. Made here and nowhere else, with private fields, never stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    Action, BreakGlass, DocumentId, ListToken, Principal, Provenance, Rule, ServiceId, Source, Timestamp, Verdict,
};

use crate::break_glass::opening;
use crate::caller::Caller;
use crate::classes::Projection;
use crate::documents::Held;
use crate::judge::{Holding, Judge};
use crate::snapshot::Snapshot;

/// What one caller may do at one epoch, for one purpose, at one moment.
#[derive(Debug, Clone)]
pub struct Access {
    snapshot: Snapshot,
    judge: Judge,
    via: Vec<ServiceId>,
    purpose: Option<String>,
    /// The numbers under which lists may name this caller.
    reach: Vec<u32>,
}

impl Access {
    /// The access of a caller at the epoch of the snapshot. On behalf of a person it is the person's: lists that name
    /// the services in between do not count; what the scopes of the key leave of it does.
    #[must_use]
    pub fn of(snapshot: &Snapshot, caller: &Caller, purpose: Option<&str>, at: Timestamp) -> Self {
        let Self { snapshot, judge, purpose, reach, .. } = Self::in_person(snapshot, caller.principal(), purpose, at);
        Self { snapshot, judge: judge.within(caller.bounds()), via: caller.via().to_vec(), purpose, reach }
    }

    /// The access that a person, or a service for itself, would have if they asked. It must not leave this crate: nobody
    /// was authenticated.
    pub(crate) fn in_person(snapshot: &Snapshot, principal: Principal, purpose: Option<&str>, at: Timestamp) -> Self {
        let judge = Judge::of(snapshot.grounding(), principal, purpose, at);
        let reach = snapshot.state().classes.numbers(&*judge.names);
        Self { snapshot: snapshot.clone(), judge, via: Vec::new(), purpose: purpose.map(str::to_owned), reach }
    }

    /// The epoch at which this was decided.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.snapshot.epoch()
    }

    /// SHA-256 of the policies by which this was decided, hex; none where none were uploaded.
    #[must_use]
    pub fn policy_hash(&self) -> Option<&str> {
        self.snapshot.policies().hash()
    }

    /// The person, or the service for itself, whose access this is.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        self.judge.principal
    }

    /// Whether base models may be used, and why: by `everyone`, and by services for themselves (their role is checked by
    /// the route). Guests may not until a list names them.
    #[must_use]
    pub fn use_of_base_models(&self) -> Verdict {
        self.judge.use_of_base_models()
    }

    /// Whether this may be done with a version of a document, and why (docs/access.md, rules 1 to 8).
    #[must_use]
    pub fn may(&self, action: Action, document: DocumentId, version: u32) -> Verdict {
        let what = Source::Document { document, version };
        let state = self.snapshot.state();
        let Some(record) = state.documents.get(document) else { return self.judge.missing(&what) };
        let glass = opening(state.break_glass.over(document), self.principal(), action, self.at());
        let held = record.holding(version).map(|held| self.holding(action, &what, held, glass));
        self.judge.document(&what, record.state, held)
    }

    /// Whether every source of this may be read now, and why (docs/access.md, rules 7 and 11).
    #[must_use]
    pub fn reading_all(&self, provenance: &Provenance) -> Verdict {
        self.reading(None, provenance)
    }

    /// docs/access.md, rule 7: the owner clause (where there is an owner) and every source.
    pub(crate) fn reading(&self, owner: Option<Principal>, provenance: &Provenance) -> Verdict {
        self.judge.reading(owner, provenance, |document, version| self.may(Action::Read, document, version))
    }

    fn holding(&self, action: Action, what: &Source, held: &Held, glass: Option<&BreakGlass>) -> Verdict {
        let state = self.snapshot.state();
        // INVARIANT: what a document holds is of this generation. If it were not: default deny.
        let Some((class, place)) = state.classes.get(held.class).and_then(|it| Some((it, state.classes.place(it)?)))
        else {
            return Verdict::no(Rule::SourceUnreadable, vec![self.principal().to_string(), what.to_string()]);
        };
        let none = Projection::default();
        let projection = state.classes.projections().get(class.projection as usize);
        let holding = Holding {
            source: place.source,
            standing: state.classes.standing(held.class, class, &self.reach),
            projection: projection.map_or(&none, |(projection, _)| projection),
            fresh_until: state.sources.fresh_until(place.source, place.sensitivity.as_deref()),
            glass,
        };
        self.judge.holding(self.snapshot.grounding(), action, what, &holding)
    }

    pub(crate) const fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    pub(crate) const fn judge(&self) -> &Judge {
        &self.judge
    }

    pub(crate) const fn names(&self) -> &Arc<BTreeSet<ListToken>> {
        &self.judge.names
    }

    pub(crate) fn reach(&self) -> &[u32] {
        &self.reach
    }

    pub(crate) fn via(&self) -> &[ServiceId] {
        &self.via
    }

    pub(crate) fn purpose(&self) -> Option<&str> {
        self.purpose.as_deref()
    }

    pub(crate) const fn at(&self) -> Timestamp {
        self.judge.at
    }
}
