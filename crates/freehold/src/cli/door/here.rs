//! The door without a server: this process opens the data folder, answers from the same routes, and leaves.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use axum::{Router, response::Response};
use reqwest::Method;
use serde_json::Value;
use tower::ServiceExt;

use crate::config::Config;
use crate::error::FreeholdError;
use crate::serve::Installation;

/// The largest answer that is read here, bytes.
const ANSWER_LIMIT: usize = 256 << 20;

/// The routes in this process.
pub(in crate::cli) struct HereDoor {
    router: Router,
    installation: Installation,
}

impl HereDoor {
    /// Opens the folder; a new one is set up.
    pub(super) async fn open(config: &Config) -> Result<Self, FreeholdError> {
        let installation = Installation::open(config).await?;
        Ok(Self { router: server::control_router(installation.app.clone()), installation })
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Response, FreeholdError> {
        let bytes = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, "application/json").body(bytes);
        let request = request.map_err(|error| FreeholdError::usage(error.to_string(), "check the id or name"))?;
        match self.router.clone().oneshot(request).await {
            Ok(reply) => Ok(reply),
            Err(never) => match never {},
        }
    }

    pub(super) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Bytes), FreeholdError> {
        let reply = self.send(method, path, body).await?;
        let status = reply.status().as_u16();
        let bytes = to_bytes(reply.into_body(), ANSWER_LIMIT).await.map_err(|error| broken(&error))?;
        Ok((status, bytes))
    }

    pub(super) async fn close(self) {
        drop(self.router);
        self.installation.close().await;
    }
}

fn broken(error: &axum::Error) -> FreeholdError {
    FreeholdError::Failed {
        problem: format!("the answer broke off: {error}"),
        mend: "run the command again".to_owned(),
    }
}
