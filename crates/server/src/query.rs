//! Parameters in path, query and headers, as strict as bodies: an unknown, doubled or malformed one is refused by
//! name. And the small answers that many routes share.

use std::fmt::Display;
use std::str::FromStr;

use app::listing::Listing;
use app::{Asker, Repeat};
use axum::Json;
use axum::extract::{FromRequestParts, Path, Query};
use axum::response::{IntoResponse, Response};
use domain::ErrorKind;
use http::StatusCode;
use http::request::Parts;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use crate::door::Door;
use crate::error::Refusal;

/// The parameters of the query.
pub(crate) struct Parameters<T>(pub(crate) T);

/// The one parameter of the path, percent-decoded: an id, a name or an external id.
pub(crate) struct Named(pub(crate) String);

/// The two parameters of the path, in order.
pub(crate) struct NamedPair(pub(crate) String, pub(crate) String);

impl<T: DeserializeOwned> FromRequestParts<Door> for Parameters<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Refusal::new(ErrorKind::Invalid, "invalid_query", error.body_text()))?;
        // Written as JSON with every pair kept, so that the one strict reader names what is unknown or doubled.
        let members: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
        Ok(Self(wire::strict::parse(format!("{{{}}}", members.join(",")).as_bytes())?))
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl FromRequestParts<Door> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        Path::<String>::from_request_parts(parts, door).await.map(|Path(name)| Self(name)).map_err(|_| bad_path())
    }
}

impl FromRequestParts<Door> for NamedPair {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Refusal> {
        let pair = Path::<(String, String)>::from_request_parts(parts, door).await;
        pair.map(|Path((first, second))| Self(first, second)).map_err(|_| bad_path())
    }
}

fn bad_path() -> Refusal {
    let message = "the path is not valid UTF-8 once percent-decoded: encode each name as UTF-8, byte by byte";
    Refusal::new(ErrorKind::Invalid, "invalid_path", message)
}

/// A header's text, if it is sent.
///
/// # Errors
/// The header is sent and is not printable ASCII, or is sent more than once.
pub(crate) fn header<'p>(parts: &'p Parts, name: &str) -> Result<Option<&'p str>, Refusal> {
    let mut values = parts.headers.get_all(name).into_iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        // A proxy may have added the second one: which of them counts must not depend on their order.
        let message = format!("the header '{name}' is sent more than once: send it once");
        return Err(Refusal::new(ErrorKind::Invalid, "repeated_header", message).with_param(name));
    }
    let refused = |_| {
        let message = format!("the header '{name}' holds bytes other than printable ASCII: send plain ASCII");
        Refusal::new(ErrorKind::Invalid, "invalid_header", message).with_param(name)
    };
    value.to_str().map(|text| Some(text.trim())).map_err(refused)
}

/// For numbers and booleans in a query, where everything is text.
pub(crate) fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(|error| D::Error::custom(format!("'{text}' does not fit here: {error}"))))
        .transpose()
}

/// Which part of a list is asked for.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Paging {
    /// How many entries at most: 1 to 1,000.
    #[serde(default, deserialize_with = "from_text")]
    #[param(minimum = 1, maximum = 1000, default = 20)]
    pub(crate) limit: Option<u32>,
    /// The last id of the page before.
    #[serde(default)]
    pub(crate) after: Option<String>,
}

impl From<Paging> for Listing {
    fn from(Paging { limit, after }: Paging) -> Self {
        Self { limit, after }
    }
}

/// The header `Idempotency-Key`, if it is sent.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct RepeatKey {
    /// The same key again, with the same kind of request by the same caller, answers with the object made first.
    #[param(rename = "Idempotency-Key", max_length = 255)]
    key: Option<String>,
}

impl RepeatKey {
    /// The mark of this request, which makes an object of this kind.
    pub(crate) fn of(&self, asker: &Asker, kind: &str) -> Repeat {
        Repeat::of(asker.caller.principal(), kind, self.key.as_deref())
    }
}

impl FromRequestParts<Door> for RepeatKey {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Refusal> {
        let key = header(parts, "idempotency-key")?.map(ToOwned::to_owned);
        if key.as_ref().is_some_and(|key| key.is_empty() || key.len() > 255) {
            let message = "the header 'Idempotency-Key' has 1 to 255 characters";
            return Err(Refusal::new(ErrorKind::Invalid, "invalid_header", message).with_param("Idempotency-Key"));
        }
        Ok(Self { key })
    }
}

/// An object that was made: 201.
pub(crate) struct Made<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

/// A change that leaves no object to show.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct At {
    /// The epoch from which it is in force.
    pub(crate) epoch: u64,
}

/// Something that is gone.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Gone {
    /// What is gone.
    pub(crate) id: String,
    /// The epoch from which it is.
    pub(crate) epoch: u64,
}
