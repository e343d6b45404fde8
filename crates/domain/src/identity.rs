//! The words for who: roles, actions and the members of a list (docs/access.md, "Words").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{GroupId, IdError, PersonId, ServiceId};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$word_doc])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All of them, in the order of their definition.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in JSON, on the command line and in the state.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| {
                    let known: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    format!("'{text}' is not known here: use one of {}", known.join(", "))
                })
            }
        }
    };
}

words! {
    /// What a person, group or service may do on this installation (docs/api.md).
    Role {
        /// Ask, search, give feedback, see one's own traces.
        User "user",
        /// Tasks, examples, review, datasets, runs, adapters, promotion.
        Builder "builder",
        /// Upstreams, models, sources, index, settings, jobs, counters.
        Operator "operator",
        /// People, groups, services, keys, policies, explain, audit, erasures.
        Security "security",
    }
}

words! {
    /// What may be done to a thing (docs/access.md, rule 6).
    Action {
        /// Know that it exists, and its title.
        Discover "discover",
        /// Read it.
        Read "read",
        /// Learn from it.
        Train "train",
        /// Give corrections.
        Teach "teach",
        /// Judge audit rows.
        Label "label",
        /// Pass it on.
        Share "share",
        /// Use a model, adapter, task or tool.
        Use "use",
        /// Index it, as a service.
        Process "process",
        /// Administer it.
        Administer "administer",
        /// Ask in a person's place.
        ActFor "act_for",
    }
}

/// Who holds a key and makes requests: a person or a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Principal {
    /// A human.
    Person(PersonId),
    /// An application or agent.
    Service(ServiceId),
}

/// What can stand in a group: people and groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Member {
    /// A human.
    Person(PersonId),
    /// A group, with all it reaches.
    Group(GroupId),
}

/// One entry of an access list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Token {
    /// Active people of this installation, guests and services excluded.
    Everyone,
    /// A human.
    Person(PersonId),
    /// A group, with all it reaches.
    Group(GroupId),
    /// A service, for itself only.
    Service(ServiceId),
}

macro_rules! one_of {
    ($name:ident { $($variant:ident($id:ident),)* }) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$variant(id) => fmt::Display::fmt(id, f),)* }
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut error = None;
                $(match text.parse::<$id>() {
                    Ok(id) => return Ok(Self::$variant(id)),
                    Err(wrong) => error = error.or(Some(wrong)),
                })*
                Err(error.unwrap_or(IdError { text: String::new(), prefix: "" }))
            }
        }
    };
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str(Self::EVERYONE),
            Self::Person(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

impl FromStr for Token {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("'{text}' is no token: write everyone, or an id that begins with per_, grp_ or svc_");
        match text {
            Self::EVERYONE => Ok(Self::Everyone),
            _ if text.starts_with(PersonId::PREFIX) => text.parse().map(Self::Person).map_err(wrong),
            _ if text.starts_with(GroupId::PREFIX) => text.parse().map(Self::Group).map_err(wrong),
            _ => text.parse().map(Self::Service).map_err(wrong),
        }
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl Token {
    /// The token that stands for active people of this installation.
    pub const EVERYONE: &'static str = "everyone";
}

one_of!(Principal { Person(PersonId), Service(ServiceId), });
one_of!(Member { Person(PersonId), Group(GroupId), });

impl From<Principal> for Token {
    fn from(principal: Principal) -> Self {
        match principal {
            Principal::Person(id) => Self::Person(id),
            Principal::Service(id) => Self::Service(id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn words_read_back_and_unknown_ones_say_what_is_known() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert!("root".parse::<Role>().unwrap_err().contains("user, builder, operator, security"));
    }

    #[test]
    fn a_principal_reads_back_by_its_prefix() {
        let service = Principal::Service(ServiceId::from_uuid(Uuid::from_u128(1)));
        assert_eq!(service.to_string().parse(), Ok(service));
        assert!("grp_00000000000000000000000000000001".parse::<Principal>().is_err());
    }
}
