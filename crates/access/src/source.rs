//! Sources of documents, and how long each may go unheard of (docs/access.md, rule 5).

use std::collections::BTreeMap;

use domain::{AccessList, Principal, SourceId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where documents come from, as far as decisions depend on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStanding {
    /// Whose it is.
    pub owner: Principal,
    /// The list of documents that came without one; none means its owner alone.
    #[serde(default)]
    pub default_list: Option<AccessList>,
    /// Whether the master list lives elsewhere, so that what is known of it ages. Push, folder and imported exports do
    /// not.
    pub live: bool,
    /// When its lists were last reconciled.
    #[serde(default)]
    pub reconciled_at: Option<Timestamp>,
}

impl SourceStanding {
    /// The list of documents that came without one.
    #[must_use]
    pub fn list(&self) -> AccessList {
        let owner_alone = || AccessList::allowing([domain::Token::from(self.owner)]);
        self.default_list.clone().unwrap_or_else(owner_alone)
    }
}

/// How long a live source may go without a successful reconcile, seconds, by the sensitivity of what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgeLimits {
    /// For what has no sensitivity, or one that is not listed.
    pub default_seconds: i64,
    /// For these.
    #[serde(default)]
    pub by_sensitivity: BTreeMap<String, i64>,
}

impl Default for AgeLimits {
    /// A day.
    fn default() -> Self {
        Self { default_seconds: 86_400, by_sensitivity: BTreeMap::new() }
    }
}

impl AgeLimits {
    fn seconds(&self, sensitivity: Option<&str>) -> i64 {
        let listed = sensitivity.and_then(|sensitivity| self.by_sensitivity.get(sensitivity));
        listed.copied().unwrap_or(self.default_seconds)
    }
}

/// All sources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) by_id: BTreeMap<SourceId, SourceStanding>,
    pub(crate) limits: AgeLimits,
}

impl Sources {
    /// From when on what is known of a source is too old; none where it does not age. A source that nobody knows, or that
    /// was never reconciled, is too old already.
    pub(crate) fn fresh_until(&self, source: SourceId, sensitivity: Option<&str>) -> Option<Timestamp> {
        let never = Timestamp::from_micros(i64::MIN);
        match self.by_id.get(&source) {
            Some(standing) if !standing.live => None,
            Some(SourceStanding { reconciled_at: Some(at), .. }) => {
                Some(at.plus_seconds(self.limits.seconds(sensitivity)))
            }
            _ => Some(never),
        }
    }
}

/// Whether it is fresh at a moment.
pub(crate) fn is_fresh(fresh_until: Option<Timestamp>, at: Timestamp) -> bool {
    fresh_until.is_none_or(|until| at < until)
}
