//! Streaming events of the Responses API: named server-sent events, numbered from 0.

use serde::{Deserialize, Serialize};

use crate::response::{Item, Part, Response, TextLogprob};

/// An event of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the stream, from 0.
    pub sequence_number: u64,
    /// What happened; its name goes into the `event:` line.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum EventKind {
    /// The response has an id.
    #[serde(rename = "response.created")]
    Created {
        /// As it is now.
        response: Box<Response>,
    },
    /// The model begins.
    #[serde(rename = "response.in_progress")]
    InProgress {
        /// As it is now.
        response: Box<Response>,
    },
    /// An item begins.
    #[serde(rename = "response.output_item.added")]
    OutputItemAdded {
        /// Its place in the output.
        output_index: u32,
        /// As it is now.
        item: Item,
    },
    /// A part of a message begins.
    #[serde(rename = "response.content_part.added")]
    ContentPartAdded {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// As it is now.
        part: Part,
    },
    /// More words.
    #[serde(rename = "response.output_text.delta")]
    OutputTextDelta {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// The words.
        delta: String,
        /// Their log-probabilities, where asked for.
        #[serde(default)]
        logprobs: Vec<TextLogprob>,
    },
    /// The words are whole.
    #[serde(rename = "response.output_text.done")]
    OutputTextDone {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// All the words.
        text: String,
        /// Their log-probabilities, where asked for.
        #[serde(default)]
        logprobs: Vec<TextLogprob>,
    },
    /// More words of a refusal.
    #[serde(rename = "response.refusal.delta")]
    RefusalDelta {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// The words.
        delta: String,
    },
    /// The words of a refusal are whole.
    #[serde(rename = "response.refusal.done")]
    RefusalDone {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// All the words.
        refusal: String,
    },
    /// A part of a message is whole.
    #[serde(rename = "response.content_part.done")]
    ContentPartDone {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// The part's place in the message.
        content_index: u32,
        /// The part.
        part: Part,
    },
    /// More of a call's arguments.
    #[serde(rename = "response.function_call_arguments.delta")]
    FunctionCallArgumentsDelta {
        /// The item.
        item_id: String,
        /// The item's place in the output.
        output_index: u32,
        /// More of the JSON text.
        delta: String,
    },
    /// A call's arguments are whole.
    #[serde(rename = "response.function_call_arguments.done")]
    FunctionCallArgumentsDone {
        /// The item.
        item_id: String,
        /// The function.
        name: String,
        /// The item's place in the output.
        output_index: u32,
        /// All of the JSON text.
        arguments: String,
    },
    /// An item is whole.
    #[serde(rename = "response.output_item.done")]
    OutputItemDone {
        /// Its place in the output.
        output_index: u32,
        /// The item.
        item: Item,
    },
    /// The response is whole; the last event.
    #[serde(rename = "response.completed")]
    Completed {
        /// The response.
        response: Box<Response>,
    },
    /// The response ended early; the last event.
    #[serde(rename = "response.incomplete")]
    Incomplete {
        /// The response.
        response: Box<Response>,
    },
    /// The response broke; the last event.
    #[serde(rename = "response.failed")]
    Failed {
        /// The response.
        response: Box<Response>,
    },
    /// The stream broke before there was a response; the last event.
    #[serde(rename = "error")]
    Error {
        /// The case, for programs.
        code: Option<String>,
        /// What was wrong and what to do.
        message: String,
        /// The parameter at fault.
        param: Option<String>,
    },
}

impl EventKind {
    /// The name on the wire, for the `event:` line.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "response.created",
            Self::InProgress { .. } => "response.in_progress",
            Self::OutputItemAdded { .. } => "response.output_item.added",
            Self::ContentPartAdded { .. } => "response.content_part.added",
            Self::OutputTextDelta { .. } => "response.output_text.delta",
            Self::OutputTextDone { .. } => "response.output_text.done",
            Self::RefusalDelta { .. } => "response.refusal.delta",
            Self::RefusalDone { .. } => "response.refusal.done",
            Self::ContentPartDone { .. } => "response.content_part.done",
            Self::FunctionCallArgumentsDelta { .. } => "response.function_call_arguments.delta",
            Self::FunctionCallArgumentsDone { .. } => "response.function_call_arguments.done",
            Self::OutputItemDone { .. } => "response.output_item.done",
            Self::Completed { .. } => "response.completed",
            Self::Incomplete { .. } => "response.incomplete",
            Self::Failed { .. } => "response.failed",
            Self::Error { .. } => "error",
        }
    }
}
