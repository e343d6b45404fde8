//! Who did something, in the two columns `actor` and `via` of every log. Both are empty where the installation did it
//! itself.

use access::Actor;
use domain::{Principal, ServiceId};

use crate::database::{Row, json};
use crate::error::StoreError;

/// The values of the two columns.
pub(crate) fn columns(actor: Option<&Actor>) -> Result<(Option<Principal>, Option<String>), StoreError> {
    let via = actor.map(|actor| json(&actor.via)).transpose()?;
    Ok((actor.map(|actor| actor.principal), via))
}

/// Reads the two columns.
pub(crate) fn actor_of(row: &Row) -> Result<Option<Actor>, StoreError> {
    match (row.maybe_parsed("actor")?, row.maybe_json::<Vec<ServiceId>>("via")?) {
        (Some(principal), Some(via)) => Ok(Some(Actor { principal, via })),
        (None, None) => Ok(None),
        _ => Err(row.damaged("via", &"it stands without an actor, or the actor without it")),
    }
}
