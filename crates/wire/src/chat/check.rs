//! Rules of a chat request beyond the shape of its fields.

use std::collections::HashSet;

use crate::chat::{ChatRequest, Content, ContentPart, Message, MessageRole, ResponseFormat};
use crate::rules::{self, Offer, Sampling, Verdict};
use crate::strict::InvalidParameter;

impl ChatRequest {
    /// Checks ranges and rules across fields.
    ///
    /// # Errors
    /// Names the first parameter at fault and says what would be right.
    pub fn validate(&self) -> Result<(), InvalidParameter> {
        rules::model(&self.model)?;
        check_messages(&self.messages)?;
        self.sampling().check()?;
        self.check_token_limits()?;
        self.check_logprobs()?;
        let obfuscation = self.stream_options.as_ref().and_then(|options| options.include_obfuscation);
        rules::stream_options(self.stream_options.is_some(), self.streams(), obfuscation)?;
        let offers = self.tools().iter().map(|tool| Offer {
            name: &tool.function.name,
            description: tool.function.description.as_ref(),
            parameters: tool.function.parameters.as_ref(),
        });
        rules::tools(offers, self.tool_choice.as_ref(), "function.")?;
        self.response_format.as_ref().map_or(Ok(()), check_format)?;
        rules::user(self.user.as_ref())?;
        rules::metadata(self.metadata.as_ref())
    }

    fn sampling(&self) -> Sampling<'_> {
        Sampling {
            n: self.n,
            temperature: self.temperature,
            top_p: self.top_p,
            top_k: self.top_k,
            min_p: self.min_p,
            presence_penalty: self.presence_penalty,
            frequency_penalty: self.frequency_penalty,
            stop: self.stop.as_ref(),
            logit_bias: self.logit_bias.as_ref(),
        }
    }

    fn check_token_limits(&self) -> Verdict {
        rules::token_limit("max_tokens", self.max_tokens)?;
        rules::token_limit("max_completion_tokens", self.max_completion_tokens)?;
        match (self.max_tokens, self.max_completion_tokens) {
            (Some(old), Some(new)) if old != new => Err(InvalidParameter::value(
                "max_tokens",
                format_args!("it is {old}, but `max_completion_tokens` is {new}; send one of them"),
            )),
            _ => Ok(()),
        }
    }

    fn check_logprobs(&self) -> Verdict {
        rules::within("top_logprobs", self.top_logprobs, 0..=20)?;
        if self.top_logprobs.is_some() && self.logprobs != Some(true) {
            return Err(InvalidParameter::value("top_logprobs", "it needs `logprobs` to be true"));
        }
        Ok(())
    }
}

fn check_format(format: &ResponseFormat) -> Verdict {
    let ResponseFormat::JsonSchema { json_schema } = format else { return Ok(()) };
    rules::identifier("response_format.json_schema.name", &json_schema.name)?;
    rules::schema("response_format.json_schema.schema", &json_schema.schema)
}

fn check_messages(messages: &[Message]) -> Verdict {
    if messages.is_empty() {
        return Err(InvalidParameter::value("messages", "expected at least one message"));
    }
    let mut calls = HashSet::new();
    for (index, message) in messages.iter().enumerate() {
        check_content(index, message)?;
        check_fields_of_role(index, message)?;
        check_calls(index, message)?;
        calls.extend(message.tool_calls().iter().map(|call| call.id.as_str()));
        if message.role == MessageRole::Tool {
            check_answer(index, message, &calls)?;
        }
    }
    Ok(())
}

fn check_content(index: usize, message: &Message) -> Verdict {
    let parts = match &message.content {
        Some(Content::Parts(parts)) => parts,
        Some(Content::Text(_)) => return Ok(()),
        None => {
            let is_assistant = message.role == MessageRole::Assistant;
            let says_otherwise = !message.tool_calls().is_empty() || message.refusal.is_some();
            return if is_assistant && says_otherwise {
                Ok(())
            } else {
                Err(InvalidParameter::missing(format_args!("messages[{index}].content")))
            };
        }
    };
    if parts.is_empty() {
        return Err(InvalidParameter::value(
            format_args!("messages[{index}].content"),
            "expected at least one part, or a string",
        ));
    }
    let refusal = parts.iter().position(|part| matches!(part, ContentPart::Refusal { .. }));
    match refusal {
        Some(part) if message.role != MessageRole::Assistant => Err(InvalidParameter::value(
            format_args!("messages[{index}].content[{part}].type"),
            "only the assistant refuses; send `text` parts",
        )),
        _ => Ok(()),
    }
}

fn check_fields_of_role(index: usize, message: &Message) -> Verdict {
    use MessageRole::{Assistant, Tool};
    let fields = [
        ("tool_calls", message.tool_calls.is_some(), Assistant),
        ("refusal", message.refusal.is_some(), Assistant),
        ("tool_call_id", message.tool_call_id.is_some(), Tool),
    ];
    for (field, is_given, role) in fields {
        if is_given && message.role != role {
            return Err(InvalidParameter::value(
                format_args!("messages[{index}].{field}"),
                format_args!("it belongs to messages of role `{}`", role.as_str()),
            ));
        }
    }
    match &message.name {
        Some(name) => check_speaker(index, name),
        None => Ok(()),
    }
}

/// Templates write the name next to control words: what could be taken for one is refused.
fn check_speaker(index: usize, name: &str) -> Verdict {
    let risky = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '|' | '\\' | '/');
    if !name.is_empty() && name.chars().count() <= 64 && !name.contains(risky) {
        return Ok(());
    }
    Err(InvalidParameter::value(
        format_args!("messages[{index}].name"),
        "expected 1 to 64 characters without spaces and without < > | \\ /",
    ))
}

fn check_calls(index: usize, message: &Message) -> Verdict {
    let mut ids = HashSet::new();
    for (place, call) in message.tool_calls().iter().enumerate() {
        let at = |field: &str| format!("messages[{index}].tool_calls[{place}].{field}");
        if call.id.is_empty() {
            return Err(InvalidParameter::value(at("id"), "it is empty"));
        }
        if !ids.insert(&call.id) {
            return Err(InvalidParameter::value(at("id"), "another call of this message has this id"));
        }
        rules::identifier(at("function.name"), &call.function.name)?;
    }
    Ok(())
}

fn check_answer(index: usize, message: &Message, calls: &HashSet<&str>) -> Verdict {
    let param = format_args!("messages[{index}].tool_call_id").to_string();
    match &message.tool_call_id {
        None => Err(InvalidParameter::missing(param)),
        Some(id) if !calls.contains(id.as_str()) => {
            Err(InvalidParameter::value(param, "no earlier message has a call with this id in `tool_calls`"))
        }
        Some(_) => Ok(()),
    }
}
