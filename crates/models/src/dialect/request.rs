//! Requests as they go upstream: every field that is sent, and no other. Borrowed and written once.
//!
//! What only the door needs (`user`, `metadata`, `store`, `service_tier`) does not leave it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use wire::chat::{ChatRequest, Message, MessageRole, ResponseFormat, Stop, StreamOptions, Tool, ToolChoice};
use wire::completion::{CompletionRequest, Prompt};
use wire::embedding::{EmbeddingRequest, EncodingFormat, InputType};
use wire::engine::EngineExtras;

use crate::ModelsError;
use crate::config::ModelConfig;
use crate::dialect::Quirks;

/// What is sent beside the client's own request.
pub(crate) struct Additions<'a> {
    pub(crate) model: &'a ModelConfig,
    pub(crate) quirks: Quirks,
    pub(crate) stream: bool,
    pub(crate) cache_salt: Option<&'a str>,
    pub(crate) engine: Option<&'a EngineExtras>,
}

/// Usage is what limits and costs are settled by, whether or not the client wants to see it.
const WITH_USAGE: StreamOptions = StreamOptions { include_usage: Some(true), include_obfuscation: None };

#[derive(Serialize)]
struct Sampling<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop: Option<&'a Stop>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logit_bias: Option<&'a BTreeMap<u32, f64>>,
}

#[derive(Serialize)]
struct Ours<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_salt: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    engine: Option<&'a EngineExtras>,
}

impl<'a> Ours<'a> {
    fn new(additions: &Additions<'a>) -> Self {
        Self {
            stream: additions.stream,
            stream_options: additions.stream.then_some(WITH_USAGE),
            cache_salt: additions.cache_salt,
            engine: additions.engine,
        }
    }
}

#[derive(Serialize)]
struct ChatBody<'a> {
    model: &'a str,
    messages: Cow<'a, [Message]>,
    #[serde(flatten)]
    sampling: Sampling<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "<[Tool]>::is_empty")]
    tools: &'a [Tool],
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a ToolChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'a ResponseFormat>,
    #[serde(flatten)]
    ours: Ours<'a>,
}

/// The body of `/chat/completions`.
pub(crate) fn chat(request: &ChatRequest, additions: &Additions<'_>) -> Result<Bytes, ModelsError> {
    let quirks = additions.quirks;
    let (max_tokens, max_completion_tokens) = match quirks.older_token_limit {
        true => (request.token_limit(), None),
        false => (request.max_tokens, request.max_completion_tokens),
    };
    let sampling = Sampling {
        n: request.n,
        stop: request.stop.as_ref(),
        seed: request.seed,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: top_k(request.top_k, quirks)?,
        min_p: min_p(request.min_p, quirks)?,
        max_tokens,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        logit_bias: request.logit_bias.as_ref(),
    };
    write(&ChatBody {
        model: additions.model.upstream_name(),
        messages: messages(&request.messages, quirks),
        sampling,
        max_completion_tokens,
        logprobs: request.logprobs,
        top_logprobs: request.top_logprobs,
        tools: request.tools(),
        // A choice among no tools is refused by several servers, and says nothing.
        tool_choice: request.tool_choice.as_ref().filter(|_| !request.tools().is_empty()),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| !request.tools().is_empty()),
        response_format: request.response_format.as_ref(),
        ours: Ours::new(additions),
    })
}

#[derive(Serialize)]
struct CompletionBody<'a> {
    model: &'a str,
    prompt: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    echo: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<u32>,
    #[serde(flatten)]
    sampling: Sampling<'a>,
    #[serde(flatten)]
    ours: Ours<'a>,
}

/// The body of `/completions`.
pub(crate) fn completion(request: &CompletionRequest, additions: &Additions<'_>) -> Result<Bytes, ModelsError> {
    let quirks = additions.quirks;
    let sampling = Sampling {
        n: request.n,
        stop: request.stop.as_ref(),
        seed: request.seed,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: top_k(request.top_k, quirks)?,
        min_p: min_p(request.min_p, quirks)?,
        max_tokens: request.max_tokens,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        logit_bias: request.logit_bias.as_ref(),
    };
    write(&CompletionBody {
        model: additions.model.upstream_name(),
        prompt: lone_or_many(&request.prompt),
        echo: request.echo,
        logprobs: request.logprobs,
        sampling,
        ours: Ours::new(additions),
    })
}

#[derive(Serialize)]
struct EmbeddingBody<'a> {
    model: &'a str,
    input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding_format: Option<EncodingFormat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_type: Option<InputType>,
    #[serde(flatten)]
    ours: Ours<'a>,
}

/// The body of `/embeddings`.
pub(crate) fn embedding(request: &EmbeddingRequest, additions: &Additions<'_>) -> Result<Bytes, ModelsError> {
    let model = additions.model;
    let asked = request.input_type.unwrap_or(UNSAID_INPUT_TYPE);
    let prefixes = model.prefixes.as_ref().filter(|_| !additions.quirks.input_type);
    let prefix = prefixes.map(|prefixes| match asked {
        InputType::Query => prefixes.query.as_str(),
        InputType::Passage => prefixes.passage.as_str(),
    });
    // A model that is known to have so many numbers is not asked for them: few servers know the field.
    let dimensions = request.dimensions.filter(|asked| model.dimensions != Some(*asked));
    write(&EmbeddingBody {
        model: model.upstream_name(),
        input: match prefix {
            Some(prefix) => Value::Array(prefixed(&request.input, prefix)?),
            None => lone_or_many(&request.input),
        },
        encoding_format: request.encoding_format,
        dimensions,
        input_type: additions.quirks.input_type.then_some(asked),
        ours: Ours::new(additions),
    })
}

/// What a text is not said to be, it is taken for what is stored; the embedded engine does the same.
const UNSAID_INPUT_TYPE: InputType = InputType::Passage;

fn prefixed(inputs: &[Prompt], prefix: &str) -> Result<Vec<Value>, ModelsError> {
    let text = |input: &Prompt| match input {
        Prompt::Text(text) => Ok(Value::String(format!("{prefix}{text}"))),
        Prompt::Tokens(_) => {
            Err(refused("input", "this model wants a prefix before each text, so it takes no token ids: send text"))
        }
    };
    inputs.iter().map(text).collect()
}

fn lone_or_many(prompts: &[Prompt]) -> Value {
    match prompts {
        [one] => serde_json::to_value(one),
        many => serde_json::to_value(many),
    }
    // INVARIANT: text and numbers are always JSON.
    .unwrap_or_default()
}

fn messages(messages: &[Message], quirks: Quirks) -> Cow<'_, [Message]> {
    let newer = |message: &Message| message.role == MessageRole::Developer;
    if quirks.developer_role || !messages.iter().any(newer) {
        return Cow::Borrowed(messages);
    }
    let mut messages = messages.to_vec();
    for message in messages.iter_mut().filter(|message| newer(message)) {
        message.role = MessageRole::System;
    }
    Cow::Owned(messages)
}

/// 0 and -1 mean all tokens: nothing is to be sent.
fn top_k(top_k: Option<i32>, quirks: Quirks) -> Result<Option<i32>, ModelsError> {
    match top_k.filter(|count| *count > 0) {
        Some(_) if !quirks.extra_sampling => Err(refused("top_k", NOT_HONOURED)),
        top_k => Ok(top_k),
    }
}

fn min_p(min_p: Option<f64>, quirks: Quirks) -> Result<Option<f64>, ModelsError> {
    match min_p.filter(|share| *share > 0.0) {
        Some(_) if !quirks.extra_sampling => Err(refused("min_p", NOT_HONOURED)),
        min_p => Ok(min_p),
    }
}

const NOT_HONOURED: &str = "the server behind this model does not honour this parameter: leave it out";

fn refused(param: &str, message: &str) -> ModelsError {
    ModelsError::Rejected { message: message.to_owned(), param: Some(param.to_owned()), code: "unsupported_parameter" }
}

fn write(body: &impl Serialize) -> Result<Bytes, ModelsError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| ModelsError::Rejected {
        message: format!("the request cannot be written as JSON: {error}"),
        param: None,
        code: "invalid_value",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ModelKind, Prefixes};
    use crate::dialect::Dialect;
    use serde_json::json;

    fn model() -> ModelConfig {
        ModelConfig { upstream_name: Some("org/big".into()), ..ModelConfig::new("big", ModelKind::Chat) }
    }

    fn sent(dialect: Dialect, request: Value) -> Result<Value, ModelsError> {
        let request: ChatRequest = serde_json::from_value(request).unwrap();
        let model = model();
        let additions =
            Additions { model: &model, quirks: dialect.quirks(), stream: true, cache_salt: Some("s"), engine: None };
        Ok(serde_json::from_slice(&chat(&request, &additions)?).unwrap())
    }

    #[test]
    fn what_is_only_for_the_door_stays_here_and_all_else_goes() {
        let full = json!({
            "model": "big", "messages": [{"role": "user", "content": "hi"}],
            "n": 2, "stop": ["a", "b"], "seed": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "min_p": 0.1,
            "max_tokens": 8, "presence_penalty": 1.0, "frequency_penalty": -1.0, "logit_bias": {"5": 1.0},
            "logprobs": true, "top_logprobs": 3, "parallel_tool_calls": false,
            "tools": [{"type": "function", "function": {"name": "f"}}],
            "tool_choice": "required", "response_format": {"type": "json_object"},
        });
        let mut asked = full.clone();
        asked["user"] = json!("u");
        asked["metadata"] = json!({"a": "b"});
        asked["store"] = json!(true);
        asked["service_tier"] = json!("auto");
        let mut expected = full;
        expected["model"] = json!("org/big");
        expected["stream"] = json!(true);
        expected["stream_options"] = json!({"include_usage": true});
        expected["cache_salt"] = json!("s");
        assert_eq!(sent(Dialect::Vllm, asked).unwrap(), expected);
    }

    #[test]
    fn a_server_is_asked_in_its_own_words() {
        let asked = json!({
            "model": "big", "messages": [{"role": "developer", "content": "x"}], "max_completion_tokens": 9,
            "top_k": -1, "min_p": 0.0, "tool_choice": "auto",
        });
        let openai = sent(Dialect::Openai, asked.clone()).unwrap();
        assert_eq!(
            (&openai["max_completion_tokens"], &openai["messages"][0]["role"]),
            (&json!(9), &json!("developer"))
        );
        assert!(openai.get("top_k").is_none() && openai.get("min_p").is_none() && openai.get("tool_choice").is_none());
        let nim = sent(Dialect::Nim, asked).unwrap();
        assert_eq!((&nim["max_tokens"], &nim["messages"][0]["role"]), (&json!(9), &json!("system")));
        assert!(nim.get("max_completion_tokens").is_none());
    }

    #[test]
    fn what_a_server_cannot_honour_is_refused_by_name() {
        for (param, value) in [("top_k", json!(5)), ("min_p", json!(0.2))] {
            let mut asked = json!({"model": "big", "messages": []});
            asked[param] = value;
            let error = sent(Dialect::Openai, asked.clone()).unwrap_err();
            assert_eq!((error.param(), error.code()), (Some(param), "unsupported_parameter"));
            assert!(sent(Dialect::Vllm, asked).is_ok());
        }
    }

    fn embedded(dialect: Dialect, model: &ModelConfig, request: Value) -> Result<Value, ModelsError> {
        let request: EmbeddingRequest = serde_json::from_value(request).unwrap();
        let quirks = dialect.quirks();
        let additions = Additions { model, quirks, stream: false, cache_salt: None, engine: None };
        Ok(serde_json::from_slice(&embedding(&request, &additions)?).unwrap())
    }

    #[test]
    fn a_model_gets_its_prefixes_and_a_server_that_knows_them_the_type() {
        let prefixes = Prefixes { query: "query: ".into(), passage: "passage: ".into() };
        let e5 = ModelConfig {
            prefixes: Some(prefixes),
            dimensions: Some(384),
            ..ModelConfig::new("e5", ModelKind::Embedding)
        };
        let asked = json!({"model": "e5", "input": ["a", "b"], "input_type": "query", "dimensions": 384});
        let sent = embedded(Dialect::Vllm, &e5, asked.clone()).unwrap();
        assert_eq!(sent, json!({"model": "e5", "input": ["query: a", "query: b"]}));
        let sent = embedded(Dialect::Freehold, &e5, asked).unwrap();
        assert_eq!(sent, json!({"model": "e5", "input": ["a", "b"], "input_type": "query"}));
        let unsaid = embedded(Dialect::Vllm, &e5, json!({"model": "e5", "input": "a"})).unwrap();
        assert_eq!(unsaid["input"], json!(["passage: a"]));
        let tokens = embedded(Dialect::Vllm, &e5, json!({"model": "e5", "input": [1, 2]})).unwrap_err();
        assert_eq!(tokens.param(), Some("input"));
        let plain = ModelConfig::new("nv", ModelKind::Embedding);
        let sent = embedded(Dialect::Nim, &plain, json!({"model": "nv", "input": [1, 2]})).unwrap();
        assert_eq!(sent, json!({"model": "nv", "input": [1, 2], "input_type": "passage"}));
    }
}
