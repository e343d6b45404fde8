//! What a server says when it does not answer: its envelope read whatever its shape, mapped to one of our errors, with
//! whether it may be asked again and whether it is to blame.

use std::time::Duration;

use serde_json::Value;

use crate::ModelsError;
use crate::error::Unavailability;

/// Why an attempt did not lead to an answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: ModelsError,
    pub(crate) retry: Retry,
    /// Whether the circuit breaker counts it: the server failed, and not the request or our configuration.
    pub(crate) blame: bool,
}

/// Whether the same request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    No,
    /// Nothing of it was answered.
    Soon,
    /// The server says when.
    After(Duration),
}

impl Failure {
    /// The server failed, and asking again could do the work twice.
    pub(crate) const fn blamed(error: ModelsError) -> Self {
        Self { error, retry: Retry::No, blame: true }
    }

    /// The request or our configuration is wrong.
    pub(crate) const fn blameless(error: ModelsError) -> Self {
        Self { error, retry: Retry::No, blame: false }
    }
}

/// Who answered, for the words of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) upstream: &'a str,
    pub(crate) embedded: bool,
}

impl Speaker<'_> {
    pub(crate) fn unavailable(self, reason: Unavailability, retry_after_seconds: Option<u64>) -> ModelsError {
        ModelsError::Unavailable { upstream: self.upstream.to_owned(), reason, retry_after_seconds }
    }

    pub(crate) fn invalid_reply(self, detail: impl Into<String>) -> ModelsError {
        ModelsError::InvalidReply { upstream: self.upstream.to_owned(), detail: detail.into() }
    }

    pub(crate) fn interrupted(self) -> ModelsError {
        ModelsError::Interrupted { upstream: self.upstream.to_owned(), embedded: self.embedded }
    }
}

/// The longest message of a server that is passed on, in characters.
const MAX_MESSAGE_CHARS: usize = 2_000;

/// Words by which servers say that prompt and answer do not fit.
const OVERFLOWS: [&str; 6] = [
    "maximum context length",
    "context_length_exceeded",
    "exceed_context_size",
    "longer than the model's context",
    "available context size",
    "maximum model length",
];

/// Codes of other servers that mean to a client what they say.
const PASSED_CODES: [&str; 13] = [
    "context_length_exceeded",
    "content_filter",
    "invalid_type",
    "invalid_value",
    "missing_required_parameter",
    "unknown_parameter",
    "unsupported_parameter",
    "unsupported_value",
    "unsupported_schema",
    "adapter_conflict",
    "adapter_not_found",
    "invalid_adapter",
    "invalid_model",
];

/// What a server says about an error, whatever the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words {
    pub(crate) message: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) kind: Option<String>,
}

impl Words {
    /// Reads `{"error": {...}}`, `{"error": "text"}`, `{"message": ...}`, `{"detail": ...}` and FastAPI's list of
    /// details; none where the JSON speaks of no error.
    pub(crate) fn read(body: &Value) -> Option<Self> {
        let fields = body.as_object()?;
        match (fields.get("error"), fields.get("detail")) {
            (Some(Value::Object(error)), _) => Some(Self::of(error)),
            (Some(Value::String(text)), _) => Some(Self { message: Some(text.clone()), ..Self::of(fields) }),
            (_, Some(Value::String(text))) => Some(Self { message: Some(text.clone()), ..Self::of(fields) }),
            (_, Some(Value::Array(details))) => Some(Self::of_details(details)),
            (_, Some(Value::Object(detail))) => Some(Self::of(detail)),
            _ if fields.get("message").is_some_and(Value::is_string) => Some(Self::of(fields)),
            _ => None,
        }
    }

    fn of(fields: &serde_json::Map<String, Value>) -> Self {
        let text = |name: &str| match fields.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        Self { message: text("message"), param: text("param"), code: text("code"), kind: text("type") }
    }

    /// FastAPI: `[{"loc": ["body", "messages", 0], "msg": "..."}]`.
    fn of_details(details: &[Value]) -> Self {
        let first = details.first();
        let place = first.and_then(|detail| detail.get("loc")?.as_array());
        let message = first.and_then(|detail| detail.get("msg")?.as_str()).map(ToOwned::to_owned);
        Self { message, param: place.map(|place| path(place)).filter(|path| !path.is_empty()), ..Self::default() }
    }

    /// The status an error inside a stream would have had.
    pub(crate) fn status(&self) -> u16 {
        let number = self.code.as_ref().and_then(|code| code.parse().ok()).filter(|code| (400..600).contains(code));
        number.unwrap_or_else(|| match self.kind.as_deref().unwrap_or_default() {
            "invalid_request_error" | "BadRequestError" => 400,
            "rate_limit_error" | "RateLimitError" => 429,
            "service_unavailable_error" => 503,
            _ => 500,
        })
    }

    fn says(&self, needles: &[&str]) -> bool {
        let texts = [&self.message, &self.code, &self.kind];
        texts.into_iter().flatten().any(|text| needles.iter().any(|needle| text.contains(needle)))
    }

    fn names_a_missing_model(&self) -> bool {
        self.code.as_deref() == Some("model_not_found")
            || self.says(&["model"]) && self.says(&["not found", "not exist", "No model", "does not have"])
    }
}

/// `["body", "messages", 0]` as `messages[0]`.
fn path(place: &[Value]) -> String {
    let mut path = String::new();
    for step in place.iter().skip_while(|step| *step == "body") {
        match step {
            Value::String(name) if path.is_empty() => path.push_str(name),
            Value::String(name) => path.extend([".", name]),
            step => path.extend(["[", &step.to_string(), "]"]),
        }
    }
    path
}

/// Maps an answer whose status is no success.
pub(crate) fn refusal(speaker: Speaker<'_>, status: u16, retry_after: Option<Duration>, body: &[u8]) -> Failure {
    let words = serde_json::from_slice(body).ok().and_then(|body| Words::read(&body)).unwrap_or_default();
    failure(speaker, status, retry_after, words)
}

/// Maps a status and the words that came with it.
pub(crate) fn failure(speaker: Speaker<'_>, status: u16, retry_after: Option<Duration>, words: Words) -> Failure {
    let seconds = retry_after.map(|wait| wait.as_millis().div_ceil(1000).max(1) as u64);
    let retry = retry_after.map_or(Retry::No, Retry::After);
    match status {
        // Our own engine is never misconfigured: what it refuses, the request asks for.
        400..=407 | 409..=428 if speaker.embedded => Failure::blameless(rejected(status, words)),
        _ if words.names_a_missing_model() && status < 500 => {
            Failure::blameless(speaker.unavailable(Unavailability::ModelMissing, None))
        }
        400 | 413 | 415 | 422 => Failure::blameless(rejected(status, words)),
        408 => Failure { retry, ..Failure::blamed(speaker.unavailable(Unavailability::Failed, seconds)) },
        429 => {
            let retry_after_seconds = seconds.unwrap_or(1);
            let error = ModelsError::RateLimited { upstream: speaker.upstream.to_owned(), retry_after_seconds };
            Failure { error, retry, blame: false }
        }
        503 if speaker.embedded || words.says(&["oading model"]) => {
            let error = speaker.unavailable(Unavailability::Loading, seconds.or(Some(2)));
            Failure { error, retry, blame: false }
        }
        503 => {
            let error = speaker.unavailable(Unavailability::Failed, seconds);
            Failure { error, retry, blame: retry_after.is_none() }
        }
        500..600 => Failure::blamed(speaker.unavailable(Unavailability::Failed, seconds)),
        _ => Failure::blameless(speaker.unavailable(Unavailability::Misconfigured, None)),
    }
}

fn rejected(status: u16, words: Words) -> ModelsError {
    let overflow = words.says(&OVERFLOWS);
    let known = words.code.as_deref().and_then(|code| PASSED_CODES.into_iter().find(|known| *known == code));
    let code = match (status, overflow, known) {
        (_, true, _) => "context_length_exceeded",
        (_, _, Some(known)) => known,
        (413, ..) => "request_too_large",
        _ => "upstream_rejected",
    };
    let message = words.message.unwrap_or_else(|| {
        format!("the server behind this model refuses the request (status {status}) without saying why: simplify it")
    });
    ModelsError::Rejected { message: message.chars().take(MAX_MESSAGE_CHARS).collect(), param: words.param, code }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const REMOTE: Speaker<'static> = Speaker { upstream: "gpu", embedded: false };

    fn mapped(status: u16, body: &Value) -> (&'static str, Option<String>, bool) {
        let failure = refusal(REMOTE, status, None, body.to_string().as_bytes());
        (failure.error.code(), failure.error.param().map(ToOwned::to_owned), failure.blame)
    }

    #[test]
    fn every_envelope_is_read() {
        let said = |body: Value| match refusal(REMOTE, 400, None, body.to_string().as_bytes()).error {
            ModelsError::Rejected { message, param, .. } => (message, param),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            said(json!({"error": {"message": "no", "param": "seed"}})),
            ("no".to_owned(), Some("seed".to_owned()))
        );
        for body in [
            json!({"error": "no"}),
            json!({"message": "no"}),
            json!({"detail": "no"}),
            json!({"object": "error", "message": "no", "code": 400}),
            json!({"detail": {"message": "no"}}),
        ] {
            assert_eq!(said(body), ("no".to_owned(), None));
        }
        let fastapi = json!({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "no"}]});
        assert_eq!(said(fastapi), ("no".to_owned(), Some("messages[0].role".to_owned())));
        let html = refusal(REMOTE, 400, None, b"<html>nginx</html>").error.to_string();
        assert!(html.contains("status 400") && !html.contains("nginx"), "{html}");
    }

    #[test]
    fn whose_fault_it_is_decides_the_code() {
        let empty = json!({});
        assert_eq!(mapped(422, &empty), ("upstream_rejected", None, false));
        assert_eq!(mapped(413, &empty).0, "request_too_large");
        for status in [301, 401, 402, 403, 404, 405, 407] {
            assert_eq!(mapped(status, &empty), ("upstream_misconfigured", None, false), "{status}");
        }
        for status in [500, 502, 503, 504] {
            assert_eq!(mapped(status, &empty), ("upstream_failed", None, true), "{status}");
        }
        assert_eq!(mapped(429, &empty), ("upstream_rate_limited", None, false));
        let missing = json!({"error": {"message": "The model `x` does not exist.", "code": 404}});
        assert_eq!(mapped(404, &missing).0, "upstream_model_missing");
        let long = json!({"message": "This model's maximum context length is 4096 tokens. However...", "code": 400});
        assert_eq!(mapped(400, &long).0, "context_length_exceeded");
        let loading = json!({"error": {"message": "Loading model", "code": 503}});
        assert_eq!(mapped(503, &loading), ("model_loading", None, false));
    }

    #[test]
    fn a_key_that_is_refused_is_the_operators_matter_and_shows_nothing() {
        let body = json!({"error": {"message": "Incorrect API key provided: sk-12345"}});
        let error = refusal(REMOTE, 401, None, body.to_string().as_bytes()).error.to_string();
        assert!(error.contains("operator") && !error.contains("sk-12345"), "{error}");
    }

    #[test]
    fn when_to_try_again_is_passed_on() {
        let wait = Duration::from_millis(1500);
        let limited = refusal(REMOTE, 429, Some(wait), b"");
        assert_eq!((limited.error.retry_after_seconds(), limited.retry), (Some(2), Retry::After(wait)));
        let busy = refusal(REMOTE, 503, Some(wait), b"");
        assert!(!busy.blame && busy.retry == Retry::After(wait));
    }

    proptest::proptest! {
        #[test]
        fn any_answer_is_some_error(status in 300..999_u16, body in proptest::collection::vec(0..=255_u8, 0..200)) {
            let failure = refusal(REMOTE, status, None, &body);
            proptest::prop_assert!(!failure.error.to_string().is_empty());
        }
    }
}
