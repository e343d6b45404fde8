//! [`Actor`]: who did something, as the epoch log, the acts and the notices keep it.

use domain::{Principal, ServiceId};
use serde::{Deserialize, Serialize};

/// Who did something: for whom it counts, and through whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The person, or the service for itself.
    pub principal: Principal,
    /// The services in between, outermost first; empty where nobody acted on behalf of the principal.
    pub via: Vec<ServiceId>,
}

impl From<Principal> for Actor {
    /// Somebody in person, or a service for itself.
    fn from(principal: Principal) -> Self {
        Self { principal, via: Vec::new() }
    }
}
