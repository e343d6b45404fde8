//! The one place where an error becomes an HTTP status and the only envelope, OpenAI's, with the request's id.
//!
//! Public and private text are split: what went wrong inside is logged once, by `envelope`, and not sent.

use std::error::Error;
use std::sync::Arc;

use app::AppError;
use axum::response::{IntoResponse, Response};
use domain::{ErrorKind, RequestId};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use wire::{ErrorBody, InvalidParameter};

/// What a handler answers.
pub(crate) type Answer<T> = Result<T, Refusal>;

/// A request that was turned away or failed, before it is dressed in the envelope.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: StatusCode,
    body: Box<ErrorBody>,
    retry_after_seconds: Option<u64>,
    cause: Option<Arc<dyn Error + Send + Sync>>,
}

/// The status of a kind.
#[must_use]
pub(crate) const fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Invalid => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl Refusal {
    /// A refusal of a kind, with its stable code and what to do.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        let body = Box::new(ErrorBody::new(kind, code, message));
        Self { status: status(kind), body, retry_after_seconds: None, cause: None }
    }

    /// Our own fault: the cause goes to the log, the client gets the request's id to ask about.
    pub fn internal(cause: Option<Arc<dyn Error + Send + Sync>>) -> Self {
        let message = "something went wrong on the server: try again, and if it stays so give the administrator the \
                       request_id, which stands in the log beside the cause";
        Self { cause, ..Self::new(ErrorKind::Internal, "internal_error", message) }
    }

    /// The same under a status of its own, where HTTP has a finer one than the kind.
    #[must_use]
    pub(crate) const fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, naming the parameter at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.body.error.param = Some(param.into());
        self
    }

    /// The envelope, for where it travels inside a stream.
    #[must_use]
    pub fn into_body(self, request: RequestId) -> ErrorBody {
        self.body.with_request_id(request.to_string())
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body.error.code.as_deref().unwrap_or("internal_error")
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong inside, for the log.
    pub(crate) fn cause(&self) -> Option<&(dyn Error + Send + Sync)> {
        self.cause.as_deref()
    }

    /// The finished response.
    pub(crate) fn dressed(self, request: RequestId) -> Response {
        let body = serde_json::to_value(self.clone().into_body(request)).unwrap_or_default();
        self.dressed_in(&body)
    }

    /// The same for clients of the Iceberg catalog, whose code is the number of the status.
    pub(crate) fn dressed_for_iceberg(self, request: RequestId) -> Response {
        let mut body = serde_json::to_value(self.clone().into_body(request)).unwrap_or_default();
        body["error"]["code"] = self.status.as_u16().into();
        self.dressed_in(&body)
    }

    fn dressed_in(self, body: &serde_json::Value) -> Response {
        let (status, retry_after) = (self.status, self.retry_after_seconds);
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        let kind = error.kind();
        if kind == ErrorKind::Internal {
            return Self::internal(Some(Arc::new(error)));
        }
        if let (AppError::Store(_), ErrorKind::Unavailable) = (&error, kind) {
            let refusal = Self::new(kind, error.code(), without_places(error.code()));
            return Self { cause: Some(Arc::new(error)), ..refusal };
        }
        let mut refusal = Self::new(kind, error.code(), error.to_string());
        refusal.body.error.param = error.param().map(ToOwned::to_owned);
        refusal.retry_after_seconds = error.retry_after_seconds();
        refusal
    }
}

/// What a client is told of a state that cannot be used: the places in the store's own words are for the log.
fn without_places(code: &str) -> &'static str {
    match code {
        "state_full" | "lake_full" => {
            "the server has no room left on its disk and cannot record this: its administrator must free some"
        }
        "state_read_only" => "the server cannot write its state: its administrator must make the data folder writable",
        _ => {
            "the server cannot use its state now: try again, and if it stays so tell the administrator to read the log"
        }
    }
}

impl From<access::AccessError> for Refusal {
    fn from(error: access::AccessError) -> Self {
        AppError::from(error).into()
    }
}

impl From<InvalidParameter> for Refusal {
    fn from(invalid: InvalidParameter) -> Self {
        let body = Box::new(ErrorBody::from(invalid));
        Self { status: StatusCode::BAD_REQUEST, body, retry_after_seconds: None, cause: None }
    }
}

impl IntoResponse for Refusal {
    /// Undressed: `envelope`, outermost of all, knows the request's id and writes the body.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_inside_is_not_sent() {
        let cause: Arc<dyn Error + Send + Sync> = Arc::new(std::io::Error::other("table people is gone"));
        let refusal = Refusal::internal(Some(cause));
        let request = RequestId::from_uuid(uuid_of_one());
        let sent = serde_json::to_string(&refusal.clone().into_body(request)).unwrap();
        assert!(!sent.contains("people"), "{sent}");
        assert!(sent.contains("req_00000000000000000000000000000001"), "{sent}");
        assert!(refusal.cause().unwrap().to_string().contains("people"));
    }

    #[test]
    fn a_limit_says_when_to_try_again_and_a_missing_key_how_to_show_one() {
        let request = RequestId::from_uuid(uuid_of_one());
        let limited =
            AppError::Limited { message: "slower".to_owned(), code: "budget_exceeded", retry_after_seconds: 7 };
        let response = Refusal::from(limited).dressed(request);
        assert_eq!(response.status().as_u16(), 429);
        assert_eq!(response.headers()["retry-after"], "7");
        let missing = Refusal::from(access::AccessError::MissingKey).dressed(request);
        assert_eq!(missing.status().as_u16(), 401);
        assert_eq!(missing.headers()["www-authenticate"], "Bearer");
    }

    #[test]
    fn a_full_disk_is_named_without_its_place() {
        for code in ["state_full", "state_read_only", "state_locked"] {
            assert!(without_places(code).len() > 40 && !without_places(code).contains('/'), "{code}");
        }
    }

    fn uuid_of_one() -> uuid::Uuid {
        uuid::Uuid::from_u128(1)
    }
}
