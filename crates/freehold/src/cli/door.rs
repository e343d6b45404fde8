//! How a command reaches the door: over the control socket of a running server, over `--url` with a key, or, where no
//! server runs, the same routes inside this process. One code path for all three.

mod here;
mod http;

use std::path::Path;

use reqwest::Method;
use serde_json::Value;

use super::Globals;
use crate::config::Config;
use crate::error::FreeholdError;

use here::HereDoor;
pub(super) use http::HttpDoor;

/// Where a remote server is, for commands that may speak to one.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Remote {
    /// Speak to this server instead of the one of the data folder, with the key in FREEHOLD_API_KEY
    #[arg(long, value_name = "URL", env = "FREEHOLD_URL", hide_env_values = true)]
    url: Option<String>,
}

impl Remote {
    /// The address by which people reach the server, without a slash at its end.
    pub(super) fn address(&self, globals: &Globals) -> Result<String, FreeholdError> {
        if let Some(url) = &self.url {
            return Ok(http::base(url).to_owned());
        }
        let config = globals.load(Vec::new())?.config;
        match (&config.server.public_url, crate::serve::noted_address(&config.data.dir)) {
            (None, Some(noted)) => Ok(noted),
            _ => Ok(config.server.address()),
        }
    }
}

/// What a command needs of the data folder where no server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It may be new: it is set up then.
    Any,
    /// Somebody must have set it up.
    SetUp,
}

/// A way to call routes.
pub(super) enum Door {
    /// A server, over a socket or the network.
    Http(HttpDoor),
    /// No server: the routes in this process.
    Here(HereDoor),
}

impl Door {
    /// Finds the way.
    ///
    /// # Errors
    /// [`FreeholdError`] where there is none, or the folder does not hold what is needed.
    pub(super) async fn open(globals: &Globals, remote: &Remote, need: Need) -> Result<Self, FreeholdError> {
        if let Some(url) = &remote.url {
            return HttpDoor::remote(url).map(Self::Http);
        }
        let config = globals.load(Vec::new())?.config;
        if let Some(door) = HttpDoor::on_socket(&config.data.dir).await? {
            return Ok(Self::Http(door));
        }
        refuse_missing(&config, need)?;
        HereDoor::open(&config).await.map(Self::Here)
    }

    /// Finds a server that runs: what needs models needs one.
    ///
    /// # Errors
    /// [`FreeholdError::Unreachable`] says how to start one.
    pub(super) async fn running(globals: &Globals, remote: &Remote) -> Result<HttpDoor, FreeholdError> {
        if let Some(url) = &remote.url {
            return HttpDoor::remote(url);
        }
        let dir = globals.load(Vec::new())?.config.data.dir;
        HttpDoor::on_socket(&dir).await?.ok_or_else(|| not_running(&dir))
    }

    /// Calls a route and reads its JSON answer.
    ///
    /// # Errors
    /// [`FreeholdError::Refused`] with the server's words, or what kept them from coming.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, FreeholdError> {
        let (status, bytes) = match self {
            Self::Http(door) => door.call(method, path, body).await?,
            Self::Here(door) => door.call(method, path, body).await?,
        };
        if (200..300).contains(&status) {
            return read_json(&bytes);
        }
        Err(refusal(status, &bytes))
    }

    /// Ends what was begun: a folder opened here is closed in order.
    pub(super) async fn close(self) {
        if let Self::Here(door) = self {
            door.close().await;
        }
    }
}

fn refuse_missing(config: &Config, need: Need) -> Result<(), FreeholdError> {
    let dir = &config.data.dir;
    match need {
        Need::Any => Ok(()),
        Need::SetUp if config.data.database_url.is_some() || dir.join("state.db").exists() => Ok(()),
        Need::SetUp => Err(FreeholdError::Unreachable {
            target: dir.display().to_string(),
            detail: "no server runs there and nothing is set up there".to_owned(),
            mend: format!(
                "name the right folder with --data DIR, or set this one up: freehold serve --data {}",
                dir.display()
            ),
        }),
    }
}

fn not_running(dir: &Path) -> FreeholdError {
    FreeholdError::Unreachable {
        target: dir.join("control.sock").display().to_string(),
        detail: "no server is running on this data folder".to_owned(),
        mend: format!(
            "start one in another terminal: freehold serve --data {}\nor ask another server: --url URL with its key in \
             FREEHOLD_API_KEY",
            dir.display()
        ),
    }
}

fn read_json(bytes: &[u8]) -> Result<Value, FreeholdError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|_| not_ours("the answer is not JSON"))
}

/// The server's own words, or the status where the answer is not Freehold's envelope.
fn refusal(status: u16, bytes: &[u8]) -> FreeholdError {
    match serde_json::from_slice::<wire::error::ErrorBody>(bytes) {
        Ok(wire::error::ErrorBody { error }) => {
            FreeholdError::Refused { status, code: error.code, message: error.message, request_id: error.request_id }
        }
        Err(_) => not_ours(&format!("it answered with status {status}, and not as Freehold does")),
    }
}

fn not_ours(detail: &str) -> FreeholdError {
    FreeholdError::Unreachable {
        target: "a Freehold server".to_owned(),
        detail: detail.to_owned(),
        mend: "check that --url is the address of a Freehold server, without /v1 at its end".to_owned(),
    }
}
