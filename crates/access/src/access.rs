//! [`Access`]: what one caller may do at one epoch. Made here and nowhere else, with private fields, never stored.

use std::collections::BTreeSet;

use domain::{Principal, Provenance, Source, Token};

use crate::caller::Caller;
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
        let principal = caller.principal();
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

    /// Whether base models may be used: by `everyone`, and by services for themselves (their role is checked by the
    /// route). Guests may not until a list names them.
    #[must_use]
    pub fn uses_base_models(&self) -> bool {
        match self.principal {
            Principal::Person(_) => self.closure.contains(&Token::Everyone),
            Principal::Service(_) => !self.closure.is_empty(),
        }
    }

    /// Whether every source of this may be read now (ACCESS.md, rules 7 and 11).
    #[must_use]
    pub fn reads_all(&self, provenance: &Provenance) -> bool {
        provenance.sources().iter().all(|source| self.reads(source))
    }

    /// ACCESS.md, rule 7, the owner clause: the owner, while active.
    pub(crate) fn owns(&self, owner: Principal) -> bool {
        self.principal == owner && self.closure.contains(&Token::from(owner))
    }

    /// Whether this source may be read now. Words are their author's. Documents, traces and adapters are decided by
    /// their lists, which nobody has given yet: default deny.
    pub(crate) fn reads(&self, source: &Source) -> bool {
        match source {
            Source::Words { author } => self.closure.contains(&Token::from(*author)),
            Source::Document { .. } | Source::Trace { .. } | Source::Adapter { .. } => false,
        }
    }
}
