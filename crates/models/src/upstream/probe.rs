//! Plain questions to an upstream, outside its queue: is it there, and what does it serve?

use std::sync::PoisonError;
use std::time::Duration;

use reqwest::{Method, StatusCode, Url};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use wire::model::ModelEntry;

use super::Upstream;
use super::attempt::Deadline;
use crate::config::ModelConfig;
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
        read_list(&body).ok_or_else(|| self.speaker().invalid_reply("no list of models"))
    }

    /// Asks the server for its context lengths and keeps them.
    pub(crate) async fn learn_lengths(&self) -> Result<(), ModelsError> {
        let served = self.served().await?;
        let lengths = served.into_iter().filter_map(|entry| Some((entry.id, entry.context_length?))).collect();
        *self.lengths.write().unwrap_or_else(PoisonError::into_inner) = lengths;
        Ok(())
    }

    /// Most tokens of prompt and answer together: as configured, else as the server itself lists it.
    pub(crate) fn context_length(&self, model: &ModelConfig) -> Option<u32> {
        let listed = || {
            let lengths = self.lengths.read().unwrap_or_else(PoisonError::into_inner);
            lengths.get(model.upstream_name()).copied()
        };
        model.context_length.or_else(listed)
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

/// Where servers write a model's context length, the one that is served before the one it was trained for.
const LENGTHS: [&str; 6] =
    ["/max_model_len", "/context_length", "/context_window", "/max_context_length", "/meta/n_ctx", "/meta/n_ctx_train"];

/// A list of models, read as far as it is understood: servers differ in everything but `data` and `id`.
fn read_list(body: &[u8]) -> Option<Vec<ModelEntry>> {
    let list: Value = serde_json::from_slice(body).ok()?;
    Some(list.get("data")?.as_array()?.iter().filter_map(entry).collect())
}

fn entry(listed: &Value) -> Option<ModelEntry> {
    let length = |at: &&str| listed.pointer(at)?.as_u64().filter(|tokens| *tokens > 0);
    let context_length = LENGTHS.iter().find_map(length).and_then(|tokens| u32::try_from(tokens).ok());
    let id = listed.get("id")?.as_str()?.to_owned();
    Some(ModelEntry { id, context_length, max_model_len: context_length, ..ModelEntry::default() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIST: &str = r#"{"object": "list", "data": [
        {"id": "a", "object": "model", "max_model_len": 4096},
        {"id": "b", "object": "model_card", "created": 1.5, "meta": {"n_ctx_train": 131072, "n_ctx": 8192}},
        {"id": "c", "meta": null}, {"id": 4}, {"id": "d", "context_length": -1, "max_model_len": 99999999999}]}"#;

    #[test]
    fn lengths_are_found_where_servers_write_them() {
        let read = read_list(LIST.as_bytes()).unwrap();
        let lengths: Vec<_> = read.iter().map(|entry| (entry.id.as_str(), entry.context_length)).collect();
        assert_eq!(lengths, [("a", Some(4096)), ("b", Some(8192)), ("c", None), ("d", None)]);
        assert!(read_list(b"{}").is_none() && read_list(b"<html>").is_none());
    }

    proptest! {
        #[test]
        fn a_list_of_any_bytes_is_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..64),
            at in 0..LIST.len(),
            whole in any::<bool>(),
        ) {
            let mut list = LIST.as_bytes().to_vec();
            let end = if whole { (at + bytes.len()).min(list.len()) } else { list.len() };
            list.splice(at..end, bytes.iter().copied());
            for body in [&bytes, &list] {
                let read = read_list(body);
                prop_assert!(read.is_none() || serde_json::from_slice::<Value>(body).is_ok());
            }
        }
    }
}
