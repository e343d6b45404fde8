//! What leaves the door, byte for byte. The golden files are also what the official client's types were
//! read against.

use domain::TraceId;
use expect_test::{ExpectFile, expect_file};
use serde::Serialize;
use serde_json::json;
use wire::chat::{
    AssistantMessage, AssistantRole, ChatChunk, ChatResponse, Choice, ChunkChoice, Delta, FinishReason, Logprobs,
    TokenLogprob, ToolCall, ToolCallDelta, TopLogprob, Usage,
};
use wire::completion::{CompletionChoice, CompletionLogprobs, CompletionResponse};
use wire::conversation::{Conversation, ItemList};
use wire::embedding::{EmbeddingEntry, EmbeddingResponse, EmbeddingUsage, EncodingFormat, Vector};
use wire::freehold::{Additions, ChunkAdditions, Citation};
use wire::list::Deleted;
use wire::model::{Locality, ModelAdditions, ModelEntry, ModelKind, ModelList};
use wire::response::{
    Event, EventKind, FunctionCallItem, FunctionOutputItem, IncompleteDetails, IncompleteReason, Item, ItemStatus,
    MessageItem, Part, Response, ResponseError, ResponseRequest, ResponseStatus, TextLogprob,
};

use super::bodies;

fn golden(values: &[impl Serialize], expected: &ExpectFile) {
    let lines: String = values.iter().map(|value| serde_json::to_string_pretty(value).unwrap() + "\n").collect();
    expected.assert_eq(&lines);
}

fn additions() -> Additions {
    Additions {
        trace: Some("trc_0192f0c1d2e37a4b8c5d6e7f8091a2b3".parse::<TraceId>().unwrap()),
        task: Some("support-triage".into()),
        model: Some("smollm2".into()),
        adapter: None,
        citations: vec![citation()],
        cost_micro_usd: 12,
    }
}

fn citation() -> Citation {
    Citation {
        n: 1,
        document: "doc_0192f0c1d2e37a4b8c5d6e7f8091a2b3".into(),
        external_id: Some("leave.md".into()),
        source: Some("policies".into()),
        title: Some("Leave".into()),
        url: None,
        start: 10,
        end: 20,
        quote: "thirty days".into(),
    }
}

fn logprobs() -> Logprobs {
    let top = TopLogprob { token: "Hi".into(), logprob: -0.25, bytes: Some(b"Hi".to_vec()) };
    let token =
        TokenLogprob { token: "Hi".into(), logprob: -0.25, bytes: Some(b"Hi".to_vec()), top_logprobs: vec![top] };
    Logprobs { content: Some(vec![token]), refusal: None }
}

#[test]
fn chat() {
    let choice = |index, message, finish_reason| Choice { index, message, logprobs: None, finish_reason };
    let words = AssistantMessage { content: Some("Hi".into()), ..AssistantMessage::default() };
    let calls = AssistantMessage {
        tool_calls: vec![ToolCall::new("call_1", "weather", "{\"city\":\"Oslo\"}")],
        ..AssistantMessage::default()
    };
    let mut first = choice(0, words, FinishReason::Stop);
    first.logprobs = Some(logprobs());
    let reply = ChatResponse {
        id: "chatcmpl-1".into(),
        object: wire::chat::ChatObject,
        created: 1_700_000_000,
        model: "assistant".into(),
        choices: vec![first, choice(1, calls, FinishReason::ToolCalls)],
        usage: Some(Usage::new(10, 4, 5)),
        service_tier: Some("default".into()),
        system_fingerprint: Some("fp_1".into()),
        freehold: Some(additions()),
    };
    golden(&[reply], &expect_file!["../golden/chat.json"]);
}

#[test]
fn chat_stream() {
    let chunk = |delta, finish_reason| ChatChunk {
        id: "chatcmpl-1".into(),
        created: 1_700_000_000,
        model: "assistant".into(),
        choices: vec![ChunkChoice { index: 0, delta, logprobs: None, finish_reason }],
        ..ChatChunk::default()
    };
    let calls = |call| Delta { tool_calls: vec![call], ..Delta::default() };
    let opening = Delta { role: Some(AssistantRole), content: Some(String::new()), ..Delta::default() };
    let mut chunks = vec![
        chunk(opening, None),
        chunk(Delta { content: Some("Hi".into()), ..Delta::default() }, None),
        chunk(calls(ToolCallDelta::opening(0, "call_1", "weather")), None),
        chunk(calls(ToolCallDelta::arguments(0, "{}")), None),
        chunk(Delta::default(), Some(FinishReason::ToolCalls)),
        ChatChunk { usage: Some(Usage::new(10, 4, 5)), ..chunk(Delta::default(), None) },
    ];
    chunks[0].freehold = Some(ChunkAdditions::Opening { citations: vec![citation()] });
    chunks[1].choices[0].logprobs = Some(logprobs());
    chunks[5].choices.clear();
    chunks[5].freehold = Some(ChunkAdditions::Closing(additions()));
    golden(&chunks, &expect_file!["../golden/chat_stream.json"]);
}

#[test]
fn completion() {
    let logprobs = CompletionLogprobs {
        tokens: vec!["Once".into(), " upon".into()],
        token_logprobs: vec![None, Some(-0.5)],
        top_logprobs: vec![None, Some([(" upon".to_owned(), -0.5)].into())],
        text_offset: vec![0, 4],
    };
    let reply = CompletionResponse {
        id: "cmpl-1".into(),
        created: 1_700_000_000,
        model: "smollm2".into(),
        choices: vec![CompletionChoice {
            index: 0,
            text: "Once upon".into(),
            logprobs: Some(logprobs),
            finish_reason: Some(FinishReason::Length),
        }],
        usage: Some(Usage::new(1, 0, 1)),
        freehold: Some(ChunkAdditions::Closing(additions())),
        ..CompletionResponse::default()
    };
    golden(&[reply], &expect_file!["../golden/completion.json"]);
}

#[test]
fn embeddings() {
    let entry = |index, format| EmbeddingEntry {
        object: wire::embedding::EmbeddingObject,
        index,
        embedding: Vector::encode(vec![0.5, -1.25], format),
    };
    let reply = EmbeddingResponse {
        object: wire::list::ListObject,
        data: vec![entry(0, EncodingFormat::Float), entry(1, EncodingFormat::Base64)],
        model: "e5".into(),
        usage: EmbeddingUsage { prompt_tokens: 3, total_tokens: 3 },
        freehold: None,
    };
    golden(&[reply], &expect_file!["../golden/embeddings.json"]);
}

#[test]
fn vectors_read_back_from_base64() {
    let values = vec![0.5, -1.25, f32::MIN_POSITIVE, f32::MAX];
    let written = Vector::encode(values.clone(), EncodingFormat::Base64);
    assert_eq!(written.decode(), Some(values));
    assert_eq!(Vector::Base64("AAAA".into()).decode(), None);
    assert_eq!(Vector::Base64("not base64".into()).decode(), None);
    let read: Vector = serde_json::from_value(json!([1, 2.5])).unwrap();
    assert_eq!(read.decode(), Some(vec![1.0, 2.5]));
}

#[test]
fn models() {
    let freehold = ModelAdditions {
        kind: ModelKind::Chat,
        license: Some("Apache-2.0".into()),
        sha256: Some("b179c952".into()),
        quantization: Some("Q4_1".into()),
        locality: Locality::Local,
    };
    let entry = ModelEntry {
        id: "smollm2".into(),
        created: 1_700_000_000,
        owned_by: "HuggingFaceTB".into(),
        context_length: Some(8192),
        max_model_len: Some(8192),
        freehold: Some(freehold),
        ..ModelEntry::default()
    };
    golden(&[ModelList { data: vec![entry], ..ModelList::default() }], &expect_file!["../golden/models.json"]);
}

fn items() -> Vec<Item> {
    let token = TextLogprob { token: "Hi".into(), logprob: -0.25, bytes: b"Hi".to_vec(), top_logprobs: Vec::new() };
    let said = Part::OutputText { text: "Hi".into(), annotations: Vec::new(), logprobs: vec![token] };
    let message = MessageItem {
        id: Some("msg_1".into()),
        status: ItemStatus::Completed,
        role: wire::chat::MessageRole::Assistant,
        content: vec![said, Part::Refusal { refusal: "No.".into() }],
    };
    let call = FunctionCallItem {
        id: Some("fc_1".into()),
        status: ItemStatus::Completed,
        call_id: "call_1".into(),
        name: "weather".into(),
        arguments: "{}".into(),
    };
    vec![Item::Message(message), Item::FunctionCall(call)]
}

/// A response to the fullest request.
fn response() -> Response {
    let asked: ResponseRequest = serde_json::from_value(bodies::response()).unwrap();
    Response {
        id: "resp_1".into(),
        created_at: 1_700_000_000,
        status: ResponseStatus::Completed,
        completed_at: Some(1_700_000_001),
        model: asked.model,
        output: items(),
        parallel_tool_calls: true,
        conversation: Some(wire::response::ConversationName { id: "cnv_1".into() }),
        store: true,
        text: asked.text.unwrap(),
        tool_choice: asked.tool_choice.unwrap(),
        tools: asked.tools.unwrap(),
        usage: Some(Usage::new(10, 4, 5).into()),
        metadata: asked.metadata.unwrap(),
        freehold: Some(additions()),
        ..Response::default()
    }
}

#[test]
fn responses() {
    let failed = Response {
        status: ResponseStatus::Failed,
        error: Some(ResponseError { code: "server_error".into(), message: "The engine restarted; ask again.".into() }),
        ..Response::default()
    };
    let incomplete = Response {
        status: ResponseStatus::Incomplete,
        incomplete_details: Some(IncompleteDetails { reason: IncompleteReason::MaxOutputTokens }),
        ..Response::default()
    };
    golden(&[response(), failed, incomplete], &expect_file!["../golden/responses.json"]);
}

#[test]
fn response_stream() {
    let (item_id, output_index, content_index) = ("msg_1".to_owned(), 0, 0);
    let id = || item_id.clone();
    let whole = || Box::new(Response { status: ResponseStatus::InProgress, ..Response::default() });
    let [message, call]: [Item; 2] = items().try_into().unwrap();
    let kinds = [
        EventKind::Created { response: whole() },
        EventKind::InProgress { response: whole() },
        EventKind::OutputItemAdded { output_index, item: message.clone() },
        EventKind::ContentPartAdded { item_id: id(), output_index, content_index, part: Part::output("") },
        EventKind::OutputTextDelta { item_id: id(), output_index, content_index, delta: "Hi".into(), logprobs: vec![] },
        EventKind::OutputTextDone { item_id: id(), output_index, content_index, text: "Hi".into(), logprobs: vec![] },
        EventKind::RefusalDelta { item_id: id(), output_index, content_index, delta: "No".into() },
        EventKind::RefusalDone { item_id: id(), output_index, content_index, refusal: "No".into() },
        EventKind::ContentPartDone { item_id: id(), output_index, content_index, part: Part::output("Hi") },
        EventKind::OutputItemDone { output_index, item: message },
        EventKind::FunctionCallArgumentsDelta { item_id: "fc_1".into(), output_index: 1, delta: "{".into() },
        EventKind::FunctionCallArgumentsDone {
            item_id: "fc_1".into(),
            name: "weather".into(),
            output_index: 1,
            arguments: "{}".into(),
        },
        EventKind::OutputItemDone { output_index: 1, item: call },
        EventKind::Completed { response: whole() },
        EventKind::Incomplete { response: whole() },
        EventKind::Failed { response: whole() },
        EventKind::Error { code: Some("engine_restarted".into()), message: "Ask again.".into(), param: None },
    ];
    let events: Vec<Event> = (0..).zip(kinds).map(|(sequence_number, kind)| Event { sequence_number, kind }).collect();
    for event in &events {
        let written = serde_json::to_value(event).unwrap();
        assert_eq!(written["type"], event.kind.name());
        assert_eq!(&serde_json::from_value::<Event>(written).unwrap(), event);
    }
    golden(&events, &expect_file!["../golden/response_stream.json"]);
}

#[test]
fn conversations() {
    let conversation = Conversation {
        id: "cnv_1".into(),
        object: wire::conversation::ConversationObject,
        created_at: 1_700_000_000,
        metadata: [("topic".to_owned(), "demo".to_owned())].into(),
    };
    golden(&[conversation], &expect_file!["../golden/conversation.json"]);
    let asked = MessageItem {
        id: Some("msg_0".into()),
        status: ItemStatus::Completed,
        role: wire::chat::MessageRole::User,
        content: vec![Part::InputText { text: "Hello".into() }],
    };
    let returned = FunctionOutputItem {
        id: Some("fo_1".into()),
        status: ItemStatus::Completed,
        call_id: "call_1".into(),
        output: "rain".into(),
    };
    let mut all = vec![Item::Message(asked)];
    all.extend(items());
    all.push(Item::FunctionCallOutput(returned));
    let page = ItemList::page(all, true, |item| item.id().unwrap_or_default().to_owned());
    golden(&[page], &expect_file!["../golden/items.json"]);
    golden(&[Deleted::new("conversation", "cnv_1")], &expect_file!["../golden/deleted.json"]);
}

#[test]
fn items_of_an_answer_may_be_sent_back_as_they_are() {
    let written = json!({"model": "m", "input": items()});
    let request: ResponseRequest = wire::strict::read(written.to_string().as_bytes()).unwrap();
    assert_eq!(request.input, Some(wire::response::Input::Items(items())));
}
