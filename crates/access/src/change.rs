//! Permission-relevant changes: each takes the next epoch, is appended to the epoch log and applied to the
//! directory in memory. There is no other way in which the directory changes.

use domain::{GroupId, KeyId, Member, Role, Timestamp, Token};

use crate::directory::{Group, Key, Person, Service, Session};
use crate::secret::SecretHash;

/// One permission-relevant change.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A person appears, or their attributes or state are replaced.
    PutPerson(Person),
    /// A group appears or is renamed.
    PutGroup(Group),
    /// A group goes, with its memberships and grants.
    RemoveGroup(GroupId),
    /// A service appears or is changed.
    PutService(Service),
    /// A person or group joins a group.
    AddMember(GroupId, Member),
    /// A person or group leaves a group.
    RemoveMember(GroupId, Member),
    /// A role is granted to a person, group or service.
    GrantRole(Token, Role),
    /// A role is taken back.
    RevokeRole(Token, Role),
    /// A key is made.
    AddKey(Key),
    /// A key is taken back, in force on the next request.
    RevokeKey(KeyId, Timestamp),
    /// A person signed in.
    AddSession(Session),
    /// A session ends.
    EndSession(SecretHash),
}

impl Change {
    /// The kind in the epoch log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::PutPerson(_) => "put_person",
            Self::PutGroup(_) => "put_group",
            Self::RemoveGroup(_) => "remove_group",
            Self::PutService(_) => "put_service",
            Self::AddMember(..) => "add_member",
            Self::RemoveMember(..) => "remove_member",
            Self::GrantRole(..) => "grant_role",
            Self::RevokeRole(..) => "revoke_role",
            Self::AddKey(_) => "add_key",
            Self::RevokeKey(..) => "revoke_key",
            Self::AddSession(_) => "add_session",
            Self::EndSession(_) => "end_session",
        }
    }

    /// The opaque ids that the epoch log keeps of this change: no names, no secrets.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        match self {
            Self::PutPerson(person) => vec![person.id.to_string()],
            Self::PutGroup(group) => vec![group.id.to_string()],
            Self::RemoveGroup(group) => vec![group.to_string()],
            Self::PutService(service) => vec![service.id.to_string()],
            Self::AddMember(group, member) | Self::RemoveMember(group, member) => {
                vec![group.to_string(), member.to_string()]
            }
            Self::GrantRole(token, role) | Self::RevokeRole(token, role) => {
                vec![token_id(token), role.to_string()]
            }
            Self::AddKey(key) => vec![key.id.to_string(), key.holder.to_string()],
            Self::RevokeKey(key, _) => vec![key.to_string()],
            Self::AddSession(session) => vec![session.person.to_string()],
            Self::EndSession(_) => Vec::new(),
        }
    }
}

/// As the epoch log and the reasons of decisions name a token.
pub(crate) fn token_id(token: &Token) -> String {
    token.to_string()
}
