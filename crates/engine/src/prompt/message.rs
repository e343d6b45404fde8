//! Messages on their way into a template, and where their words stand in what came out.

use std::ops::Range;

use serde_json::{Value, json};
use wire::chat::{Message, MessageRole};

use super::Labelled;
use crate::vocabulary::Vocabulary;

/// A message as templates expect it: text as a string, arguments of calls as objects.
pub(super) fn for_template(message: &Message) -> Value {
    let role = match message.role {
        MessageRole::Developer => MessageRole::System,
        role => role,
    };
    let mut value = json!({ "role": role.as_str(), "content": message.text() });
    if !message.tool_calls().is_empty() {
        // The template turns the arguments' text into an object where it is one.
        value["tool_calls"] = json!(message.tool_calls());
    }
    for (key, text) in [("name", &message.name), ("tool_call_id", &message.tool_call_id)] {
        if let Some(text) = text {
            value[key] = json!(text);
        }
    }
    value
}

/// Where each message's words stand in the rendered text, in order; none where the template changed or moved them.
pub(super) fn places(text: &str, messages: &[Labelled]) -> Vec<Option<Range<usize>>> {
    let mut cursor = 0;
    let place = |labelled: &Labelled| {
        let words = labelled.message.text();
        let words = words.trim();
        let start = cursor + text[cursor..].find(words)?;
        cursor = start + words.len();
        Some(start..cursor)
    };
    messages.iter().map(place).collect()
}

/// Puts an invisible character into every name of a control token in the messages' words.
pub(super) fn break_control_names(messages: &mut [Labelled], vocabulary: &Vocabulary) {
    for labelled in messages {
        let words = labelled.message.text();
        if vocabulary.names_control(&words) {
            let broken = vocabulary.break_control_names(&words);
            labelled.message.content = Some(broken.into());
        }
    }
}
