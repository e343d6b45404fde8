//! What can go wrong with a verb. `server` maps the kind to a status and the text to the envelope.

use access::AccessError;
use domain::ErrorKind;
use knowledge::KnowledgeError;
use models::ModelsError;
use store::StoreError;
use weights::WeightsError;
use wire::InvalidParameter;

/// What can go wrong with a verb.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The caller was turned away.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No model answered.
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// A model's file could not be had, kept or removed.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A document, a source or the index could not be read.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// A field or parameter is wrong: which, and what to do.
    #[error("{message}")]
    Invalid {
        /// The JSON path or query parameter.
        param: Option<String>,
        /// What is wrong and what to do.
        message: String,
        /// The stable code.
        code: &'static str,
    },
    /// It exists already, or its state does not allow this.
    #[error("{message}")]
    Conflict {
        /// What stands in the way and what to do.
        message: String,
        /// The stable code.
        code: &'static str,
    },
    /// The caller may not do this, whatever their roles.
    #[error("{message}")]
    Forbidden {
        /// Why, and what to do.
        message: String,
        /// The stable code.
        code: &'static str,
    },
    /// Something outside that is needed does not answer.
    #[error("{message}")]
    Unavailable {
        /// What, and what to do.
        message: String,
        /// The stable code.
        code: &'static str,
    },
    /// The right to an answer was taken away while it was made.
    #[error("your access changed while this was answered, so it stops here: ask again with what you may use now")]
    AccessChanged,
    /// The door is closing.
    #[error("the server is stopping: try again in a moment")]
    ShuttingDown,
    /// A limit or budget of the key is reached.
    #[error("{message}")]
    Limited {
        /// Which limit, and when it opens again.
        message: String,
        /// `rate_limit_exceeded` or `budget_exceeded`.
        code: &'static str,
        /// Seconds until it is worth trying again.
        retry_after_seconds: u64,
    },
}

impl From<InvalidParameter> for AppError {
    fn from(wrong: InvalidParameter) -> Self {
        Self::Invalid { param: wrong.param, message: wrong.message, code: wrong.code }
    }
}

impl AppError {
    /// A wrong field or parameter.
    pub fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { param: Some(param.into()), message: message.into(), code: "invalid_value" }
    }

    /// It exists already.
    pub fn exists(message: impl Into<String>) -> Self {
        Self::Conflict { message: message.into(), code: "already_exists" }
    }

    /// There is no such thing, or the caller may not see it: one and the same.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::Access(AccessError::NotFound)
    }

    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Access(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Models(error) => error.kind(),
            Self::Weights(error) => error.kind(),
            Self::Knowledge(error) => error.kind(),
            Self::Invalid { .. } => ErrorKind::Invalid,
            Self::Conflict { .. } => ErrorKind::Conflict,
            Self::Forbidden { .. } => ErrorKind::Forbidden,
            Self::ShuttingDown | Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::AccessChanged => ErrorKind::Forbidden,
            Self::Limited { .. } => ErrorKind::RateLimited,
        }
    }

    /// The stable code in the error envelope.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Access(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Models(error) => error.code(),
            Self::Weights(error) => error.code(),
            Self::Knowledge(error) => error.code(),
            Self::AccessChanged => "access_changed",
            Self::ShuttingDown => "shutting_down",
            Self::Invalid { code, .. }
            | Self::Conflict { code, .. }
            | Self::Forbidden { code, .. }
            | Self::Unavailable { code, .. }
            | Self::Limited { code, .. } => code,
        }
    }

    /// The parameter at fault, as a JSON path.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Invalid { param, .. } => param.as_deref(),
            Self::Models(error) => error.param(),
            _ => None,
        }
    }

    /// Seconds until it is worth trying again, where that is known.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Limited { retry_after_seconds, .. } => Some(*retry_after_seconds),
            Self::Models(error) => error.retry_after_seconds(),
            Self::ShuttingDown => Some(1),
            _ => None,
        }
    }
}
