//! From a chat request to a prompt, its grammar and its parameters.

use serde_json::{Value, json};
use wire::chat::{ChatRequest, Message, MessageRole, ResponseFormat};
use wire::engine::{Call, EngineExtras};

use crate::constraint::{ANY_OBJECT, Grammar, enforceable};
use crate::engine::TextModel;
use crate::error::EngineError;
use crate::generation::Parameters;
use crate::history::{History, Label};
use crate::identity;
use crate::prompt::{Conversation, Labelled};
use crate::routes::text::composer;
use crate::tools::{self, Style, ToolPlan};

/// What a chat request comes to.
pub(super) struct Prepared {
    pub(super) prompt: History,
    pub(super) grammar: Option<Grammar>,
    /// The parameter the grammar was made from.
    pub(super) grammar_param: &'static str,
    pub(super) style: Option<Style>,
    pub(super) parameters: Parameters,
}

pub(super) fn prepare(model: &TextModel, call: &Call<ChatRequest>, number: u64) -> Result<Prepared, EngineError> {
    let (request, extras) = (&call.request, &call.engine);
    let composer = composer(model)?;
    let plan = tools::plan(request, composer.style())?;
    let format = format_grammar(request)?;
    if plan.style.is_some() && format.is_some() {
        let message = "it cannot be combined with `tools`; ask for one of the two, or set `tool_choice` to `none`";
        return Err(EngineError::unsupported("response_format", message));
    }
    let grammar_param = if plan.grammar.is_some() { "tools" } else { "response_format" };
    let conversation =
        conversation(request, extras, &plan, composer.style().is_some(), composer.knows_system(), number);
    let prompt = composer.compose(&conversation, &model.vocabulary)?;
    Ok(Prepared {
        prompt: prompt.history,
        grammar: plan.grammar.or(format),
        grammar_param,
        style: plan.style,
        parameters: parameters(request, extras),
    })
}

/// The grammar of `response_format`.
fn format_grammar(request: &ChatRequest) -> Result<Option<Grammar>, EngineError> {
    match &request.response_format {
        None | Some(ResponseFormat::Text) => Ok(None),
        Some(ResponseFormat::JsonObject) => {
            Ok(Some(Grammar::json(&serde_json::from_str(ANY_OBJECT).unwrap_or(Value::Bool(true)))))
        }
        Some(ResponseFormat::JsonSchema { json_schema }) => match enforceable(&json_schema.schema) {
            Ok(schema) => Ok(Some(Grammar::json(&schema))),
            Err(refused) => {
                let param = format!("response_format.json_schema.schema.{}", refused.path);
                Err(EngineError::value(param, refused.reason))
            }
        },
    }
}

/// The messages as this model's template can take them, each with its label.
fn conversation(
    request: &ChatRequest,
    extras: &EngineExtras,
    plan: &ToolPlan,
    knows_tools: bool,
    knows_system: bool,
    number: u64,
) -> Conversation {
    let private = Label::Private(number);
    let label = |label: Option<&String>| label.map_or(private.clone(), |label| Label::Shared(label.as_str().into()));
    let mut messages: Vec<Labelled> = Vec::with_capacity(request.messages.len() + 1);
    for (place, message) in request.messages.iter().enumerate() {
        let label = label(extras.labels.get(place).and_then(Option::as_ref));
        let message = if knows_tools { message.clone() } else { without_tools(message, &request.messages) };
        messages.push(Labelled { message, label });
    }
    let preamble = label(extras.preamble_label.as_ref());
    if let Some(instructions) = &plan.instructions {
        messages.insert(
            0,
            Labelled { message: Message::new(MessageRole::System, instructions.as_str()), label: preamble.clone() },
        );
    }
    merge_system(&mut messages, knows_system, &private);
    let tools = plan.described_by_template.clone();
    Conversation { messages, tools, preamble, private, open_turn: true, now: identity::timestamp(), every_span: false }
}

/// For templates that know no functions: calls and results as words.
fn without_tools(message: &Message, all: &[Message]) -> Message {
    if message.role == MessageRole::Tool {
        let mut calls = all.iter().flat_map(Message::tool_calls);
        let called = calls.find(|call| message.tool_call_id.as_ref() == Some(&call.id));
        let name = called.map_or("the function", |call| call.function.name.as_str());
        return Message::new(MessageRole::User, format!("Result of {name}:\n{}", message.text()));
    }
    if message.tool_calls().is_empty() {
        return message.clone();
    }
    let calls = message.tool_calls().iter().map(|call| {
        let arguments: Value = serde_json::from_str(&call.function.arguments).unwrap_or(Value::Null);
        json!({ "name": call.function.name, "arguments": arguments }).to_string()
    });
    let words: Vec<String> =
        std::iter::once(message.text().into_owned()).filter(|text| !text.is_empty()).chain(calls).collect();
    Message::new(MessageRole::Assistant, words.join("\n"))
}

/// Two system messages at the beginning become one; where the template has no place for any, it becomes the
/// beginning of the first user message. A joined message keeps a shared label only if both had the same.
fn merge_system(messages: &mut Vec<Labelled>, knows_system: bool, private: &Label) {
    let is_system = |labelled: &Labelled| matches!(labelled.message.role, MessageRole::System | MessageRole::Developer);
    while messages.len() > 1 && is_system(&messages[0]) && (is_system(&messages[1]) || !knows_system) {
        let first = messages.remove(0);
        let next = &mut messages[0];
        let words = format!("{}\n\n{}", next_order(&first, next).0, next_order(&first, next).1);
        next.message.content = Some(words.into());
        if next.label != first.label {
            next.label = private.clone();
        }
    }
}

/// Instructions of our own come after the client's system message, before a user's words.
fn next_order(first: &Labelled, next: &Labelled) -> (String, String) {
    let (first_words, next_words) = (first.message.text().into_owned(), next.message.text().into_owned());
    match next.message.role {
        MessageRole::System | MessageRole::Developer => (next_words, first_words),
        _ => (first_words, next_words),
    }
}

fn parameters(request: &ChatRequest, extras: &EngineExtras) -> Parameters {
    let logprobs = request.logprobs.unwrap_or(false);
    let top = request.top_logprobs.and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
    Parameters {
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: request.top_k,
        min_p: request.min_p,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        logit_bias: request.logit_bias.clone(),
        seed: request.seed,
        logprobs: logprobs.then_some(top),
        stops: request.stop.as_ref().map(|stop| stop.0.clone()).unwrap_or_default(),
        max_tokens: request.token_limit(),
        answers: request.n,
        ignore_end: extras.ignore_eos,
        adapter: extras.adapter.clone(),
    }
}
