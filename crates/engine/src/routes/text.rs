//! `/render`, `/tokenize`, `/detokenize`: so that training sees the same tokens as serving.

use axum::Json;
use axum::body::Bytes;
use wire::engine::{DetokenizeReply, DetokenizeRequest, RenderReply, RenderRequest, TokenizeReply, TokenizeRequest};

use super::{Shared, read};
use crate::engine::{Loaded, TextModel};
use crate::error::EngineError;
use crate::history::Label;
use crate::identity;
use crate::native::Token;
use crate::prompt::{Composer, Conversation, Labelled};

pub(super) async fn render(engine: Shared, body: Bytes) -> Result<Json<RenderReply>, EngineError> {
    let request: RenderRequest = read(&body)?;
    let model = engine.text()?;
    let private = Label::Private(engine.request_number());
    let messages = request.messages.into_iter().map(|message| Labelled { message, label: private.clone() });
    let conversation = Conversation {
        messages: messages.collect(),
        tools: request.tools,
        preamble: private.clone(),
        private,
        open_turn: request.add_generation_prompt,
        now: identity::timestamp(),
        every_span: true,
    };
    let prompt = composer(model)?.compose(&conversation, &model.vocabulary)?;
    Ok(Json(RenderReply { tokens: ids(prompt.history.tokens()), prompt: prompt.text, label_spans: prompt.spans }))
}

pub(super) async fn tokenize(engine: Shared, body: Bytes) -> Result<Json<TokenizeReply>, EngineError> {
    let request: TokenizeRequest = read(&body)?;
    let tokens = match engine.loaded()? {
        Loaded::Text(model) => model.vocabulary.tokenize(&request.text, request.add_special, request.parse_special),
        Loaded::Embedding(model) => model.reader.read(&request.text)?,
    };
    let tokens = ids(&tokens);
    Ok(Json(TokenizeReply { count: u32::try_from(tokens.len()).unwrap_or(u32::MAX), tokens }))
}

pub(super) async fn detokenize(engine: Shared, body: Bytes) -> Result<Json<DetokenizeReply>, EngineError> {
    let request: DetokenizeRequest = read(&body)?;
    let model = engine.text()?;
    let tokens = tokens("tokens", &request.tokens, model)?;
    let bytes = model.vocabulary.detokenize(&tokens);
    Ok(Json(DetokenizeReply { text: String::from_utf8_lossy(&bytes).into_owned() }))
}

/// The chat template.
///
/// # Errors
/// Where the model's file has none.
pub(super) fn composer(model: &TextModel) -> Result<&Composer, EngineError> {
    let missing = "the model's file has no chat template; use /v1/completions or another model";
    model.composer.as_ref().ok_or_else(|| EngineError::unsupported("messages", missing))
}

/// Token ids as they come over HTTP, checked.
pub(super) fn tokens(param: &str, ids: &[u32], model: &TextModel) -> Result<Vec<Token>, EngineError> {
    let known = |id: &u32| {
        let token = Token::try_from(*id).ok().filter(|token| model.vocabulary.contains(*token));
        token.ok_or_else(|| EngineError::value(param, format_args!("the model has no token {id}")))
    };
    ids.iter().map(known).collect()
}

fn ids(tokens: &[Token]) -> Vec<u32> {
    tokens.iter().filter_map(|token| u32::try_from(*token).ok()).collect()
}
