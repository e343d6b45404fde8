//! Rules of a response request, and of items, beyond the shape of their fields.

use std::collections::HashSet;

use crate::chat::MessageRole;
use crate::response::{Input, Item, MessageItem, Part, ResponseRequest, TextFormat};
use crate::rules::{self, Offer, Sampling, Verdict};
use crate::strict::InvalidParameter;

impl ResponseRequest {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        rules::model(&self.model)?;
        self.check_input()?;
        let sampling = Sampling { temperature: self.temperature, top_p: self.top_p, ..Sampling::default() };
        sampling.check()?;
        rules::token_limit("max_output_tokens", self.max_output_tokens)?;
        self.check_logprobs()?;
        let obfuscation = self.stream_options.and_then(|options| options.include_obfuscation);
        rules::stream_options(self.stream_options.is_some(), self.streams(), obfuscation)?;
        let offers = self.tools().iter().map(|tool| Offer {
            name: &tool.name,
            description: tool.description.as_ref(),
            parameters: tool.parameters.as_ref(),
        });
        rules::tools(offers, self.tool_choice.as_ref().map(|choice| &choice.0), "")?;
        self.check_format()?;
        rules::user(self.user.as_ref())?;
        rules::metadata(self.metadata.as_ref())
    }

    /// Whether it goes on from something that is kept here.
    fn continues(&self) -> bool {
        self.previous_response_id.is_some() || self.conversation.is_some()
    }

    fn check_input(&self) -> Verdict {
        if self.previous_response_id.is_some() && self.conversation.is_some() {
            return Err(InvalidParameter::value(
                "previous_response_id",
                "it cannot stand beside `conversation`; send one of them",
            ));
        }
        match &self.input {
            Some(Input::Items(items)) if items.is_empty() => {
                Err(InvalidParameter::value("input", "expected a string or at least one item"))
            }
            Some(Input::Items(items)) => check_items("input", items, !self.continues()),
            Some(Input::Text(text)) => rules::not_empty("input", text),
            None if self.continues() => Ok(()),
            None => Err(InvalidParameter::missing("input")),
        }
    }

    fn check_logprobs(&self) -> Verdict {
        rules::within("top_logprobs", self.top_logprobs, 0..=20)?;
        if self.top_logprobs.is_some() && !self.wants_logprobs() {
            return Err(InvalidParameter::value(
                "top_logprobs",
                "it needs `include` to hold \"message.output_text.logprobs\"",
            ));
        }
        Ok(())
    }

    fn check_format(&self) -> Verdict {
        let format = self.text.as_ref().and_then(|text| text.format.as_ref());
        let Some(TextFormat::JsonSchema { name, schema, .. }) = format else { return Ok(()) };
        rules::identifier("text.format.name", name)?;
        rules::schema("text.format.schema", schema)
    }
}

/// Items under a parameter. A `closed` list must hold the call to each output; an open one goes on from
/// items that are kept here.
pub(crate) fn check_items(param: &str, items: &[Item], closed: bool) -> Verdict {
    let mut calls = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        let at = |field: &str| format!("{param}[{index}].{field}");
        match item {
            Item::Message(message) => check_message(&at, message)?,
            Item::FunctionCall(call) => {
                rules::not_empty(at("call_id"), &call.call_id)?;
                rules::identifier(at("name"), &call.name)?;
                calls.insert(call.call_id.as_str());
            }
            Item::FunctionCallOutput(output) if closed && !calls.contains(output.call_id.as_str()) => {
                return Err(InvalidParameter::value(at("call_id"), "no earlier `function_call` item has this id"));
            }
            Item::FunctionCallOutput(output) => rules::not_empty(at("call_id"), &output.call_id)?,
        }
    }
    Ok(())
}

fn check_message(at: &impl Fn(&str) -> String, message: &MessageItem) -> Verdict {
    let is_assistant = message.role == MessageRole::Assistant;
    if message.role == MessageRole::Tool {
        return Err(InvalidParameter::value(at("role"), "send what a function returned as `function_call_output`"));
    }
    if message.content.is_empty() {
        return Err(InvalidParameter::value(at("content"), "expected at least one part, or a string"));
    }
    let foreign = message.content.iter().position(|part| matches!(part, Part::InputText { .. }) == is_assistant);
    match foreign {
        Some(part) if is_assistant => Err(InvalidParameter::value(
            at(&format!("content[{part}].type")),
            "the assistant's words are `output_text`",
        )),
        Some(part) => Err(InvalidParameter::value(
            at(&format!("content[{part}].type")),
            "only the assistant's words are `output_text` or `refusal`; send `input_text`",
        )),
        None => Ok(()),
    }
}
