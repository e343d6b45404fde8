//! [`Bounds`]: what the scopes of a key leave of its holder's rights over things (docs/access.md, "service"). They only take
//! away; roles are narrowed where the caller is made.

use std::collections::BTreeSet;

use domain::{Action, Scope, SourceId};

use crate::directory::Key;

/// The actions and the sources that a key is narrowed to; none of a kind: not narrowed in that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Bounds {
    actions: BTreeSet<Action>,
    sources: BTreeSet<SourceId>,
}

impl Bounds {
    pub(crate) fn of(key: Option<&Key>) -> Self {
        let mut bounds = Self::default();
        for scope in key.into_iter().flat_map(|key| &key.scopes) {
            match scope {
                Scope::Action(action) => drop(bounds.actions.insert(*action)),
                Scope::Source(source) => drop(bounds.sources.insert(*source)),
                Scope::Role(_) | Scope::ActFor => {}
            }
        }
        bounds
    }

    /// Whether nothing is narrowed.
    pub(crate) fn are_none(&self) -> bool {
        self.actions.is_empty() && self.sources.is_empty()
    }

    /// Whether every source is reached.
    pub(crate) fn reach_all(&self) -> bool {
        self.sources.is_empty()
    }

    pub(crate) fn hold(&self, action: Action) -> bool {
        self.actions.is_empty() || self.actions.contains(&action)
    }

    pub(crate) fn reach(&self, source: SourceId) -> bool {
        self.sources.is_empty() || self.sources.contains(&source)
    }
}
