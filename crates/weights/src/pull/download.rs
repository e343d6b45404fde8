//! One file over HTTP, into a partial file that the next attempt continues. A connection that breaks is tried again as
//! long as bytes keep arriving; a server that ignores ranges starts the file anew.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode, Url};

use super::stop::blocking;
use crate::WeightsError;
use crate::folder::Lock;

const MAX_FAILURES: u32 = 5;
const STALL_TIMEOUT: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 1 << 20;

/// A file to fetch.
pub(super) struct Download<'a> {
    pub(super) client: &'a Client,
    pub(super) url: Url,
    pub(super) path: PathBuf,
    /// Its exact size, where known.
    pub(super) bytes: Option<u64>,
    /// More than this is refused.
    pub(super) max_bytes: u64,
    pub(super) lock: Arc<Lock>,
}

/// Why an attempt ended.
enum Fault {
    /// Another attempt may go through.
    Passing(WeightsError),
    /// None will.
    Lasting(WeightsError),
}

impl Download<'_> {
    /// Fetches what is missing. `report` hears bytes there and bytes in all.
    pub(super) async fn run(&self, report: &(dyn Fn(u64, Option<u64>) + Send + Sync)) -> Result<(), WeightsError> {
        let (mut failures, mut furthest) = (0, 0);
        loop {
            let before = length(&self.path)?;
            furthest = before.max(furthest);
            if Some(before) == self.bytes {
                return Ok(());
            }
            let error = match self.attempt(before, report).await {
                Ok(()) => return Ok(()),
                Err(Fault::Lasting(error)) => return Err(error),
                Err(Fault::Passing(error)) => error,
            };
            // Measured against the furthest point, so that an end comes even where every attempt begins anew.
            let has_moved = length(&self.path)? > furthest;
            failures = if has_moved { 1 } else { failures + 1 };
            if failures >= MAX_FAILURES {
                return Err(error);
            }
            tracing::debug!(url = %shown(&self.url), %error, "fetching goes on");
            if !has_moved {
                tokio::time::sleep(Duration::from_secs(1 << failures)).await;
            }
        }
    }

    async fn attempt(&self, have: u64, report: &(dyn Fn(u64, Option<u64>) + Send + Sync)) -> Result<(), Fault> {
        let mut request = self.client.get(self.url.clone());
        if have > 0 {
            request = request.header(RANGE, format!("bytes={have}-"));
        }
        let response = request.send().await.map_err(|cause| Fault::Passing(self.failed(&chain(cause))))?;
        let (start, total) = match self.opening(&response, have)? {
            Opening::Body { start, total } => (start, total),
            Opening::Complete => return Ok(()),
        };
        let mut sink = Sink::open(&self.path, start, &self.lock).map_err(Fault::Lasting)?;
        let outcome = self.body(response, &mut sink, total, report).await;
        sink.flush().await.map_err(Fault::Lasting)?;
        outcome?;
        match total.or(self.bytes) {
            Some(total) if sink.position < total => {
                Err(Fault::Passing(self.failed("the server ended the file too early")))
            }
            _ => Ok(()),
        }
    }

    /// What the status and the headers say about the body that follows.
    fn opening(&self, response: &Response, have: u64) -> Result<Opening, Fault> {
        let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match response.status() {
            StatusCode::PARTIAL_CONTENT if range.starts_with(&format!("bytes {have}-")) => Ok(Opening::Body {
                start: have,
                total: response.content_length().map(|rest| rest.saturating_add(have)),
            }),
            StatusCode::OK => Ok(Opening::Body { start: 0, total: response.content_length() }),
            StatusCode::RANGE_NOT_SATISFIABLE if range == format!("bytes */{have}") => Ok(Opening::Complete),
            StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PARTIAL_CONTENT => {
                // What lies here does not belong to what lies there: begin again.
                std::fs::remove_file(&self.path)
                    .map_err(|cause| Fault::Lasting(WeightsError::storage("remove", &self.path, cause)))?;
                Err(Fault::Passing(self.failed("the server cannot continue the file")))
            }
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(Fault::Passing(self.failed(&format!("the server answers {status}"))))
            }
            status => Err(Fault::Lasting(
                self.failed(&format!("the server answers {status}: check the address and your access")),
            )),
        }
    }

    async fn body(
        &self,
        response: Response,
        sink: &mut Sink,
        total: Option<u64>,
        report: &(dyn Fn(u64, Option<u64>) + Send + Sync),
    ) -> Result<(), Fault> {
        let limit = self.bytes.unwrap_or(self.max_bytes);
        if total.is_some_and(|total| total > limit) {
            return Err(Fault::Lasting(self.failed(&format!("it is larger than the {limit} bytes expected"))));
        }
        let mut chunks = response.bytes_stream();
        loop {
            let next = tokio::time::timeout(STALL_TIMEOUT, chunks.next()).await;
            let chunk = match next.map_err(|_| Fault::Passing(self.failed("nothing arrived for a minute")))? {
                Some(chunk) => chunk.map_err(|cause| Fault::Passing(self.failed(&chain(cause))))?,
                None => return Ok(()),
            };
            if sink.position.saturating_add(chunk.len() as u64) > limit {
                return Err(Fault::Lasting(self.failed(&format!("it is larger than the {limit} bytes expected"))));
            }
            sink.write(&chunk).await.map_err(Fault::Lasting)?;
            report(sink.position, total.or(self.bytes));
        }
    }

    fn failed(&self, reason: &str) -> WeightsError {
        WeightsError::Source { what: shown(&self.url), reason: reason.to_owned() }
    }
}

enum Opening {
    Body { start: u64, total: Option<u64> },
    Complete,
}

/// The address without secrets that may stand in it.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// An error of the network with its causes, without the address, and with advice where it is clear.
pub(super) fn chain(error: reqwest::Error) -> String {
    use std::error::Error as _;
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    let advice = if text.contains("certificate") {
        "set SSL_CERT_FILE to the certificates of your network"
    } else {
        "check the network and the proxy settings, then run the same command again: it goes on where it stopped"
    };
    format!("{text} ({advice})")
}

fn length(path: &Path) -> Result<u64, WeightsError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok(found.len()),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(0),
        Err(cause) => Err(WeightsError::storage("read", path, cause)),
    }
}

/// The partial file, written in large pieces away from the tasks that answer people.
struct Sink {
    file: Arc<File>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// Bytes in the file and in the buffer.
    position: u64,
    lock: Arc<Lock>,
}

impl Sink {
    fn open(path: &Path, start: u64, lock: &Arc<Lock>) -> Result<Self, WeightsError> {
        let failed = |cause| WeightsError::storage("write", path, cause);
        let mut file = OpenOptions::new().create(true).truncate(start == 0).write(true).open(path).map_err(failed)?;
        file.seek(SeekFrom::Start(start)).map_err(failed)?;
        Ok(Self {
            file: Arc::new(file),
            path: path.to_path_buf(),
            buffer: Vec::new(),
            position: start,
            lock: Arc::clone(lock),
        })
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), WeightsError> {
        self.buffer.extend_from_slice(chunk);
        self.position += chunk.len() as u64;
        if self.buffer.len() >= BUFFER_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), WeightsError> {
        let (bytes, file, path) = (std::mem::take(&mut self.buffer), Arc::clone(&self.file), self.path.clone());
        let lock = Arc::clone(&self.lock);
        blocking(move || {
            let written = (&*file).write_all(&bytes).map_err(|cause| WeightsError::storage("write", &path, cause));
            drop(lock);
            written
        })
        .await
    }
}
