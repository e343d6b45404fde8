//! [`Scope`]: what a key is narrowed to (docs/access.md, "service").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Action, Role, SourceId};

/// What a key is narrowed to, one word each: `user`, `act_for`, `action:read`, `source:src_...`. Scopes of one kind add up;
/// a key without any of a kind is not narrowed in that. Without scopes it has its holder's rights, but not `act_for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// This role, of those that its holder has.
    Role(Role),
    /// Act on behalf of a person (service keys).
    ActFor,
    /// This action, of those that its holder may do.
    Action(Action),
    /// The documents of this source, of those that its holder may see.
    Source(SourceId),
}

impl Scope {
    /// The role this scope lets through, if it stands for one.
    #[must_use]
    pub const fn role(self) -> Option<Role> {
        match self {
            Self::Role(role) => Some(role),
            Self::ActFor | Self::Action(_) | Self::Source(_) => None,
        }
    }
}

const ACTION: &str = "action:";
const SOURCE: &str = "source:";

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(role) => role.fmt(f),
            Self::ActFor => Action::ActFor.fmt(f),
            Self::Action(action) => write!(f, "{ACTION}{action}"),
            Self::Source(source) => write!(f, "{SOURCE}{source}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Action::ActFor.as_str() {
            return Ok(Self::ActFor);
        }
        if let Some(action) = text.strip_prefix(ACTION) {
            let action = action.parse()?;
            let whole = (action != Action::ActFor).then_some(Self::Action(action));
            return whole.ok_or_else(|| "the scope to act for others is `act_for`".to_owned());
        }
        if let Some(source) = text.strip_prefix(SOURCE) {
            return source.parse().map(Self::Source).map_err(|error: crate::IdError| error.to_string());
        }
        text.parse().map(Self::Role).map_err(|_| {
            let roles = Role::ALL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
            format!("'{text}' is not a scope: use one of {roles}, act_for, action:ACTION or source:SOURCE")
        })
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        let source = SourceId::from_uuid(uuid::Uuid::from_u128(7));
        let actions = Action::ALL.iter().filter(|action| **action != Action::ActFor).copied().map(Scope::Action);
        let roles = Role::ALL.iter().copied().map(Scope::Role);
        for scope in actions.chain(roles).chain([Scope::ActFor, Scope::Source(source)]) {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for wrong in ["", "action:", "action:act_for", "action:fly", "source:handbook", "root", "User"] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
    }
}
