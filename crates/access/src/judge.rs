//! One caller, at one moment, by one directory and one set of policies: the rules of docs/access.md in the order in which
//! they are told. What they are about (a list, a version) comes from outside: from a snapshot, or from a record.

use std::collections::BTreeSet;
use std::sync::Arc;

use domain::{
    Action, BreakGlass, DocumentFacts, DocumentId, DocumentState, ListToken, Principal, Provenance, Rule, Source,
    SourceId, Timestamp, Token, Verdict,
};

use crate::bounds::Bounds;
use crate::break_glass::{names, opening};
use crate::classes::Projection;
use crate::directory::Directory;
use crate::list::Standing;
use crate::policy::{Asker, Circumstances, Opinion, Policies};
use crate::source::is_fresh;

/// Who asks, with everything that their lists and policies may know of them.
#[derive(Debug, Clone)]
pub(crate) struct Judge {
    pub(crate) principal: Principal,
    pub(crate) closure: BTreeSet<Token>,
    /// Every way in which a list may name what the closure reaches.
    pub(crate) names: Arc<BTreeSet<ListToken>>,
    pub(crate) asker: Asker,
    pub(crate) circumstances: Circumstances,
    /// What the key leaves of all this.
    pub(crate) bounds: Bounds,
    pub(crate) at: Timestamp,
}

/// What is known of people, groups and policies at the epoch of a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grounding<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) policies: &'a Policies,
}

/// One list that holds for a document, with what stands beside it.
pub(crate) struct Holding<'a> {
    pub(crate) source: SourceId,
    pub(crate) standing: Standing,
    pub(crate) projection: &'a Projection,
    pub(crate) fresh_until: Option<Timestamp>,
    /// What stands in for the list where that says no.
    pub(crate) glass: Option<&'a BreakGlass>,
}

impl Judge {
    pub(crate) fn of(grounding: Grounding<'_>, principal: Principal, purpose: Option<&str>, at: Timestamp) -> Self {
        let Grounding { directory, policies } = grounding;
        let closure = directory.closure(principal);
        Self {
            principal,
            names: Arc::new(directory.named_in_lists(&closure)),
            asker: policies.asker(directory, principal, &closure),
            circumstances: policies.circumstances(purpose, at),
            closure,
            bounds: Bounds::default(),
            at,
        }
    }

    /// The same through a key that is narrowed.
    pub(crate) fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    fn who(&self) -> String {
        self.principal.to_string()
    }

    /// Base models are for `everyone`, and for services for themselves (their role is checked by the route). Guests may
    /// not use them until a list names them.
    pub(crate) fn use_of_base_models(&self) -> Verdict {
        match self.principal {
            _ if self.closure.is_empty() => Verdict::no(Rule::Inactive, vec![self.who()]),
            _ if !self.bounds.hold(Action::Use) => self.narrowed(Action::Use),
            Principal::Service(_) => Verdict::yes(Rule::ServiceItself, vec![self.who()]),
            Principal::Person(_) if self.closure.contains(&Token::Everyone) => {
                Verdict::yes(Rule::Everyone, vec![self.who(), Token::Everyone.to_string()])
            }
            Principal::Person(_) => Verdict::no(Rule::Guest, vec![self.who()]),
        }
    }

    /// docs/access.md, rule 7: the owner clause (where there is an owner) and every source. `document` decides about a version
    /// of a document.
    pub(crate) fn reading(
        &self,
        owner: Option<Principal>,
        provenance: &Provenance,
        document: impl Fn(DocumentId, u32) -> Verdict,
    ) -> Verdict {
        if !self.bounds.hold(Action::Read) {
            return self.narrowed(Action::Read);
        }
        let own = owner.map(|owner| self.owning(owner));
        let sources = provenance.sources().iter().map(|source| self.source(source, &document));
        Verdict::all(own.into_iter().chain(sources))
    }

    /// The key is not for this.
    fn narrowed(&self, action: Action) -> Verdict {
        Verdict::no(Rule::Narrowed, vec![self.who(), action.to_string()])
    }

    /// The owner, while active.
    fn owning(&self, owner: Principal) -> Verdict {
        match () {
            () if self.closure.is_empty() => Verdict::no(Rule::Inactive, vec![self.who()]),
            () if self.principal == owner => Verdict::yes(Rule::Owner, vec![self.who()]),
            () => Verdict::no(Rule::NotFound, vec![self.who()]),
        }
    }

    /// Words are their author's; documents go by their lists; traces and adapters have none yet: default deny.
    fn source(&self, source: &Source, document: impl Fn(DocumentId, u32) -> Verdict) -> Verdict {
        let via = || vec![self.who(), source.to_string()];
        match source {
            Source::Words { author } if self.closure.contains(&Token::from(*author)) => {
                Verdict::yes(Rule::OwnWords, via())
            }
            Source::Document { document: id, version } => document(*id, *version),
            _ => Verdict::no(Rule::SourceUnreadable, via()),
        }
    }

    /// A version of a document, from a record of what the decision depends on.
    pub(crate) fn facts(&self, grounding: Grounding<'_>, action: Action, facts: &DocumentFacts) -> Verdict {
        let what = Source::Document { document: facts.document, version: facts.version };
        let glass = opening(&facts.break_glass, self.principal, action, self.at);
        let held = facts.lists.iter().map(|held| {
            let projection =
                Projection::of(grounding.policies, Some(facts.source), held.sensitivity.as_deref(), &held.attributes);
            let standing = Standing::of(grounding.directory, &held.list, &self.names);
            let (source, fresh_until) = (facts.source, held.fresh_until);
            let holding = Holding { source, standing, projection: &projection, fresh_until, glass };
            self.holding(grounding, action, &what, &holding)
        });
        self.document(&what, facts.state, held)
    }

    /// A version of a document: there, not closed, and every list that holds for it says yes.
    pub(crate) fn document(&self, what: &Source, state: DocumentState, held: impl Iterator<Item = Verdict>) -> Verdict {
        let no = |rule| Verdict::no(rule, vec![self.who(), what.to_string()]);
        let mut held = held.peekable();
        match state {
            _ if self.closure.is_empty() || held.peek().is_none() => self.missing(what),
            DocumentState::Erased => no(Rule::Erased),
            DocumentState::Closed => no(Rule::Closed),
            DocumentState::Live | DocumentState::Kept => Verdict::all(held),
        }
    }

    /// There is no such version.
    pub(crate) fn missing(&self, what: &Source) -> Verdict {
        match self.closure.is_empty() {
            true => Verdict::no(Rule::Inactive, vec![self.who()]),
            false => Verdict::no(Rule::NotFound, vec![self.who(), what.to_string()]),
        }
    }

    /// docs/access.md, rules 2 to 5, for one list. A break-glass stands in for the list (rule 3) and for nothing else.
    pub(crate) fn holding(
        &self,
        grounding: Grounding<'_>,
        action: Action,
        what: &Source,
        holding: &Holding<'_>,
    ) -> Verdict {
        let Holding { source, standing, projection, fresh_until, glass } = holding;
        if !self.bounds.hold(action) || !self.bounds.reach(*source) {
            return Verdict::no(Rule::Narrowed, self.via(Vec::new(), what));
        }
        let unlisted = self.unlisted(grounding, what, standing);
        if let (Some(no), None) = (&unlisted, glass) {
            return no.clone();
        }
        let via = |middle| self.via(middle, what);
        let opinions = grounding.policies.opinions(&self.asker, action, &self.circumstances, &[projection]);
        match (opinions.into_iter().next(), glass.filter(|_| unlisted.is_some())) {
            (Some(Opinion::Forbidden(policies)), _) => Verdict::no(Rule::PolicyForbids, via(policies)),
            (Some(Opinion::Allowed), _) if !is_fresh(*fresh_until, self.at) => {
                Verdict::no(Rule::Stale, via(Vec::new()))
            }
            (Some(Opinion::Allowed), Some(glass)) => Verdict::yes(Rule::BreakGlass, via(names(glass))),
            (Some(Opinion::Allowed), None) => {
                Verdict::yes(Rule::ListAllows, self.way(grounding, what, &standing.allowed))
            }
            (Some(Opinion::Failed(faults)), _) => {
                Verdict::no(Rule::PolicyError, via(faults.into_iter().map(|fault| fault.policy).collect()))
            }
            (None, _) => Verdict::no(Rule::PolicyError, via(Vec::new())),
        }
    }

    /// docs/access.md, rules 2 and 3: the no of a list; none where it says yes.
    fn unlisted(&self, grounding: Grounding<'_>, what: &Source, standing: &Standing) -> Option<Verdict> {
        let no = |rule| Some(Verdict::no(rule, self.via(Vec::new(), what)));
        match standing {
            Standing { unknown: true, .. } => no(Rule::ListUnknown),
            Standing { denied, .. } if !denied.is_empty() => {
                Some(Verdict::no(Rule::ListDenies, self.way(grounding, what, denied)))
            }
            Standing { empty: true, .. } => no(Rule::NobodyAllowed),
            Standing { allowed, .. } if allowed.is_empty() => no(Rule::NotOnList),
            Standing { .. } => None,
        }
    }

    /// From who asks to what is asked for.
    fn via(&self, middle: Vec<String>, what: &Source) -> Vec<String> {
        std::iter::once(self.who()).chain(middle).chain([what.to_string()]).collect()
    }

    /// The same by the shortest way to one of these names.
    fn way(&self, grounding: Grounding<'_>, what: &Source, names: &[ListToken]) -> Vec<String> {
        let whole = grounding.directory.way(self.principal, names);
        self.via(whole.into_iter().skip(1).collect(), what)
    }
}
