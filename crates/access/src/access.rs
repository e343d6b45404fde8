//! [`Access`]: what one caller may do at one epoch. Made here and nowhere else, with private fields, never stored.

use std::collections::BTreeSet;

use domain::{Principal, Provenance, Rule, Source, Token, Verdict};

use crate::caller::Caller;
use crate::change::token_id;
use crate::directory::Directory;

/// What one caller may do at one epoch.
#[derive(Debug, Clone)]
pub struct Access {
    principal: Principal,
    closure: BTreeSet<Token>,
    epoch: u64,
}

impl Access {
    /// The access of a caller at the epoch of the snapshot.
    #[must_use]
    pub fn of(directory: &Directory, caller: &Caller) -> Self {
        Self::of_principal(directory, caller.principal())
    }

    /// For a decision that is made again. It must not leave this crate: it opens what is sealed.
    pub(crate) fn of_principal(directory: &Directory, principal: Principal) -> Self {
        Self { principal, closure: directory.closure(principal), epoch: directory.epoch() }
    }

    /// The epoch at which this was decided.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The person, or the service for itself, whose access this is.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        self.principal
    }

    /// Whether base models may be used, and why: by `everyone`, and by services for themselves (their role is checked by
    /// the route). Guests may not until a list names them.
    #[must_use]
    pub fn use_of_base_models(&self) -> Verdict {
        let who = self.principal.to_string();
        match self.principal {
            _ if self.closure.is_empty() => Verdict::no(Rule::Inactive, vec![who]),
            Principal::Service(_) => Verdict::yes(Rule::ServiceItself, vec![who]),
            Principal::Person(_) if self.closure.contains(&Token::Everyone) => {
                Verdict::yes(Rule::Everyone, vec![who, token_id(&Token::Everyone)])
            }
            Principal::Person(_) => Verdict::no(Rule::Guest, vec![who]),
        }
    }

    /// Whether every source of this may be read now, and why (ACCESS.md, rules 7 and 11).
    fn reading_all(&self, provenance: &Provenance) -> Verdict {
        Verdict::all(provenance.sources().iter().map(|source| self.reading_one(source)))
    }

    /// ACCESS.md, rule 7: the owner clause (where there is an owner) and every source.
    pub(crate) fn reading(&self, owner: Option<Principal>, provenance: &Provenance) -> Verdict {
        let own = owner.map(|owner| self.owning(owner));
        Verdict::all(own.into_iter().chain([self.reading_all(provenance)]))
    }

    /// The owner, while active.
    fn owning(&self, owner: Principal) -> Verdict {
        let who = self.principal.to_string();
        match () {
            () if self.closure.is_empty() => Verdict::no(Rule::Inactive, vec![who]),
            () if self.principal == owner => Verdict::yes(Rule::Owner, vec![who]),
            () => Verdict::no(Rule::NotFound, vec![who]),
        }
    }

    /// Words are their author's. Documents, traces and adapters are decided by their lists, which nobody has given yet:
    /// default deny.
    fn reading_one(&self, source: &Source) -> Verdict {
        let via = vec![self.principal.to_string(), source.to_string()];
        match source {
            Source::Words { author } if self.closure.contains(&Token::from(*author)) => {
                Verdict::yes(Rule::OwnWords, via)
            }
            _ => Verdict::no(Rule::SourceUnreadable, via),
        }
    }
}
