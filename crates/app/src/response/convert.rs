//! Between the Responses API's items and a chat's messages.

use domain::Timestamp;
use wire::chat::{ChatRequest, Content, Logprobs, Message, MessageRole, ResponseFormat, Tool, ToolCall, Usage};
use wire::response::{
    ConversationName, FunctionCallItem, IncompleteDetails, IncompleteReason, Input, Item, ItemStatus, MessageItem,
    Part, Response, ResponseRequest, ResponseStatus, TextLogprob, TextOptions,
};

use crate::ids::Ids;
use crate::transcript::Answer;

/// The chat request that answers a response: instructions, what came before, what is new.
pub(super) fn to_chat(request: &ResponseRequest, history: &[Item], new: &[Item]) -> ChatRequest {
    let instructions = request.instructions.iter().map(|text| Message::new(MessageRole::System, text.as_str()));
    let mut messages: Vec<Message> = instructions.collect();
    for item in history.iter().chain(new) {
        push(&mut messages, item);
    }
    let wants_logprobs = request.wants_logprobs();
    ChatRequest {
        model: request.model.clone(),
        messages,
        stream: request.stream,
        temperature: request.temperature,
        top_p: request.top_p,
        max_completion_tokens: request.max_output_tokens,
        logprobs: wants_logprobs.then_some(true),
        top_logprobs: request.top_logprobs.filter(|_| wants_logprobs),
        tools: request.tools.clone().map(|tools| tools.into_iter().map(Tool::from).collect()),
        tool_choice: request.tool_choice.clone().map(|choice| choice.0),
        parallel_tool_calls: request.parallel_tool_calls,
        response_format: request.text.clone().and_then(|text| text.format).map(ResponseFormat::from),
        user: request.user.clone(),
        metadata: request.metadata.clone(),
        ..ChatRequest::default()
    }
}

/// The new items of a request, each with an id.
pub(super) fn new_items(request: &ResponseRequest, ids: &Ids, now: Timestamp) -> Vec<Item> {
    let items = match &request.input {
        None => Vec::new(),
        Some(Input::Items(items)) => items.clone(),
        Some(Input::Text(text)) => vec![Item::Message(MessageItem {
            id: None,
            status: ItemStatus::Completed,
            role: MessageRole::User,
            content: vec![Part::InputText { text: text.clone() }],
        })],
    };
    items.into_iter().map(|item| with_id(item, ids, now)).collect()
}

/// The item under a fresh id: a client's own ids could clash with ours.
pub(crate) fn with_id(mut item: Item, ids: &Ids, now: Timestamp) -> Item {
    let prefix = match item {
        Item::Message(_) => "msg",
        Item::FunctionCall(_) => "fc",
        Item::FunctionCallOutput(_) => "fco",
    };
    item.set_id(item_id(prefix, ids, now));
    item
}

/// A fresh id for an item, `msg_` and 32 hex digits.
pub(super) fn item_id(prefix: &str, ids: &Ids, now: Timestamp) -> String {
    format!("{prefix}_{}", ids.uuid(now).simple())
}

fn push(messages: &mut Vec<Message>, item: &Item) {
    match item {
        Item::Message(item) => messages.push(Message::new(item.role, item.text())),
        Item::FunctionCall(item) => push_call(messages, item),
        Item::FunctionCallOutput(item) => messages.push(Message {
            role: MessageRole::Tool,
            content: Some(Content::Text(item.output.clone())),
            tool_call_id: Some(item.call_id.clone()),
            ..Message::default()
        }),
    }
}

/// Calls that follow one another, or the assistant's words, are one message of a chat.
fn push_call(messages: &mut Vec<Message>, item: &FunctionCallItem) {
    let call = ToolCall::new(item.call_id.as_str(), item.name.as_str(), item.arguments.as_str());
    match messages.last_mut() {
        Some(last) if last.role == MessageRole::Assistant => last.tool_calls.get_or_insert_default().push(call),
        _ => {
            messages.push(Message { role: MessageRole::Assistant, tool_calls: Some(vec![call]), ..Message::default() })
        }
    }
}

/// The response as it begins: what was asked, nothing said yet.
pub(super) fn opened(id: String, request: &ResponseRequest, stored: bool, now: Timestamp) -> Response {
    Response {
        id,
        created_at: now.seconds(),
        status: ResponseStatus::InProgress,
        instructions: request.instructions.clone(),
        max_output_tokens: request.max_output_tokens,
        model: request.model.clone(),
        parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
        previous_response_id: request.previous_response_id.clone(),
        conversation: request.conversation.as_ref().map(|conversation| ConversationName { id: conversation.0.clone() }),
        store: stored,
        temperature: request.temperature,
        text: TextOptions { format: Some(request.text.clone().unwrap_or_default().format.unwrap_or_default()) },
        tool_choice: request.tool_choice.clone().unwrap_or_default(),
        tools: request.tools.clone().unwrap_or_default(),
        top_logprobs: request.top_logprobs,
        top_p: request.top_p,
        user: request.user.clone(),
        metadata: request.metadata.clone().unwrap_or_default(),
        service_tier: Some("default".to_owned()),
        ..Response::default()
    }
}

/// Ends a response: whole, or cut short by a limit.
pub(super) fn end(response: &mut Response, answer: &Answer, usage: Option<Usage>, now: Timestamp) {
    use wire::chat::FinishReason::{ContentFilter, Length};
    let reason = match answer.finish_reason {
        Some(Length) => Some(IncompleteReason::MaxOutputTokens),
        Some(ContentFilter) => Some(IncompleteReason::ContentFilter),
        _ => None,
    };
    response.status = if reason.is_some() { ResponseStatus::Incomplete } else { ResponseStatus::Completed };
    response.incomplete_details = reason.map(|reason| IncompleteDetails { reason });
    response.completed_at = reason.is_none().then(|| now.seconds());
    response.usage = usage.map(Into::into);
}

/// The log-probabilities of a chat in the shape of this API.
pub(super) fn text_logprobs(logprobs: Option<&Logprobs>) -> Vec<TextLogprob> {
    let tokens = logprobs.and_then(|logprobs| logprobs.content.as_deref()).unwrap_or_default();
    let convert = |token: &wire::chat::TokenLogprob| TextLogprob {
        token: token.token.clone(),
        logprob: token.logprob,
        bytes: token.bytes.clone().unwrap_or_default(),
        top_logprobs: token.top_logprobs.clone(),
    };
    tokens.iter().map(convert).collect()
}
