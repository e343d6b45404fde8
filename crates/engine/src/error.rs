//! What can go wrong in the engine, and how it is told over HTTP.

use std::path::PathBuf;

use domain::ErrorKind;
use wire::{ErrorBody, InvalidParameter};

/// Everything the engine refuses or fails at.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EngineError {
    /// A parameter is wrong.
    #[error("{}", .0.message)]
    Invalid(InvalidParameter),
    /// Prompt and answer do not fit the context.
    #[error(
        "the prompt has {prompt} tokens and does not fit, with an answer, into a context of {limit}: shorten it, or use \
         a model with a longer context"
    )]
    ContextExceeded {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens of the context, for prompt and answer together.
        limit: usize,
    },
    /// Too many requests wait already.
    #[error("{waiting} requests wait already; try again in {retry_after_seconds} s")]
    QueueFull {
        /// How many wait.
        waiting: usize,
        /// When to come back.
        retry_after_seconds: u64,
    },
    /// No adapter of this name is loaded.
    #[error("no adapter named `{0}` is loaded; load it first")]
    UnknownAdapter(String),
    /// The adapter is in use, or its name is taken.
    #[error("{0}")]
    AdapterConflict(String),
    /// The adapter's file cannot be used.
    #[error("the adapter {} cannot be used: {reason}; check that it was made for this model", path.display())]
    Adapter {
        /// The file.
        path: PathBuf,
        /// llama.cpp's reason.
        reason: String,
    },
    /// The model's file cannot be used.
    #[error("the model {} cannot be used: {reason}; fetch the file again or choose another model", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// llama.cpp's reason.
        reason: String,
    },
    /// The model is being loaded, or the engine is stopping.
    #[error("{0}")]
    Unavailable(String),
    /// The socket, or another part of the system.
    #[error("{what}: {reason}")]
    System {
        /// What was tried.
        what: String,
        /// What the system said.
        reason: String,
    },
    /// A computation failed.
    #[error("the computation failed ({0}); ask again")]
    Computation(String),
}

impl EngineError {
    /// What kind of failure this is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::ContextExceeded { .. } | Self::Adapter { .. } => ErrorKind::Invalid,
            Self::QueueFull { .. } => ErrorKind::RateLimited,
            Self::UnknownAdapter(_) => ErrorKind::NotFound,
            Self::AdapterConflict(_) => ErrorKind::Conflict,
            Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Model { .. } | Self::System { .. } | Self::Computation(_) => ErrorKind::Internal,
        }
    }

    /// The case, for programs.
    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(invalid) => invalid.code,
            Self::ContextExceeded { .. } => "context_length_exceeded",
            Self::QueueFull { .. } => "queue_full",
            Self::UnknownAdapter(_) => "adapter_not_found",
            Self::AdapterConflict(_) => "adapter_conflict",
            Self::Adapter { .. } => "invalid_adapter",
            Self::Model { .. } => "invalid_model",
            Self::Unavailable(_) => "engine_not_ready",
            Self::System { .. } | Self::Computation(_) => "engine_error",
        }
    }

    /// The envelope that tells it.
    pub(crate) fn body(&self) -> ErrorBody {
        match self {
            Self::Invalid(invalid) => invalid.clone().into(),
            Self::ContextExceeded { .. } => {
                ErrorBody::new(self.kind(), self.code(), self.to_string()).with_param("messages")
            }
            _ => ErrorBody::new(self.kind(), self.code(), self.to_string()),
        }
    }

    pub(crate) fn system(what: impl Into<String>, reason: impl std::fmt::Display) -> Self {
        Self::System { what: what.into(), reason: reason.to_string() }
    }

    /// A parameter this model or engine cannot honour.
    pub(crate) fn unsupported(param: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        Self::Invalid(InvalidParameter::unsupported(param, message))
    }

    /// A value that is wrong.
    pub(crate) fn value(param: impl std::fmt::Display, message: impl std::fmt::Display) -> Self {
        Self::Invalid(InvalidParameter::value(param, message))
    }
}
