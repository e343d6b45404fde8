//! The only error envelope: `{"error": {"message", "type", "code", "param", "request_id"}}`.

use domain::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::strict::InvalidParameter;

/// The envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong.
    pub error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// What was wrong and what to do.
    #[serde(default)]
    pub message: String,
    /// The family, as OpenAI names it (`invalid_request_error`, ...).
    #[serde(rename = "type", default)]
    pub kind: Option<String>,
    /// The case, for programs (`context_length_exceeded`, ...).
    #[serde(default, deserialize_with = "text_or_number")]
    pub code: Option<String>,
    /// The parameter at fault, as a JSON path (`messages[2].content[0].type`).
    #[serde(default)]
    pub param: Option<String>,
    /// Names the HTTP request; absent between the door and its engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl ErrorBody {
    /// An error of a kind, with the code of the case.
    pub fn new(kind: ErrorKind, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            error: ErrorDetail {
                message: message.into(),
                kind: Some(family(kind).to_owned()),
                code: Some(code.into()),
                param: None,
                request_id: None,
            },
        }
    }

    /// The same, naming the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.error.param = Some(param.into());
        self
    }

    /// The same, naming the HTTP request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: impl Into<String>) -> Self {
        self.error.request_id = Some(request_id.into());
        self
    }
}

impl From<InvalidParameter> for ErrorBody {
    fn from(invalid: InvalidParameter) -> Self {
        let mut body = Self::new(ErrorKind::Invalid, invalid.code, invalid.message);
        body.error.param = invalid.param;
        body
    }
}

/// The family OpenAI's clients know a kind by: the envelope's `type`.
#[must_use]
pub const fn family(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::TooLarge => "invalid_request_error",
        ErrorKind::Unauthenticated => "authentication_error",
        ErrorKind::Forbidden => "permission_error",
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::Unavailable => "service_unavailable_error",
        ErrorKind::Internal => "server_error",
    }
}

/// Some upstreams send the HTTP status as a number under `code`.
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}
