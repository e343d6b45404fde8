//! Plain questions to an upstream, outside its queue: is it there, and what does it serve?

use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use tokio::time::{Instant, timeout_at};
use wire::model::{ModelEntry, ModelList};

use super::Upstream;
use super::attempt::Deadline;
use crate::dialect::failure::refusal;
use crate::error::{ModelsError, Phase};

/// How long the list of models may take.
const LIST_LIMIT: Duration = Duration::from_secs(10);

impl Upstream {
    /// The models that the server itself lists, by its own names.
    pub(crate) async fn served(&self) -> Result<Vec<ModelEntry>, ModelsError> {
        self.may_be_called()?;
        let (status, body) = self.ask(Method::GET, self.addresses.models.clone(), Vec::new(), LIST_LIMIT).await?;
        if !status.is_success() {
            return Err(refusal(self.speaker(), status.as_u16(), None, &body).error);
        }
        let list: ModelList =
            serde_json::from_slice(&body).map_err(|_| self.speaker().invalid_reply("no list of models"))?;
        Ok(list.data)
    }

    /// One exchange without queue, breaker and repetition.
    pub(super) async fn ask(
        &self,
        method: Method,
        address: Url,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<(StatusCode, Vec<u8>), ModelsError> {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let deadline = Deadline::after(Instant::now(), limit_ms, Phase::Answer);
        self.counters.sent(body.len());
        let sent = timeout_at(deadline.at, self.client.request(method, address).body(body).send()).await;
        let response = sent.map_err(|_| self.timed_out(deadline))?.map_err(|error| self.unsent(&error).error)?;
        let status = response.status();
        let body = self.body(response, deadline, self.config.max_reply_bytes).await;
        Ok((status, body.map_err(|failure| failure.error)?))
    }
}
