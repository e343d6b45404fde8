//! [`Route`]: who answers for a model, and who else may where an administrator listed it. The reply names who did.

use std::sync::Arc;

use domain::Price;
use wire::chat::{ChatRequest, ChatResponse};
use wire::completion::{CompletionRequest, CompletionResponse};
use wire::embedding::{EmbeddingRequest, EmbeddingResponse};
use wire::model::Locality;

use crate::config::{ModelConfig, ModelKind};
use crate::error::ModelsError;
use crate::upstream::{ChatChunks, CompletionChunks, Engine, Given, Upstream, UpstreamState};

/// Who asks, for whom caches and turns in the queue are kept apart.
#[derive(Debug, Clone, Default)]
pub struct CallContext {
    /// The caller: whose turn it is in the queue, and whose salt or label.
    pub caller: String,
    /// One cache label per message (or prompt), for an embedded engine; none = not cached.
    pub labels: Vec<Option<String>>,
    /// The adapter that answers, for an embedded engine.
    pub adapter: Option<String>,
}

/// Who answered.
#[derive(Debug, Clone, PartialEq)]
pub struct AnsweredBy {
    /// The upstream.
    pub upstream: String,
    /// The model that really answered, by its name here.
    pub model: String,
    /// Whether it is another one than was asked for, from the model's fallback list.
    pub fallback: bool,
    /// SHA-256 of its weights, hex, where known.
    pub weights_hash: Option<String>,
    /// What its tokens cost.
    pub price: Price,
    /// Whether words left the organisation.
    pub locality: Locality,
    /// How long the request waited for a place, milliseconds.
    pub queue_ms: f64,
}

/// An answer, and who gave it.
#[derive(Debug)]
pub struct Answered<T> {
    /// Who gave it.
    pub by: AnsweredBy,
    /// The answer.
    pub value: T,
}

/// Who answers for a model: first the one that was named, then those on its fallback list, in order.
#[derive(Debug, Clone)]
pub struct Route {
    /// INVARIANT: never empty; the first is the model that was asked for.
    candidates: Arc<[Candidate]>,
}

/// A model at an upstream.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) upstream: Arc<Upstream>,
    /// Its place among the upstream's models.
    pub(crate) at: usize,
}

impl Candidate {
    pub(crate) fn model(&self) -> &ModelConfig {
        &self.upstream.config.models[self.at]
    }
}

impl Route {
    pub(crate) fn new(first: Candidate, fallbacks: impl IntoIterator<Item = Candidate>) -> Self {
        Self { candidates: std::iter::once(first).chain(fallbacks).collect() }
    }

    fn first(&self) -> &Candidate {
        &self.candidates[0]
    }

    /// The model that was asked for, by its name here (not by an alias).
    #[must_use]
    pub fn model(&self) -> &str {
        &self.first().model().name
    }

    /// The configuration of the model that was asked for.
    #[must_use]
    pub fn model_config(&self) -> &ModelConfig {
        self.first().model()
    }

    /// The upstream that is asked first.
    #[must_use]
    pub fn upstream(&self) -> &str {
        self.first().upstream.name()
    }

    /// What the model does.
    #[must_use]
    pub fn kind(&self) -> ModelKind {
        self.first().model().kind
    }

    /// The highest prices of all that may answer: what a limit must reserve.
    #[must_use]
    pub fn price(&self) -> Price {
        let prices = || self.candidates.iter().map(|candidate| candidate.model().price);
        Price {
            prompt_micro_usd_per_million: prices().map(|p| p.prompt_micro_usd_per_million).max().unwrap_or(0),
            completion_micro_usd_per_million: prices().map(|p| p.completion_micro_usd_per_million).max().unwrap_or(0),
        }
    }

    /// Most tokens of prompt and answer together, where known.
    #[must_use]
    pub fn context_length(&self) -> Option<u32> {
        let first = self.first();
        first.upstream.context_length(first.model())
    }

    /// The names of the models that may answer instead, in order.
    pub fn fallbacks(&self) -> impl Iterator<Item = &str> {
        self.candidates.iter().skip(1).map(|candidate| candidate.model().name.as_str())
    }

    /// The embedded engine that is asked first, if it is one.
    #[must_use]
    pub fn engine(&self) -> Option<Engine> {
        let upstream = &self.first().upstream;
        upstream.config.is_embedded().then(|| Engine::new(upstream.clone()))
    }

    /// How many tokens the prompt has: counted by the embedded engine; none where nobody can count them now.
    pub async fn count_prompt_tokens(&self, request: &ChatRequest) -> Option<u64> {
        let engine = self.engine()?;
        if self.first().upstream.state() != UpstreamState::Ready {
            return None;
        }
        engine.count_prompt_tokens(request).await.ok()
    }

    /// A whole chat completion.
    ///
    /// # Errors
    /// That of the model asked for, where nobody on its fallback list answered either.
    pub async fn chat(
        &self,
        request: &ChatRequest,
        context: CallContext,
    ) -> Result<Answered<ChatResponse>, ModelsError> {
        let mut tries = self.tries(ModelKind::Chat)?;
        loop {
            let candidate = tries.next()?;
            let given = candidate.upstream.chat(candidate.model(), request, &context).await;
            if let Some(answered) = tries.settle(given)? {
                return Ok(answered);
            }
        }
    }

    /// A chat completion as it is made; resolves with its first piece, so that an error until then has a status.
    ///
    /// # Errors
    /// As [`Route::chat`].
    pub async fn chat_stream(
        &self,
        request: &ChatRequest,
        context: CallContext,
    ) -> Result<Answered<ChatChunks>, ModelsError> {
        let mut tries = self.tries(ModelKind::Chat)?;
        loop {
            let candidate = tries.next()?;
            let given = candidate.upstream.chat_stream(candidate.model(), request, &context).await;
            if let Some(answered) = tries.settle(given)? {
                return Ok(answered);
            }
        }
    }

    /// A whole completion.
    ///
    /// # Errors
    /// As [`Route::chat`].
    pub async fn completion(
        &self,
        request: &CompletionRequest,
        context: CallContext,
    ) -> Result<Answered<CompletionResponse>, ModelsError> {
        let mut tries = self.tries(ModelKind::Chat)?;
        loop {
            let candidate = tries.next()?;
            let given = candidate.upstream.completion(candidate.model(), request, &context).await;
            if let Some(answered) = tries.settle(given)? {
                return Ok(answered);
            }
        }
    }

    /// A completion as it is made; resolves with its first piece.
    ///
    /// # Errors
    /// As [`Route::chat`].
    pub async fn completion_stream(
        &self,
        request: &CompletionRequest,
        context: CallContext,
    ) -> Result<Answered<CompletionChunks>, ModelsError> {
        let mut tries = self.tries(ModelKind::Chat)?;
        loop {
            let candidate = tries.next()?;
            let given = candidate.upstream.completion_stream(candidate.model(), request, &context).await;
            if let Some(answered) = tries.settle(given)? {
                return Ok(answered);
            }
        }
    }

    /// Embeddings, in the order of the input.
    ///
    /// # Errors
    /// As [`Route::chat`]; embedding models have no fallbacks, since vectors of two models cannot be compared.
    pub async fn embeddings(
        &self,
        request: &EmbeddingRequest,
        context: CallContext,
    ) -> Result<Answered<EmbeddingResponse>, ModelsError> {
        let mut tries = self.tries(ModelKind::Embedding)?;
        loop {
            let candidate = tries.next()?;
            let given = candidate.upstream.embeddings(candidate.model(), request, &context).await;
            if let Some(answered) = tries.settle(given)? {
                return Ok(answered);
            }
        }
    }

    fn tries(&self, wanted: ModelKind) -> Result<Tries<'_>, ModelsError> {
        if self.kind() != wanted {
            let (model, is) = (self.model().to_owned(), self.kind().as_str());
            return Err(ModelsError::WrongKind { model, is, wanted: wanted.as_str() });
        }
        Ok(Tries { candidates: &self.candidates, tried: 0, first_error: None })
    }
}

/// The candidates one after the other, and the error of the first.
struct Tries<'a> {
    candidates: &'a [Candidate],
    tried: usize,
    first_error: Option<ModelsError>,
}

impl<'a> Tries<'a> {
    /// The next to ask; the first's error when there is none.
    fn next(&mut self) -> Result<&'a Candidate, ModelsError> {
        match (self.candidates.get(self.tried), &self.first_error) {
            (Some(candidate), _) => {
                self.tried += 1;
                Ok(candidate)
            }
            (None, Some(error)) => Err(error.clone()),
            (None, None) => Err(ModelsError::UnknownModel { name: String::new() }),
        }
    }

    /// Names who answered; none where the next may be asked.
    fn settle<T>(&mut self, given: Result<Given<T>, ModelsError>) -> Result<Option<Answered<T>>, ModelsError> {
        match given {
            Ok(Given { value, queue_ms }) => Ok(Some(Answered { by: self.named(queue_ms), value })),
            Err(error) => {
                let goes_on = error.lets_another_answer();
                let first = self.first_error.get_or_insert(error);
                if goes_on { Ok(None) } else { Err(first.clone()) }
            }
        }
    }

    fn named(&self, queue_ms: f64) -> AnsweredBy {
        let candidate = &self.candidates[self.tried - 1];
        let model = candidate.model();
        AnsweredBy {
            upstream: candidate.upstream.name().to_owned(),
            model: model.name.clone(),
            fallback: self.tried > 1,
            weights_hash: model.sha256.clone(),
            price: model.price,
            locality: candidate.upstream.config.locality,
            queue_ms,
        }
    }
}
