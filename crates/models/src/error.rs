//! What can go wrong between the door and a model, as data: which upstream, what happened, when to try again.
//!
//! Messages go to clients: they name the upstream, never its address, its key or what was said.

use domain::ErrorKind;

/// What can go wrong between the door and a model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelsError {
    /// No model has this name.
    #[error("the model '{name}' does not exist here: ask GET /v1/models for the names")]
    UnknownModel {
        /// The name that was asked for.
        name: String,
    },
    /// The model does another job.
    #[error("'{model}' is a model for {is}, not for {wanted}: choose another one from GET /v1/models")]
    WrongKind {
        /// The model.
        model: String,
        /// What it does: `chat` or `embedding`.
        is: &'static str,
        /// What was asked of it.
        wanted: &'static str,
    },
    /// No upstream has this name.
    #[error("there is no upstream '{name}': list them with GET /api/v1/upstreams")]
    UnknownUpstream {
        /// The name that was asked for.
        name: String,
    },
    /// The configuration of an upstream, an alias or a fallback list cannot work.
    #[error("{subject}: {field}: {message}")]
    Configuration {
        /// `upstream 'NAME'`, `aliases` or `fallbacks`.
        subject: String,
        /// The field that is wrong.
        field: String,
        /// What is wrong and what to do.
        message: String,
    },
    /// Words would leave this installation, and nobody allowed it.
    #[error("the upstream '{upstream}' is not called: {why}")]
    EgressRefused {
        /// The upstream that was not called.
        upstream: String,
        /// Which rule, and who can change it.
        why: &'static str,
    },
    /// The upstream says that the request is wrong.
    #[error("{message}")]
    Rejected {
        /// The upstream's words, shortened, or ours where a parameter cannot be honoured there.
        message: String,
        /// The parameter that is wrong, where it is known.
        param: Option<String>,
        /// One of a closed set of codes.
        code: &'static str,
    },
    /// As many requests as may wait for this upstream are waiting.
    #[error("'{upstream}' is busy: {waiting} requests wait for it already; try again in {retry_after_seconds} s")]
    QueueFull {
        /// The upstream.
        upstream: String,
        /// How many wait.
        waiting: usize,
        /// Seconds until it is worth trying again.
        retry_after_seconds: u64,
    },
    /// The upstream limits us.
    #[error("'{upstream}' takes no more requests now; try again in {retry_after_seconds} s")]
    RateLimited {
        /// The upstream.
        upstream: String,
        /// Seconds until it is worth trying again.
        retry_after_seconds: u64,
    },
    /// Something took longer than it may.
    #[error("'{upstream}' took longer than {limit_ms} ms to {}; ask for less, or have its time-out raised", phase.as_str())]
    Timeout {
        /// The upstream.
        upstream: String,
        /// What took too long.
        phase: Phase,
        /// The limit, milliseconds.
        limit_ms: u64,
    },
    /// The upstream cannot answer now.
    #[error("'{upstream}' cannot answer: {}", reason.as_str())]
    Unavailable {
        /// The upstream.
        upstream: String,
        /// Why.
        reason: Unavailability,
        /// Seconds until it is worth trying again, where that is known.
        retry_after_seconds: Option<u64>,
    },
    /// The upstream answered with something that is not an answer.
    #[error("'{upstream}' sent an answer that cannot be read ({detail}); its operator should look at its log")]
    InvalidReply {
        /// The upstream.
        upstream: String,
        /// What is wrong with it, without its content.
        detail: String,
    },
    /// The answer broke off.
    #[error("'{upstream}' broke off in the middle of its answer; ask again")]
    Interrupted {
        /// The upstream.
        upstream: String,
        /// Whether it is the embedded engine, which the supervisor starts again.
        embedded: bool,
    },
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Waiting for a place at the upstream.
    Queue,
    /// Opening the connection.
    Connect,
    /// From the request to the first byte of the stream.
    FirstByte,
    /// Between two pieces of a stream.
    Idle,
    /// The whole answer.
    Answer,
}

impl Phase {
    /// What it is, after "to".
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "free a place",
            Self::Connect => "accept a connection",
            Self::FirstByte => "begin its answer",
            Self::Idle => "go on with its answer",
            Self::Answer => "finish its answer",
        }
    }
}

/// Why an upstream cannot answer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unavailability {
    /// The embedded engine is loading its model.
    Loading,
    /// The supervisor reports that it is down.
    Down,
    /// It failed often; it is left alone for a while.
    BreakerOpen,
    /// No connection.
    Unreachable,
    /// It reports a fault of its own (5xx).
    Failed,
    /// It refuses our key, or it is not the server we take it for: the operator's to mend.
    Misconfigured,
    /// It does not know the model under the name that the configuration gives.
    ModelMissing,
}

impl Unavailability {
    /// Why, and what to do.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "its model is being loaded; try again shortly",
            Self::Down => "it is down and is being started again; try again shortly",
            Self::BreakerOpen => "it failed several times in a row and is left alone for a while",
            Self::Unreachable => "no connection; its operator should check that it runs and its address",
            Self::Failed => "it reports a fault of its own; its operator should look at its log",
            Self::Misconfigured => "it refuses our requests; the operator should check its address and API key here",
            Self::ModelMissing => "it does not know this model; the operator should check `upstream_name` here",
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Loading => "model_loading",
            Self::Down => "engine_restarting",
            Self::BreakerOpen => "upstream_unavailable",
            Self::Unreachable => "upstream_unreachable",
            Self::Failed => "upstream_failed",
            Self::Misconfigured => "upstream_misconfigured",
            Self::ModelMissing => "upstream_model_missing",
        }
    }
}

impl ModelsError {
    /// The kind of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownModel { .. } | Self::UnknownUpstream { .. } => ErrorKind::NotFound,
            Self::Rejected { code: "request_too_large", .. } => ErrorKind::TooLarge,
            Self::WrongKind { .. } | Self::Configuration { .. } | Self::Rejected { .. } => ErrorKind::Invalid,
            Self::EgressRefused { .. } => ErrorKind::Forbidden,
            Self::QueueFull { .. } | Self::RateLimited { .. } => ErrorKind::RateLimited,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Unavailable { .. } | Self::InvalidReply { .. } | Self::Interrupted { .. } => ErrorKind::Unavailable,
        }
    }

    /// The stable code in the error envelope and in counters.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownModel { .. } => "model_not_found",
            Self::WrongKind { .. } => "model_kind_mismatch",
            Self::UnknownUpstream { .. } => "upstream_not_found",
            Self::Configuration { .. } => "invalid_configuration",
            Self::EgressRefused { .. } => "egress_refused",
            Self::Rejected { code, .. } => code,
            Self::QueueFull { .. } => "queue_full",
            Self::RateLimited { .. } => "upstream_rate_limited",
            Self::Timeout { .. } => "upstream_timeout",
            Self::Unavailable { reason, .. } => reason.code(),
            Self::InvalidReply { .. } => "upstream_invalid_reply",
            Self::Interrupted { embedded: true, .. } => "engine_restarted",
            Self::Interrupted { embedded: false, .. } => "upstream_interrupted",
        }
    }

    /// The parameter that is wrong, where there is one.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::UnknownModel { .. } | Self::WrongKind { .. } => Some("model"),
            Self::Configuration { field, .. } => Some(field),
            Self::Rejected { param, .. } => param.as_deref(),
            _ => None,
        }
    }

    /// Seconds until it is worth trying again, for `Retry-After`.
    #[must_use]
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::QueueFull { retry_after_seconds, .. } | Self::RateLimited { retry_after_seconds, .. } => {
                Some(*retry_after_seconds)
            }
            Self::Unavailable { retry_after_seconds, .. } => *retry_after_seconds,
            Self::Interrupted { .. } => Some(1),
            _ => None,
        }
    }

    /// Whether another model on an explicit fallback list may answer instead.
    #[must_use]
    pub(crate) fn lets_another_answer(&self) -> bool {
        !matches!(self.kind(), ErrorKind::Invalid | ErrorKind::TooLarge | ErrorKind::NotFound)
    }
}
