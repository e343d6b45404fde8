//! The streaming events of a response, written from the chunks of a chat. A whole answer goes the same way in one
//! step, so that both give the same items.

use std::collections::VecDeque;
use std::sync::Arc;

use wire::chat::{ChatChunk, ChunkChoice, FinishReason, ToolCallDelta};
use wire::response::{
    Event, EventKind, FunctionCallItem, Item, ItemStatus, MessageItem, Part, Response, ResponseStatus, TextLogprob,
};

use super::convert::{item_id, text_logprobs};
use crate::app::App;

/// Writes events as chunks arrive. Items open when their first words come and close in order of opening.
pub(super) struct EventWriter {
    app: Arc<App>,
    /// The response so far.
    pub(super) response: Response,
    open: Option<OpenItem>,
    events: VecDeque<Event>,
    next: u64,
}

/// The item that is being written.
enum OpenItem {
    /// Words.
    Message { id: String, text: String, logprobs: Vec<TextLogprob> },
    /// Words of a refusal.
    Refusal { id: String, text: String },
    /// A call.
    Call { index: u32, item: FunctionCallItem },
}

impl EventWriter {
    /// Begins with the response as it was asked for.
    pub(super) fn new(app: &Arc<App>, response: Response) -> Self {
        let app = app.clone();
        let mut writer = Self { app, response, open: None, events: VecDeque::new(), next: 0 };
        writer.emit(EventKind::Created { response: Box::new(writer.response.clone()) });
        writer.emit(EventKind::InProgress { response: Box::new(writer.response.clone()) });
        writer
    }

    /// The next event that is ready.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Adds an event under the next number.
    pub(super) fn emit(&mut self, kind: EventKind) {
        self.events.push_back(Event { sequence_number: self.next, kind });
        self.next += 1;
    }

    /// What a chunk brings. A response has one answer.
    pub(super) fn chunk(&mut self, chunk: &ChatChunk) {
        for choice in chunk.choices.iter().filter(|choice| choice.index == 0) {
            self.choice(choice);
        }
    }

    /// The last event: the response as it stands.
    pub(super) fn end(&mut self) {
        let response = Box::new(self.response.clone());
        self.emit(match self.response.status {
            ResponseStatus::Incomplete => EventKind::Incomplete { response },
            ResponseStatus::Failed => EventKind::Failed { response },
            _ => EventKind::Completed { response },
        });
    }

    fn choice(&mut self, choice: &ChunkChoice) {
        if let Some(words) = choice.delta.content.as_deref().filter(|words| !words.is_empty()) {
            self.words(words, text_logprobs(choice.logprobs.as_ref()));
        }
        if let Some(words) = choice.delta.refusal.as_deref().filter(|words| !words.is_empty()) {
            self.refusal(words);
        }
        for delta in &choice.delta.tool_calls {
            self.call(delta);
        }
        if let Some(reason) = choice.finish_reason {
            let whole = !matches!(reason, FinishReason::Length | FinishReason::ContentFilter);
            self.close(if whole { ItemStatus::Completed } else { ItemStatus::Incomplete });
        }
    }

    fn output_index(&self) -> u32 {
        self.response.output.len() as u32
    }

    fn words(&mut self, words: &str, logprobs: Vec<TextLogprob>) {
        if !matches!(self.open, Some(OpenItem::Message { .. })) {
            self.close(ItemStatus::Completed);
            let id = self.open_message(Part::output(""));
            self.open = Some(OpenItem::Message { id, text: String::new(), logprobs: Vec::new() });
        }
        let output_index = self.output_index();
        if let Some(OpenItem::Message { id, text, logprobs: all }) = &mut self.open {
            text.push_str(words);
            all.extend_from_slice(&logprobs);
            let (item_id, delta) = (id.clone(), words.to_owned());
            self.emit(EventKind::OutputTextDelta { item_id, output_index, content_index: 0, delta, logprobs });
        }
    }

    fn refusal(&mut self, words: &str) {
        if !matches!(self.open, Some(OpenItem::Refusal { .. })) {
            self.close(ItemStatus::Completed);
            let id = self.open_message(Part::Refusal { refusal: String::new() });
            self.open = Some(OpenItem::Refusal { id, text: String::new() });
        }
        let output_index = self.output_index();
        if let Some(OpenItem::Refusal { id, text }) = &mut self.open {
            text.push_str(words);
            let (item_id, delta) = (id.clone(), words.to_owned());
            self.emit(EventKind::RefusalDelta { item_id, output_index, content_index: 0, delta });
        }
    }

    /// Opens a message with an empty part and gives back its id.
    fn open_message(&mut self, part: Part) -> String {
        let id = item_id("msg", &self.app.ids, self.app.now());
        let output_index = self.output_index();
        let item = Item::Message(message(&id, Vec::new(), ItemStatus::InProgress));
        self.emit(EventKind::OutputItemAdded { output_index, item });
        self.emit(EventKind::ContentPartAdded { item_id: id.clone(), output_index, content_index: 0, part });
        id
    }

    fn call(&mut self, delta: &ToolCallDelta) {
        if !matches!(self.open, Some(OpenItem::Call { index, .. }) if index == delta.index) {
            self.close(ItemStatus::Completed);
            self.open_call(delta);
        }
        let output_index = self.output_index();
        let arguments = delta.function.as_ref().and_then(|function| function.arguments.as_deref()).unwrap_or_default();
        if let Some(OpenItem::Call { item, .. }) = &mut self.open
            && !arguments.is_empty()
        {
            item.arguments.push_str(arguments);
            let item_id = item.id.clone().unwrap_or_default();
            self.emit(EventKind::FunctionCallArgumentsDelta { item_id, output_index, delta: arguments.to_owned() });
        }
    }

    fn open_call(&mut self, delta: &ToolCallDelta) {
        let name = delta.function.as_ref().and_then(|function| function.name.clone()).unwrap_or_default();
        let item = FunctionCallItem {
            id: Some(item_id("fc", &self.app.ids, self.app.now())),
            status: ItemStatus::InProgress,
            call_id: delta.id.clone().unwrap_or_default(),
            name,
            arguments: String::new(),
        };
        let output_index = self.output_index();
        self.emit(EventKind::OutputItemAdded { output_index, item: Item::FunctionCall(item.clone()) });
        self.open = Some(OpenItem::Call { index: delta.index, item });
    }

    /// Closes the open item, if there is one, and puts it into the response.
    pub(super) fn close(&mut self, status: ItemStatus) {
        let output_index = self.output_index();
        let item = match self.open.take() {
            None => return,
            Some(OpenItem::Message { id, text, logprobs }) => self.close_words(id, text, logprobs, status),
            Some(OpenItem::Refusal { id, text }) => self.close_refusal(id, text, status),
            Some(OpenItem::Call { mut item, .. }) => {
                item.status = status;
                self.emit(EventKind::FunctionCallArgumentsDone {
                    item_id: item.id.clone().unwrap_or_default(),
                    name: item.name.clone(),
                    output_index,
                    arguments: item.arguments.clone(),
                });
                Item::FunctionCall(item)
            }
        };
        self.emit(EventKind::OutputItemDone { output_index, item: item.clone() });
        self.response.output.push(item);
    }

    fn close_words(&mut self, id: String, text: String, logprobs: Vec<TextLogprob>, status: ItemStatus) -> Item {
        let (output_index, content_index) = (self.output_index(), 0);
        self.emit(EventKind::OutputTextDone {
            item_id: id.clone(),
            output_index,
            content_index,
            text: text.clone(),
            logprobs: logprobs.clone(),
        });
        let part = Part::OutputText { text, annotations: Vec::new(), logprobs };
        self.close_part(id, part, status)
    }

    fn close_refusal(&mut self, id: String, refusal: String, status: ItemStatus) -> Item {
        let (output_index, content_index) = (self.output_index(), 0);
        let (item_id, words) = (id.clone(), refusal.clone());
        self.emit(EventKind::RefusalDone { item_id, output_index, content_index, refusal: words });
        self.close_part(id, Part::Refusal { refusal }, status)
    }

    fn close_part(&mut self, id: String, part: Part, status: ItemStatus) -> Item {
        let (output_index, content_index) = (self.output_index(), 0);
        let item_id = id.clone();
        self.emit(EventKind::ContentPartDone { item_id, output_index, content_index, part: part.clone() });
        Item::Message(message(&id, vec![part], status))
    }
}

fn message(id: &str, content: Vec<Part>, status: ItemStatus) -> MessageItem {
    MessageItem { id: Some(id.to_owned()), status, role: wire::chat::MessageRole::Assistant, content }
}
