//! Why a caller was turned away. Data, not sentences: the text for people is made by `Display`.

use domain::{ErrorKind, Role};

/// Why a caller was turned away.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// No key was sent.
    #[error("no API key was given: send 'Authorization: Bearer fh_...'")]
    MissingKey,
    /// The key is unknown, revoked, expired or its holder is not active; the door does not say which.
    #[error("this API key is not valid: it may be mistyped, revoked or expired; ask an administrator for a new one")]
    InvalidKey,
    /// The key may not act for others, or not for this one, or there is no such person.
    #[error("this key may not act on behalf of that person: it needs the scope 'act_for' and the person in its groups")]
    ActForDenied,
    /// What was asked would hand out more than this caller has.
    #[error(
        "a key that is narrowed to scopes, or acts for somebody else, cannot make a wider one: use a key of your own \
         without scopes"
    )]
    Narrowed,
    /// The caller lacks the role that the whole route needs.
    #[error("this needs the role '{0}', which this key or its holder lacks")]
    RoleMissing(Role),
    /// There is no such thing, or the caller may not see it.
    #[error("not found")]
    NotFound,
}

impl AccessError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::MissingKey | Self::InvalidKey => ErrorKind::Unauthenticated,
            Self::ActForDenied | Self::Narrowed | Self::RoleMissing(_) => ErrorKind::Forbidden,
            Self::NotFound => ErrorKind::NotFound,
        }
    }

    /// The stable code in the error envelope.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MissingKey => "missing_api_key",
            Self::InvalidKey => "invalid_api_key",
            Self::ActForDenied => "act_for_denied",
            Self::Narrowed => "key_is_narrowed",
            Self::RoleMissing(_) => "role_missing",
            Self::NotFound => "not_found",
        }
    }
}
