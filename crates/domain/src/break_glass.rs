//! Break-glass (docs/access.md, rule 6): for a while one person may read some documents whose lists do not name them, because
//! one person asked for it and another agreed.

use serde::{Deserialize, Serialize};

use crate::{Action, BreakGlassId, PersonId, Principal, Timestamp};

/// One break-glass that was approved, as far as decisions depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakGlass {
    /// Which.
    pub id: BreakGlassId,
    /// Who may read.
    pub person: PersonId,
    /// Who asked for it.
    pub requested_by: PersonId,
    /// Who agreed: neither of the other two.
    pub approved_by: PersonId,
    /// From when on it opens nothing, by the clock of the decision.
    pub expires_at: Timestamp,
}

impl BreakGlass {
    /// Whether it stands in for a list here: for its person, to discover and to read, until it expires.
    #[must_use]
    pub fn opens(&self, principal: Principal, action: Action, at: Timestamp) -> bool {
        principal == Principal::Person(self.person)
            && matches!(action, Action::Discover | Action::Read)
            && at < self.expires_at
    }
}
