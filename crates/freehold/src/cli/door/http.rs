//! The door over HTTP: the control socket of a data folder, or a server's address.

use std::io::ErrorKind;
use std::path::Path;

use axum::body::Bytes;
use futures::{Stream, TryStreamExt};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::{read_json, refusal};
use crate::error::FreeholdError;
use crate::serve::socket_path;

/// The key for `--url`.
const KEY_VARIABLE: &str = "FREEHOLD_API_KEY";

/// A server that is spoken to over HTTP.
pub(in crate::cli) struct HttpDoor {
    client: Client,
    base: String,
    key: Option<String>,
}

impl HttpDoor {
    /// A server at an address. A trailing `/v1`, as OpenAI's clients take it, is accepted.
    pub(super) fn remote(url: &str) -> Result<Self, FreeholdError> {
        let base = base(url).to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            let problem = format!("'{url}' is not the address of a server");
            return Err(FreeholdError::usage(problem, "write it as https://ai.example or http://127.0.0.1:7878"));
        }
        let key = std::env::var(KEY_VARIABLE).ok().filter(|key| !key.is_empty());
        let Some(key) = key else {
            let mend =
                format!("make one there with `freehold keys create --person NAME`, then: export {KEY_VARIABLE}=fh_...");
            return Err(FreeholdError::usage(format!("--url needs a key in {KEY_VARIABLE}"), mend));
        };
        crate::serve::install_crypto();
        let client = Client::builder().build().map_err(|error| unreachable(&base, &error))?;
        Ok(Self { client, base, key: Some(key) })
    }

    /// The server that runs on a data folder, if one does.
    pub(super) async fn on_socket(dir: &Path) -> Result<Option<Self>, FreeholdError> {
        let socket = socket_path(dir);
        match tokio::net::UnixStream::connect(&socket).await {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            // A folder that is a file: opening it says so.
            Err(error) if error.kind() == ErrorKind::NotADirectory => return Ok(None),
            Err(error) => return Err(FreeholdError::file("connecting to", &socket)(error)),
        }
        crate::serve::install_crypto();
        let base = "http://freehold".to_owned();
        let client = Client::builder().unix_socket(socket.as_path()).no_proxy().build();
        let client = client.map_err(|error| unreachable(&socket.display().to_string(), &error))?;
        Ok(Some(Self { client, base, key: None }))
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, FreeholdError> {
        request.send().await.map_err(|error| unreachable(&self.base, &error))
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Bytes), FreeholdError> {
        let reply = self.send(self.request(method, path, body)).await?;
        let status = reply.status().as_u16();
        let bytes = reply.bytes().await.map_err(|error| unreachable(&self.base, &error))?;
        Ok((status, bytes))
    }

    /// Calls a route and reads its JSON answer.
    ///
    /// # Errors
    /// As [`super::Door::call`].
    pub(in crate::cli) async fn get(&self, path: &str) -> Result<Value, FreeholdError> {
        let (status, bytes) = self.call(Method::GET, path, None).await?;
        if status == 200 { read_json(&bytes) } else { Err(refusal(status, &bytes)) }
    }

    /// Calls a route and returns its answer piece by piece.
    ///
    /// # Errors
    /// As [`super::Door::call`].
    pub(in crate::cli) async fn stream(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<impl Stream<Item = Result<Bytes, FreeholdError>> + use<>, FreeholdError> {
        let reply = self.send(self.request(Method::POST, path, Some(body))).await?;
        let status = reply.status();
        if !status.is_success() {
            let bytes = reply.bytes().await.map_err(|error| unreachable(&self.base, &error))?;
            return Err(refusal(status.as_u16(), &bytes));
        }
        let base = self.base.clone();
        Ok(reply.bytes_stream().map_err(move |error| unreachable(&base, &error)))
    }
}

/// An address as people write it: with or without a slash or `/v1` at its end.
pub(super) fn base(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix("/v1").unwrap_or(url)
}

fn unreachable(target: &str, error: &reqwest::Error) -> FreeholdError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    FreeholdError::Unreachable {
        target: target.to_owned(),
        detail: cause.to_string(),
        mend: "check the address, that the server runs (`freehold doctor` on its machine), and the network between"
            .to_owned(),
    }
}
